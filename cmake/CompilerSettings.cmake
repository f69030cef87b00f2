# One set of compiler settings for every target.
option(HYPRSTREAM_TESTS "Build the tests" OFF)
option(HYPRSTREAM_TOOLS "Build the development tools and benchmarks" OFF)
option(HYPRSTREAM_FUZZERS "Build the libFuzzer targets (needs clang)" OFF)
set(HYPRSTREAM_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

# Messages with file names look alike wherever the checkout lies.
add_compile_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
                    -Woverloaded-virtual
                    -Wno-missing-field-initializers  # designated initialisers leave the defaults alone
                    -Werror)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
# For code that waits for people, disks or parsers: half the time to compile.
set(HYPRSTREAM_COLD_CODE $<$<CONFIG:Release>:-O1>)
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")

if(HYPRSTREAM_SANITIZE)
  add_compile_options(-fsanitize=${HYPRSTREAM_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HYPRSTREAM_SANITIZE})
else()
  add_link_options(-Wl,--no-undefined)
endif()

if(HYPRSTREAM_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link) # libFuzzer then sees which of our branches an input takes
endif()

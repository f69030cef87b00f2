# hyprstream_module(NAME [SOURCES ...] [USES other modules ...] [LINKS libraries ...])
#
# The target of one folder of src/. A header is found as "NAME/file.hpp", and only by
# targets that use NAME: each module has an include directory of its own that holds
# nothing but a link to its folder, so an include that the layers forbid does not compile.
function(hyprstream_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES;LINKS")
  set(target hyprstream_${name})
  add_library(${target} STATIC ${arg_SOURCES})
  set(include_dir ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${include_dir})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${include_dir}/${name} SYMBOLIC)
  target_include_directories(${target} PUBLIC ${include_dir})
  list(TRANSFORM arg_USES PREPEND hyprstream_)
  target_link_libraries(${target} PUBLIC ${arg_USES} PRIVATE ${arg_LINKS})
endfunction()

# Everything outside is a Debian package; docs/dependencies.md says what each is for.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(CLI11 REQUIRED)
find_package(hwy REQUIRED CONFIG)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(prometheus-cpp REQUIRED CONFIG)
find_package(spdlog REQUIRED)
find_package(CURL REQUIRED)
pkg_check_modules(llama REQUIRED IMPORTED_TARGET llama)
pkg_check_modules(ggml REQUIRED IMPORTED_TARGET ggml)
find_library(GGML_BASE_LIBRARY ggml-base REQUIRED) # which ggml's pkg-config file leaves out
find_library(ISOCLINE_LIBRARY isocline REQUIRED)
find_library(DUCKDB_LIBRARY duckdb REQUIRED)
pkg_check_modules(httplib REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(arrow REQUIRED IMPORTED_TARGET arrow)
pkg_check_modules(arrow_flight_sql REQUIRED IMPORTED_TARGET arrow-flight-sql)
find_library(GRPCPP_LIBRARY grpc++ REQUIRED)

# Where the CPU plugins of ggml lie, below the root that is built in.
set(HYPRSTREAM_GGML_BACKENDS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/ggml/backends0)

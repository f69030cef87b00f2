// The door of libhyprstream_sql.so, which holds what needs DuckDB and Arrow. The program loads it
// with dlopen when a command needs it; nothing else of it is visible.
#pragma once

#include <cstdint>

// Plain C types only: program and module may be built apart. New functions go to the end and
// raise kSqlModuleAbi. All functions are thread-safe and never throw.
struct HyprstreamSqlModule {
  std::uint32_t abi_version;        // kSqlModuleAbi of the module; always the first field
  const char* (*duckdb_version)();  // "v2.0.0"; static storage
  const char* (*arrow_version)();   // "25.0.0"; static storage
};

// The one exported symbol. The table lives as long as the module is loaded.
extern "C" [[gnu::visibility("default")]] const HyprstreamSqlModule* hyprstream_sql_module();

namespace hyprstream {

inline constexpr std::uint32_t kSqlModuleAbi = 1;
inline constexpr const char* kSqlModuleFile = "libhyprstream_sql.so";
inline constexpr const char* kSqlModuleEntry = "hyprstream_sql_module";

}  // namespace hyprstream

#include "cli/version.hpp"

#include "runtime/llama_cpp_engine.hpp"
#include "sql_shell/sql_module_loader.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {

std::string render_versions() {
  const auto llama_cpp = llama_cpp_versions();
  std::string duckdb;
  std::string arrow;
  if (const auto module = load_sql_module()) {
    duckdb = (*module)->duckdb_version();
    if (duckdb.starts_with('v')) duckdb.erase(0, 1);
    arrow = (*module)->arrow_version();
  } else {
    duckdb = arrow = "not available: " + module.error().message;
  }
  Table table({Align::kLeft, Align::kLeft});
  table.add_row({"hyprstream", HYPRSTREAM_VERSION});
  table.add_row({"llama.cpp", llama_cpp.llama});
  table.add_row({"ggml", llama_cpp.ggml});
  table.add_row({"DuckDB", duckdb});
  table.add_row({"Arrow", arrow});
  return table.render();
}

}  // namespace hyprstream

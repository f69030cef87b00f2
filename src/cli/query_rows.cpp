#include "cli/query_rows.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "base/paths.hpp"
#include "cli/sql_module_loader.hpp"
#include "cli/sql_script.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

Result<std::shared_ptr<Database>> open_user_database(const HyprstreamSqlModule& module, Console& console,
                                                     const InterruptScope& interrupt) {
  std::error_code error;
  std::filesystem::create_directories(data_home(), error);
  if (error) return fail_errno(data_home().string(), error.value());
  DatabaseOptions options;
  options.path = data_home() / "hyprstream.duckdb";
  for (bool told = false;;) {
    auto database = module.open_database(options);
    if (database || database.error().code != ErrorCode::kUnavailable) return database;
    if (!std::exchange(told, true)) console.status("hyprstream: waiting: " + database.error().message);
    if (interrupt.was_interrupted()) return fail(ErrorCode::kCancelled, "interrupted");
    std::this_thread::sleep_for(100ms);
  }
}

}  // namespace

Result<std::string> query_rows(std::string_view sql, Console& console, const InterruptScope& interrupt) {
  HYPRSTREAM_ASSIGN(const auto* module, load_sql_module());
  HYPRSTREAM_ASSIGN(const auto database, open_user_database(*module, console, interrupt));
  HYPRSTREAM_ASSIGN(const auto session, module->connect(*database, {.exact_types = true}));
  HYPRSTREAM_ASSIGN(const auto formatter, module->make_formatter(*database));
  std::string rows;
  const SqlOutput output{.format = ResultFormat::kJsonl, .text = [&](std::string_view part) -> Result<void> {
                           if (interrupt.was_interrupted()) return fail(ErrorCode::kCancelled, "interrupted");
                           rows += part;
                           return {};
                         }};
  HYPRSTREAM_TRY(run_sql_script(*session, sql, *formatter, output));
  if (rows.empty())
    return fail(ErrorCode::kInvalidArgument, "the query of --sql gives no rows: there is nothing to learn");
  return rows;
}

}  // namespace hyprstream

#include "cli/query_rows.hpp"

#include "cli/sql_connector.hpp"
#include "sql_shell/sql_script.hpp"

namespace hyprstream {

Result<std::string> query_rows(std::string_view sql, Console& console, std::optional<InterruptScope>& interrupt) {
  const SqlConnectionFlags flags;
  HYPRSTREAM_ASSIGN(const auto connection, connect_sql(flags, /*exact_types=*/true, console, interrupt));
  const InterruptForwarder forwarder(*interrupt, *connection.session);
  std::string rows;
  const SqlOutput output{.format = ResultFormat::kJsonl, .text = [&](std::string_view part) -> Result<void> {
                           rows += part;
                           return {};
                         }};
  HYPRSTREAM_TRY(run_sql_script(*connection.session, sql, *connection.formatter, output));
  if (rows.empty())
    return fail(ErrorCode::kInvalidArgument, "the query of --sql gives no rows: there is nothing to learn");
  return rows;
}

}  // namespace hyprstream

// A text of SQL statements, run one after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.hpp"
#include "catalog/session.hpp"
#include "catalog/text_result.hpp"
#include "sql_shell/result_writer.hpp"
#include "terminal/console.hpp"
#include "terminal/interrupt.hpp"

namespace hyprstream {

// Where results go and how they look.
struct SqlOutput {
  ResultFormat format = ResultFormat::kBox;
  std::size_t width = 0;  // of the terminal; 0: no limit
  TextSink text;
  // The same for a format that is a file of its own: gives the path to write to.
  std::function<Result<void>(ResultStream&)> file;
};

// What the statements did.
struct SqlSummary {
  std::size_t statements = 0;
  std::size_t results = 0;
  std::int64_t rows_changed = 0;
};

// Stops at the first error, which says where in the whole text it is. Errors: those of Session and of the output;
// kInvalidArgument for a second result where one makes the file.
Result<SqlSummary> run_sql_script(Session& session, std::string_view text, TextFormatter& formatter,
                                  const SqlOutput& output);

// Says on the console that values are NULL because of errors, if there are more than `known`; gives how many there are.
std::int64_t report_row_errors(Session& session, TextFormatter& formatter, Console& console, std::int64_t known);

// Ends what a session runs when a signal comes.
class InterruptForwarder {
 public:
  // Both must outlive it.
  InterruptForwarder(const InterruptScope& interrupt, Session& session);

 private:
  std::jthread thread_;
};

}  // namespace hyprstream

#include "sql_shell/sql_script.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <format>
#include <string>

#include "base/utf8.hpp"
#include "sql_shell/sql_statements.hpp"
#include "terminal/printable.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

// The error of a statement that begins at `offset` of `text`, with its place in the whole text.
Error place_in_text(Error error, std::string_view text, std::size_t offset) {
  std::size_t line = 0;
  std::size_t column = 0;
  const std::string_view message = error.message;
  if (!message.starts_with("line ")) return error;
  const auto* end = message.data() + message.size();
  const auto line_read = std::from_chars(message.data() + 5, end, line);
  constexpr std::string_view kColumn = ", column ";
  if (line_read.ec != std::errc() || !std::string_view(line_read.ptr, end).starts_with(kColumn)) return error;
  const auto column_read = std::from_chars(line_read.ptr + kColumn.size(), end, column);
  if (column_read.ec != std::errc()) return error;
  const auto before = text.substr(0, offset);
  const auto last_break = before.rfind('\n');
  const auto in_line = last_break == std::string_view::npos ? before : before.substr(last_break + 1);
  if (line == 1) column += decode_utf8(in_line).size();
  line += static_cast<std::size_t>(std::ranges::count(before, '\n'));
  error.message = std::format("line {}, column {}{}", line, column, std::string_view(column_read.ptr, end));
  return error;
}

Result<void> run_statement(Session& session, std::string_view sql, TextFormatter& formatter, const SqlOutput& output,
                           SqlSummary& summary) {
  HYPRSTREAM_ASSIGN(const auto statement, session.prepare(sql));
  HYPRSTREAM_ASSIGN(const auto stream, statement->execute());
  ++summary.statements;
  summary.rows_changed += stream->rows_changed();
  if (stream->schema().n_children == 0) return {};
  ++summary.results;
  if (!is_binary(output.format)) return write_result(*stream, output.format, formatter, output.width, output.text);
  if (summary.results > 1)
    return fail(ErrorCode::kInvalidArgument,
                "this is the second result, and a file of this format holds one: run it by itself");
  return output.file(*stream);
}

// Rows that functions of the model could not make, so far in this session.
struct RowErrors {
  std::int64_t rows = 0;
  std::string newest;  // "generate(): there is no adapter 'x'"
};

Result<RowErrors> read_row_errors(Session& session, TextFormatter& formatter) {
  HYPRSTREAM_ASSIGN(
      const auto statement,
      session.prepare("SELECT count(*), coalesce(last(function || '(): ' || message), '') FROM sql_errors"));
  HYPRSTREAM_ASSIGN(const auto stream, statement->execute());
  HYPRSTREAM_ASSIGN(const auto rows, formatter.as_text(*stream));
  HYPRSTREAM_ASSIGN(const auto batch, rows->next());
  if (batch.size() != 1) return RowErrors();
  const std::string count = batch[0][0].value_or("0");
  RowErrors errors{.newest = batch[0][1].value_or("")};
  std::from_chars(count.data(), count.data() + count.size(), errors.rows);
  return errors;
}

}  // namespace

Result<SqlSummary> run_sql_script(Session& session, std::string_view text, TextFormatter& formatter,
                                  const SqlOutput& output) {
  SqlSummary summary;
  for (const auto& piece : split_sql(text)) {
    auto ran = run_statement(session, piece.text, formatter, output, summary);
    if (!ran) return std::unexpected(place_in_text(std::move(ran).error(), text, piece.offset));
  }
  return summary;
}

std::int64_t report_row_errors(Session& session, TextFormatter& formatter, Console& console, std::int64_t known) {
  const auto errors = read_row_errors(session, formatter);
  if (!errors) return known;  // a server of somebody else's
  if (errors->rows > known)
    console.status(
        std::format("hyprstream: {} NULL because of errors, which FROM sql_errors lists: {}",
                    errors->rows - known == 1 ? "1 value is" : std::format("{} values are", errors->rows - known),
                    printable_line(errors->newest)));
  return errors->rows;
}

InterruptForwarder::InterruptForwarder(const InterruptScope& interrupt, Session& session)
    : thread_([&interrupt, &session](const std::stop_token& stop) {
        while (!stop.stop_requested() && !interrupt.was_interrupted()) std::this_thread::sleep_for(20ms);
        // Again and again: one that comes between two statements would be forgotten.
        while (!stop.stop_requested()) {
          session.interrupt();
          std::this_thread::sleep_for(20ms);
        }
      }) {}

}  // namespace hyprstream

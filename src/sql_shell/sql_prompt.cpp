#include "sql_shell/sql_prompt.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <format>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/nearest_match.hpp"
#include "base/paths.hpp"
#include "sql_shell/sql_script.hpp"
#include "sql_shell/sql_statements.hpp"
#include "terminal/line_editor.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

using Clock = std::chrono::steady_clock;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}

class SqlPrompt {
 public:
  SqlPrompt(SqlConnection& sql, ResultFormat format, Console& console, std::optional<InterruptScope>& interrupt)
      : sql_(sql), console_(console), interrupt_(interrupt) {
    output_.format = is_binary(format) ? ResultFormat::kBox : format;
    output_.text = [this](std::string_view part) { return console_.write(part); };
  }

  Result<ExitCode> run() {
    HYPRSTREAM_TRY(console_.write(
        std::format("{}\nEnd a statement with ';'. .help lists the commands, Ctrl-D leaves.\n",
                    sql_.server.empty() ? "hyprstream's database." : "The server at " + sql_.server + ".")));
    LineEditor editor(data_home() / "sql-history", [this](std::string_view text) { return complete(text); });
    std::string text;  // lines of a statement that has not ended
    while (!leaving_) {
      interrupt_.reset();
      const auto line = editor.read_line(text.empty() ? "sql " : "... ");
      if (!line) break;
      if (text.empty() && trim(*line).starts_with('.')) {
        HYPRSTREAM_TRY(obey(trim(*line)));
        continue;
      }
      if (text.empty() && trim(*line).empty()) continue;
      text += (text.empty() ? "" : "\n") + *line;
      if (is_unfinished_sql(text)) continue;
      HYPRSTREAM_TRY(execute(std::exchange(text, {})));
    }
    return ExitCode::kSuccess;
  }

 private:
  struct DotCommand {
    std::string_view name;
    std::string_view argument;
    std::string_view help;
    Result<void> (SqlPrompt::*run)(std::string_view argument);
  };
  static const std::array<DotCommand, 6> kCommands;

  Result<void> say(std::string_view text) { return console_.write(printable_line(text) + "\n"); }

  // A failure of a statement is said; only one of the console ends the prompt.
  Result<void> execute(std::string_view text) {
    const auto begin = Clock::now();
    output_.width = terminal_width(STDOUT_FILENO);
    Result<SqlSummary> summary;
    {
      interrupt_.emplace();
      const InterruptForwarder forwarder(*interrupt_, *sql_.session);
      summary = run_sql_script(*sql_.session, text, *sql_.formatter, output_);
    }
    if (console_.reader_gone()) return fail(ErrorCode::kIo, "the output is closed");
    if (!summary) return say(summary.error().message);
    if (summary->rows_changed > 0)
      HYPRSTREAM_TRY(
          say(std::format("{} row{} changed", summary->rows_changed, summary->rows_changed == 1 ? "" : "s")));
    row_errors_ = report_row_errors(*sql_.session, *sql_.formatter, console_, row_errors_);
    if (timer_)
      HYPRSTREAM_TRY(say(std::format("{:.3f} seconds", std::chrono::duration<double>(Clock::now() - begin).count())));
    return {};
  }

  Result<void> obey(std::string_view line) {
    const auto space = line.find_first_of(" \t");
    const auto name = line.substr(0, space);
    auto argument = space == std::string_view::npos ? std::string_view() : trim(line.substr(space));
    if (argument.ends_with(';')) argument = trim(argument.substr(0, argument.size() - 1));
    const auto found = std::ranges::find(kCommands, name, &DotCommand::name);
    if (found != kCommands.end()) return (this->*found->run)(argument);
    std::vector<std::string> names;
    for (const auto& command : kCommands) names.emplace_back(command.name);
    const auto nearest = nearest_match(name, names);
    return say(nearest ? std::format("There is no {}: did you mean {}?", name, *nearest)
                       : std::format("There is no {}: .help lists the commands.", name));
  }

  Result<void> help(std::string_view /*argument*/) {
    Table table({Align::kLeft, Align::kLeft});
    for (const auto& command : kCommands)
      table.add_row(
          {command.argument.empty() ? std::string(command.name) : std::format("{} {}", command.name, command.argument),
           std::string(command.help)});
    table.add_row({"Ctrl-C", "End the statement that runs"});
    table.add_row({"Ctrl-D", "Leave"});
    return console_.write(table.render());
  }

  Result<void> tables(std::string_view /*argument*/) {
    return execute(
        "SELECT table_name AS name, CASE table_type WHEN 'VIEW' THEN 'view' ELSE 'table' END AS kind "
        "FROM information_schema.tables WHERE table_schema = 'main' ORDER BY ALL");
  }

  Result<void> schema(std::string_view argument) {
    const auto where = argument.empty() ? std::string() : std::format("AND table_name = {} ", quoted(argument));
    return execute(
        std::format("SELECT table_name AS \"table\", column_name AS \"column\", data_type AS type, "
                    "is_nullable AS nullable FROM information_schema.columns WHERE table_schema = 'main' "
                    "{}ORDER BY table_name, ordinal_position",
                    where));
  }

  Result<void> timer(std::string_view argument) {
    if (argument != "on" && argument != "off") return say(".timer on, or .timer off");
    timer_ = argument == "on";
    return {};
  }

  Result<void> format(std::string_view argument) {
    const auto format = result_format(argument);
    if (std::ranges::find(kResultFormats, argument) == kResultFormats.end() || is_binary(format))
      return say(".format takes box, markdown, csv, json or jsonl");
    output_.format = format;
    return {};
  }

  Result<void> quit(std::string_view /*argument*/) {
    leaving_ = true;
    return {};
  }

  // What may stand at the end of the text, as DuckDB's own command line offers it.
  std::vector<LineCompletion> complete(std::string_view text) {
    std::vector<LineCompletion> found;
    if (text.starts_with('.')) {
      for (const auto& command : kCommands)
        if (command.name.starts_with(text)) found.push_back({std::string(command.name), text.size()});
      return found;
    }
    const auto statement = sql_.session->prepare("SELECT suggestion, suggestion_start::BIGINT FROM sql_auto_complete(" +
                                                 quoted(text) + ")");
    if (!statement) return found;
    const auto stream = (*statement)->execute();
    if (!stream) return found;
    const auto rows = sql_.formatter->as_text(**stream);
    if (!rows) return found;
    const auto batch = (*rows)->next();
    if (!batch) return found;
    for (const auto& row : *batch) {
      const auto start = static_cast<std::size_t>(std::strtoull(row[1].value_or("0").c_str(), nullptr, 10));
      found.push_back({row[0].value_or(""), text.size() - std::min(start, text.size())});
    }
    return found;
  }

  SqlConnection& sql_;
  Console& console_;
  std::optional<InterruptScope>& interrupt_;
  SqlOutput output_;
  std::int64_t row_errors_ = 0;
  bool timer_ = false;
  bool leaving_ = false;
};

constinit const std::array<SqlPrompt::DotCommand, 6> SqlPrompt::kCommands{{
    {".help", "", "List these", &SqlPrompt::help},
    {".tables", "", "The tables and views", &SqlPrompt::tables},
    {".schema", "[TABLE]", "Their columns", &SqlPrompt::schema},
    {".timer", "on|off", "Say how long each statement takes", &SqlPrompt::timer},
    {".format", "NAME", "How results look: box, markdown, csv, json or jsonl", &SqlPrompt::format},
    {".quit", "", "Leave", &SqlPrompt::quit},
}};

}  // namespace

Result<ExitCode> run_sql_prompt(SqlConnection& sql, ResultFormat format, Console& console,
                                std::optional<InterruptScope>& interrupt) {
  return SqlPrompt(sql, format, console, interrupt).run();
}

}  // namespace hyprstream

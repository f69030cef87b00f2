// hyprstream sql.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <format>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/atomic_file.hpp"
#include "base/staged_directory.hpp"
#include "cli/command_table.hpp"
#include "cli/sql_connector.hpp"
#include "sql_shell/sql_prompt.hpp"
#include "sql_shell/sql_script.hpp"
#include "terminal/input_text.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kLongestScript = std::size_t{256} << 20;  // bytes

class SqlCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {.description =
                "Runs SQL on hyprstream's database, a DuckDB file in its data directory: your own tables, files in "
                "Parquet, CSV and JSON, and what hyprstream knows.\n"
                "\n"
                "Statements come from -c, from a file with -f, or from standard input, and run one after another until "
                "one fails. On a terminal without either there is a prompt.",
            .examples = {{"hyprstream sql -c \"SELECT 42 AS answer\"", "A table."},
                         {"hyprstream sql -c \"FROM 'data.parquet' LIMIT 5\" --format csv", "A file, as CSV."},
                         {"hyprstream sql -f report.sql --format parquet -o report.parquet", "A result into a file."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.text("--command,-c", "SQL", command_, "The statements to run");
    arguments.file("--file,-f", "FILE", file_, "A file with the statements to run; - for standard input");
    arguments.choice("--format", "FORMAT", format_, {kResultFormats.begin(), kResultFormats.end()},
                     "How results are written");
    arguments.file("--output,-o", "FILE", output_, "Where results go", "standard output");
    connection_.declare(arguments);
  }

  Result<ExitCode> run(Console& console) override {
    const auto format = result_format(format_);
    if (command_ && file_) return fail(ErrorCode::kInvalidArgument, "-c and -f both say what to run: give one of them");
    if (is_binary(format) && !output_ && is_terminal(STDOUT_FILENO))
      return fail(ErrorCode::kInvalidArgument,
                  std::format("--format {} is not for a terminal: name a file with -o", format_));
    connection_.result_directories = {output_ ? output_directory() : std::filesystem::temp_directory_path()};
    std::optional<InterruptScope> interrupt(std::in_place);
    if (!command_ && !file_ && is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO) && !output_) {
      HYPRSTREAM_ASSIGN(auto sql, connect_sql(connection_, true, console, interrupt));
      return run_sql_prompt(sql, format, console, interrupt);
    }
    HYPRSTREAM_ASSIGN(const auto text, read_statements(*interrupt));
    // What Arrow has no type for is kept where only text is made of it.
    HYPRSTREAM_ASSIGN(const auto sql, connect_sql(connection_, !is_binary(format), console, interrupt));
    const InterruptForwarder forwarder(*interrupt, *sql.session);
    HYPRSTREAM_TRY(output_ ? run_into_file(*sql.session, *sql.formatter, text, format)
                           : run_into(*sql.session, *sql.formatter, text, console, format));
    report_row_errors(*sql.session, *sql.formatter, console, 0);
    return ExitCode::kSuccess;
  }

 private:
  std::filesystem::path output_directory() const {
    const std::filesystem::path target = *output_;
    return target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
  }

  Result<std::string> read_statements(const InterruptScope& interrupt) const {
    if (command_) return *command_;
    if (!file_ && is_terminal(STDIN_FILENO))
      return fail(ErrorCode::kInvalidArgument, "there is nothing to run: give -c SQL or -f FILE");
    if (!file_ || *file_ == "-")
      return read_input(STDIN_FILENO, "the SQL on standard input", kLongestScript, interrupt);
    const FileDescriptor script(::open(file_->c_str(), O_RDONLY | O_CLOEXEC));
    if (!script) return fail_errno(*file_, errno);
    return read_input(script.get(), *file_, kLongestScript, interrupt);
  }

  static Result<void> write_binary(ResultStream& stream, ResultFormat format, TextFormatter& formatter,
                                   const std::string& path) {
    HYPRSTREAM_TRY(format == ResultFormat::kArrow ? formatter.write_arrow(stream, path)
                                                  : formatter.write_parquet(stream, path));
    return {};
  }

  Result<void> run_into(Session& session, TextFormatter& formatter, std::string_view text, Console& console,
                        ResultFormat format) const {
    SqlOutput output{.format = format, .text = [&](std::string_view part) { return console.write(part); }};
    if (is_terminal(STDOUT_FILENO)) output.width = terminal_width(STDOUT_FILENO);
    output.file = [&](ResultStream& stream) -> Result<void> {
      // Written as a file and then copied: its end says where its parts are.
      HYPRSTREAM_ASSIGN(const auto staged, StagedDirectory::create(std::filesystem::temp_directory_path()));
      const auto path = staged.path() / "result";
      HYPRSTREAM_TRY(write_binary(stream, format, formatter, path));
      const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!file) return fail_errno(path.string(), errno);
      std::vector<char> buffer(std::size_t{1} << 20);
      while (true) {
        const auto count = ::read(file.get(), buffer.data(), buffer.size());
        if (count < 0) return fail_errno(path.string(), errno);
        if (count == 0) return {};
        HYPRSTREAM_TRY(console.write({buffer.data(), static_cast<std::size_t>(count)}));
      }
    };
    HYPRSTREAM_TRY(run_sql_script(session, text, formatter, output));
    return {};
  }

  // The file is there, whole, when all statements have run; else it stays as it was.
  Result<void> run_into_file(Session& session, TextFormatter& formatter, std::string_view text,
                             ResultFormat format) const {
    const std::filesystem::path target = *output_;
    if (!is_binary(format)) {
      HYPRSTREAM_ASSIGN(auto file, AtomicFile::create(target));
      const SqlOutput output{.format = format, .text = [&](std::string_view part) { return file.write(part); }};
      HYPRSTREAM_TRY(run_sql_script(session, text, formatter, output));
      return file.publish();
    }
    HYPRSTREAM_ASSIGN(const auto staged, StagedDirectory::create(output_directory()));
    const auto path = staged.path() / "result";
    const SqlOutput output{.format = format, .file = [&](ResultStream& stream) {
                             return write_binary(stream, format, formatter, path.string());
                           }};
    HYPRSTREAM_ASSIGN(const auto summary, run_sql_script(session, text, formatter, output));
    if (summary.results == 0)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("no statement gives a result: {} is not written", target.string()));
    std::error_code error;
    std::filesystem::rename(path, target, error);
    if (error) return fail_errno(target.string(), error.value());
    return sync_directory(output_directory());
  }

  std::optional<std::string> command_;
  std::optional<std::string> file_;
  std::string format_ = "box";
  std::optional<std::string> output_;
  SqlConnectionFlags connection_;
};

}  // namespace

std::unique_ptr<Command> make_sql_command() { return std::make_unique<SqlCommand>(); }

}  // namespace hyprstream

// hyprstream sql.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <format>
#include <thread>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/paths.hpp"
#include "base/staged_directory.hpp"
#include "base/terminal.hpp"
#include "cli/command.hpp"
#include "cli/input_text.hpp"
#include "cli/interrupt.hpp"
#include "cli/sql_module_loader.hpp"
#include "cli/sql_script.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kLongestScript = std::size_t{256} << 20;  // bytes

// Ends what a session runs when a signal comes.
class InterruptForwarder {
 public:
  InterruptForwarder(const InterruptScope& interrupt, Session& session)
      : thread_([&interrupt, &session](const std::stop_token& stop) {
          while (!stop.stop_requested() && !interrupt.was_interrupted()) std::this_thread::sleep_for(20ms);
          // Again and again: one that comes between two statements would be forgotten.
          while (!stop.stop_requested()) {
            session.interrupt();
            std::this_thread::sleep_for(20ms);
          }
        }) {}

 private:
  std::jthread thread_;
};

class SqlCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Runs SQL on hyprstream's database, a DuckDB file in its data directory: your own tables, files in "
            "Parquet, CSV and JSON, and what hyprstream knows.\n"
            "\n"
            "Statements come from -c, from a file with -f, or from standard input. They run one after another until "
            "one fails.",
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
    arguments.file("--database", "FILE", database_, "Another database; ':memory:' for one that is forgotten",
                   "hyprstream.duckdb in the data directory");
  }

  Result<ExitCode> run(Console& console) override {
    const auto format = result_format(format_);
    if (command_ && file_) return fail(ErrorCode::kInvalidArgument, "-c and -f both say what to run: give one of them");
    if (is_binary(format) && !output_ && is_terminal(STDOUT_FILENO))
      return fail(ErrorCode::kInvalidArgument,
                  std::format("--format {} is not for a terminal: name a file with -o", format_));
    InterruptScope interrupt;
    HYPRSTREAM_ASSIGN(const auto text, read_statements(interrupt));
    HYPRSTREAM_ASSIGN(module_, load_sql_module());
    HYPRSTREAM_ASSIGN(const auto database, open(console, interrupt));
    // What Arrow has no type for is kept where only text is made of it.
    HYPRSTREAM_ASSIGN(const auto session, module_->connect(*database, {.exact_types = !is_binary(format)}));
    HYPRSTREAM_ASSIGN(const auto formatter, module_->make_formatter(*database));
    const InterruptForwarder forwarder(interrupt, *session);
    HYPRSTREAM_TRY(output_ ? run_into_file(*session, *formatter, text, format)
                           : run_into(*session, *formatter, text, console, format));
    return ExitCode::kSuccess;
  }

 private:
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

  // Waits for another process that has the file open.
  Result<std::shared_ptr<Database>> open(Console& console, const InterruptScope& interrupt) const {
    DatabaseOptions options;
    if (!database_) {
      options.path = data_home() / "hyprstream.duckdb";
      std::error_code error;
      std::filesystem::create_directories(data_home(), error);
      if (error) return fail_errno(data_home().string(), error.value());
    } else if (*database_ != ":memory:") {
      options.path = *database_;
    }
    for (bool told = false;; told = true) {
      auto database = module_->open_database(options);
      if (database || database.error().code != ErrorCode::kUnavailable) return database;
      if (!told) console.status("hyprstream: waiting: " + database.error().message);
      for (int i = 0; i < 10; ++i) {
        if (interrupt.was_interrupted()) return fail(ErrorCode::kCancelled, "interrupted");
        std::this_thread::sleep_for(20ms);
      }
    }
  }

  static Result<void> write_binary(ResultStream& stream, TextFormatter& formatter, const std::string& path) {
    HYPRSTREAM_TRY(formatter.write_parquet(stream, path));
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
      HYPRSTREAM_TRY(write_binary(stream, formatter, path));
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
    const auto parent = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
    HYPRSTREAM_ASSIGN(const auto staged, StagedDirectory::create(parent));
    const auto path = staged.path() / "result";
    const SqlOutput output{
        .format = format, .file = [&](ResultStream& stream) { return write_binary(stream, formatter, path.string()); }};
    HYPRSTREAM_ASSIGN(const auto summary, run_sql_script(session, text, formatter, output));
    if (summary.results == 0)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("no statement gives a result: {} is not written", target.string()));
    std::error_code error;
    std::filesystem::rename(path, target, error);
    if (error) return fail_errno(target.string(), error.value());
    return sync_directory(parent);
  }

  std::optional<std::string> command_;
  std::optional<std::string> file_;
  std::string format_ = "box";
  std::optional<std::string> output_;
  std::optional<std::string> database_;
  const HyprstreamSqlModule* module_ = nullptr;
};

}  // namespace

std::unique_ptr<Command> make_sql_command() { return std::make_unique<SqlCommand>(); }

}  // namespace hyprstream

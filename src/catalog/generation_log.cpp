#include "catalog/generation_log.hpp"

#include <atomic>
#include <condition_variable>
#include <format>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "catalog/connection.hpp"
#include "catalog/duckdb_error.hpp"

namespace hyprstream {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kBetweenCleanings = 60s;

DuckValue text_value(const std::string& text) {
  return DuckValue(duckdb_create_varchar_length(text.data(), text.size()));
}

DuckValue list_value(const std::vector<std::string>& texts) {
  std::vector<DuckValue> values;
  std::vector<duckdb_value> handles;
  handles.reserve(texts.size() + 1);  // DuckDB takes no null pointer, not even for an empty list
  for (const auto& text : texts) {
    values.push_back(text_value(text));
    handles.push_back(values.back().get());
  }
  const DuckType type(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
  return DuckValue(duckdb_create_list_value(type.get(), handles.data(), handles.size()));
}

// One row; the appender remembers the first thing that does not fit.
class RowWriter {
 public:
  explicit RowWriter(duckdb_appender appender) : appender_(appender) {}

  void text(const std::string& text) { note(duckdb_append_varchar_length(appender_, text.data(), text.size())); }
  void text_or_null(const std::optional<std::string>& value) {
    if (value)
      text(*value);
    else
      note(duckdb_append_null(appender_));
  }
  void text_or_null(const std::string& value) { text_or_null(value.empty() ? std::nullopt : std::optional(value)); }
  void whole(std::int64_t value) { note(duckdb_append_int64(appender_, value)); }
  void real(double value) { note(duckdb_append_double(appender_, value)); }
  void value(const DuckValue& value) { note(duckdb_append_value(appender_, value.get())); }
  void end() { note(duckdb_appender_end_row(appender_)); }
  bool ok() const noexcept { return ok_; }

 private:
  void note(duckdb_state state) { ok_ = ok_ && state == DuckDBSuccess; }

  duckdb_appender appender_;
  bool ok_ = true;
};

bool append(duckdb_appender appender, const GenerationRecord& record) {
  RowWriter row(appender);
  const auto since_epoch = std::chrono::duration_cast<std::chrono::microseconds>(record.time.time_since_epoch());
  row.value(DuckValue(duckdb_create_timestamp_tz({since_epoch.count()})));
  row.text(record.kind);
  row.text(record.model);
  row.value(list_value(record.adapters));
  row.text_or_null(record.client);
  row.text(record.outcome);
  row.text_or_null(record.finish_reason);
  row.text_or_null(record.prompt);
  row.text_or_null(record.completion);
  row.whole(record.prompt_tokens);
  row.whole(record.cached_tokens);
  row.whole(record.completion_tokens);
  row.real(record.queue_seconds);
  row.real(record.prefill_seconds);
  row.real(record.first_token_seconds);
  row.real(record.decode_seconds);
  row.end();
  return row.ok();
}

class Log final : public GenerationLog {
 public:
  Log(std::shared_ptr<Database> database, std::shared_ptr<Connection> connection, const GenerationLogOptions& options)
      : database_(std::move(database)), connection_(std::move(connection)), options_(options) {
    thread_ = std::thread([this] { run(); });
  }

  ~Log() override {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void add(Make make) override {
    bool first = false;
    {
      const std::scoped_lock lock(mutex_);
      if (waiting_.size() >= options_.most_waiting) {
        ++dropped_;
        return;
      }
      first = waiting_.empty();
      waiting_.push_back(std::move(make));
    }
    if (first) wake_.notify_one();
  }

  std::uint64_t dropped() const noexcept override { return dropped_; }

 private:
  // After the first record it waits for others, then writes all.
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (!stopping_) wake_.wait_for(lock, options_.delay, [this] { return stopping_; });
      if (waiting_.empty()) return;
      auto batch = std::exchange(waiting_, {});
      const bool last = stopping_;
      lock.unlock();
      write_all(batch);
      lock.lock();
      if (last && waiting_.empty()) return;
    }
  }

  void write_all(const std::vector<Make>& batch) {
    auto written = write(batch);
    if (!written) {
      dropped_ += batch.size();
      if (!std::exchange(complained_, true))
        log_line(LogLevel::kWarning, std::format("requests are not logged: {}", written.error().message));
      return;
    }
    complained_ = false;
    if (Clock::now() - cleaned_ < kBetweenCleanings) return;
    cleaned_ = Clock::now();
    if (const auto cleaned = clean(); !cleaned)
      log_line(LogLevel::kWarning, std::format("old log entries are not removed: {}", cleaned.error().message));
  }

  Result<void> write(const std::vector<Make>& batch) {
    HYPRSTREAM_TRY(connection_->begin());
    auto done = fill(batch);
    if (done) return connection_->commit();
    static_cast<void>(connection_->rollback());
    return done;
  }

  Result<void> fill(const std::vector<Make>& batch) {
    DuckAppender appender;
    bool ok = duckdb_appender_create(connection_->handle(), "main", "generations", appender.out()) == DuckDBSuccess;
    for (const auto& make : batch) ok = ok && append(appender.get(), make());
    ok = ok && duckdb_appender_close(appender.get()) == DuckDBSuccess;
    if (ok) return {};
    const DuckErrorData error(duckdb_appender_error_data(appender.get()));
    return std::unexpected(
        translate_duckdb_error(error ? duckdb_error_data_message(error.get()) : "the table takes no rows"));
  }

  Result<void> clean() {
    HYPRSTREAM_TRY(connection_->run(
        std::format("DELETE FROM main.generations WHERE time < now() - INTERVAL {} HOUR", options_.most_age.count())
            .c_str()));
    return connection_->run(std::format("DELETE FROM main.generations WHERE time < (SELECT time FROM main.generations "
                                        "ORDER BY time DESC LIMIT 1 OFFSET {})",
                                        options_.most_rows - 1)
                                .c_str());
  }

  std::shared_ptr<Database> database_;
  std::shared_ptr<Connection> connection_;
  const GenerationLogOptions options_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Make> waiting_;
  bool stopping_ = false;
  std::atomic<std::uint64_t> dropped_ = 0;
  bool complained_ = false;
  Clock::time_point cleaned_{};  // the first write cleans too
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<GenerationLog>> make_generation_log(std::shared_ptr<Database> database,
                                                           const GenerationLogOptions& options) {
  HYPRSTREAM_ASSIGN(auto connection, database->connection({}));
  return std::make_unique<Log>(std::move(database), std::move(connection), options);
}

}  // namespace hyprstream

#include "flight/remote_appender.hpp"

#include <utility>

#include "flight/arrow_bridge.hpp"
#include "flight/flight_status.hpp"

namespace hyprstream {
namespace {

namespace fl = arrow::flight;

std::optional<std::string> if_given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

// One batch at a time goes from one thread to the other. Thread-safe.
class RemoteAppender::Exchange final : public arrow::RecordBatchReader {
 public:
  explicit Exchange(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return next_ != nullptr || ended_ || given_up_; });
    if (given_up_) return arrow::Status::Cancelled("the upload was given up");
    *batch = std::exchange(next_, nullptr);
    lock.unlock();
    changed_.notify_all();
    return arrow::Status::OK();
  }

  // Waits until the one before was taken; false: nobody takes any more.
  bool give(std::shared_ptr<arrow::RecordBatch> batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return next_ == nullptr || closed_; });
    if (closed_) return false;
    next_ = std::move(batch);
    lock.unlock();
    changed_.notify_all();
    return true;
  }

  void end() { set(ended_); }         // all rows were given
  void give_up() { set(given_up_); }  // none of them is wanted
  void close() { set(closed_); }      // nothing is taken any more

 private:
  void set(bool& flag) {
    {
      const std::scoped_lock lock(mutex_);
      flag = true;
    }
    changed_.notify_all();
  }

  const std::shared_ptr<arrow::Schema> schema_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<arrow::RecordBatch> next_;  // under mutex_, as all below
  bool ended_ = false;
  bool given_up_ = false;
  bool closed_ = false;
};

Result<std::unique_ptr<BulkAppender>> RemoteAppender::open(std::shared_ptr<RemoteConnection> connection,
                                                           const TableName& table, const ArrowSchema& schema) {
  HYPRSTREAM_ASSIGN(auto imported, import_schema(schema));
  std::unique_ptr<RemoteAppender> appender(
      new RemoteAppender(std::move(connection), std::make_shared<Exchange>(std::move(imported))));
  appender->connection_->begin_execution();
  appender->thread_ = std::thread([made = appender.get(), table] { made->upload(table); });
  return appender;
}

void RemoteAppender::upload(const TableName& table) {
  const fl::sql::TableDefinitionOptions options{
      .if_not_exist = fl::sql::TableDefinitionOptionsTableNotExistOption::kFail,
      .if_exists = fl::sql::TableDefinitionOptionsTableExistsOption::kAppend};
  answer_ = connection_->sql().ExecuteIngest(connection_->call(), exchange_, options, table.table,
                                             if_given(table.schema), if_given(table.catalog), false);
  exchange_->close();
}

RemoteAppender::~RemoteAppender() {
  exchange_->give_up();
  if (thread_.joinable()) thread_.join();
}

Result<void> RemoteAppender::append(ArrowArrayHandle rows) {
  HYPRSTREAM_ASSIGN(auto batch, import_batch(std::move(rows), exchange_->schema()));
  if (connection_->interrupted()) return fail(ErrorCode::kCancelled, "the upload was cancelled");
  if (exchange_->give(std::move(batch))) return {};
  thread_.join();
  if (answer_->ok()) return fail(ErrorCode::kInternal, "the server has ended the upload before its end");
  return std::unexpected(connection_->error(answer_->status()));
}

Result<std::int64_t> RemoteAppender::finish() {
  exchange_->end();
  if (thread_.joinable()) thread_.join();
  if (!answer_->ok()) return std::unexpected(connection_->error(answer_->status()));
  return **answer_;
}

}  // namespace hyprstream

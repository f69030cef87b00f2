#include "fake_session.hpp"

#include <arrow/array.h>
#include <arrow/c/bridge.h>

#include <format>
#include <thread>

#include "flight/arrow_bridge.hpp"

namespace hyprstream {
namespace {

class FakeStream final : public ResultStream {
 public:
  FakeStream(const FakeScript& script, FakeCounts& counts, const std::atomic<bool>& cancelled,
             const ArrowSchema& schema)
      : script_(script), counts_(counts), cancelled_(cancelled), schema_(schema) {}

  const ArrowSchema& schema() const noexcept override { return schema_; }
  std::int64_t rows_changed() const noexcept override { return script_.kind == StatementKind::kChange ? 1 : 0; }

  Result<ArrowArrayHandle> next() override {
    if (next_ == script_.pieces.size() && script_.endless) --next_;
    if (next_ == script_.pieces.size()) return ArrowArrayHandle();
    counts_.most_working = std::max(counts_.most_working.load(), ++counts_.working);
    const auto until = std::chrono::steady_clock::now() + script_.delay;
    while (std::chrono::steady_clock::now() < until && !cancelled_)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --counts_.working;
    if (cancelled_) return fail(ErrorCode::kCancelled, "the statement was cancelled");
    ++counts_.pieces;
    return export_batch(*script_.pieces[next_++]);
  }

 private:
  const FakeScript& script_;
  FakeCounts& counts_;
  const std::atomic<bool>& cancelled_;
  const ArrowSchema& schema_;
  std::size_t next_ = 0;
};

// What sessions, statements and streams share.
struct Shared {
  FakeScript script;
  std::atomic<bool> cancelled = false;
  ArrowSchemaHandle schema;
  ArrowSchemaHandle parameters;
};

class FakeStatement final : public Statement {
 public:
  FakeStatement(std::shared_ptr<Shared> shared, FakeCounts& counts) : shared_(std::move(shared)), counts_(counts) {}

  StatementKind kind() const noexcept override { return shared_->script.kind; }
  const ArrowSchema& schema() const noexcept override { return *shared_->schema; }
  const ArrowSchema& parameters() const noexcept override { return *shared_->parameters; }
  Result<void> bind(const ArrowSchema& /*schema*/, ArrowArrayHandle /*rows*/) override { return {}; }
  Result<std::unique_ptr<ResultStream>> execute(std::int64_t /*row*/) override {
    shared_->cancelled = false;
    ++counts_.executions;
    return std::make_unique<FakeStream>(shared_->script, counts_, shared_->cancelled, *shared_->schema);
  }

 private:
  const std::shared_ptr<Shared> shared_;
  FakeCounts& counts_;
};

class FakeSession final : public Session {
 public:
  FakeSession(std::shared_ptr<Shared> shared, FakeCounts& counts) : shared_(std::move(shared)), counts_(counts) {
    ++counts_.alive;
  }
  ~FakeSession() override { --counts_.alive; }

  Result<std::unique_ptr<Statement>> prepare(std::string_view /*sql*/) override {
    return std::make_unique<FakeStatement>(shared_, counts_);
  }
  Result<std::unique_ptr<BulkAppender>> append_to(const TableName& /*table*/, const ArrowSchema& /*schema*/) override {
    return fail(ErrorCode::kUnsupported, "no tables here");
  }
  Result<void> begin() override { return {}; }
  Result<void> commit() override { return {}; }
  Result<void> rollback() override {
    ++counts_.rollbacks;
    return {};
  }
  void abort() noexcept override {}
  void interrupt() noexcept override {
    ++counts_.interrupts;
    shared_->cancelled = true;
  }

 private:
  const std::shared_ptr<Shared> shared_;
  FakeCounts& counts_;
};

}  // namespace

std::unique_ptr<Session> make_fake_session(const FakeScript& script, FakeCounts& counts) {
  auto shared = std::make_shared<Shared>();
  shared->script = script;
  const auto schema = script.pieces.empty() ? arrow::schema({}) : script.pieces.front()->schema();
  shared->schema = std::move(*export_schema(*schema));
  arrow::FieldVector parameters;
  for (int i = 1; i <= script.parameters; ++i) parameters.push_back(arrow::field(std::to_string(i), arrow::int64()));
  shared->parameters = std::move(*export_schema(*arrow::schema(parameters)));
  return std::make_unique<FakeSession>(std::move(shared), counts);
}

std::shared_ptr<arrow::RecordBatch> numbers(std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = first + i;
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), count,
                                  {std::make_shared<arrow::Int64Array>(count, arrow::Buffer::FromVector(values))});
}

}  // namespace hyprstream

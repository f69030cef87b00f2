#include "flight/query_reader.hpp"

#include <arrow/util/byte_size.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "flight/arrow_bridge.hpp"
#include "flight/fit_rows.hpp"
#include "flight/flight_status.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

// A batch ends with the first piece that comes after this time, however few rows there are.
constexpr auto kLongestDelay = 50ms;

}  // namespace

Result<std::shared_ptr<QueryReader>> QueryReader::open(WatchedCall call, std::shared_ptr<OpenStatement> statement,
                                                       QueryGate& gate, BatchSize size, std::function<void()> ended) {
  std::shared_ptr<QueryReader> reader(
      new QueryReader(std::move(call), std::move(statement), gate, size, std::move(ended)));
  if (auto started = reader->start(); !started)
    return std::unexpected(reader->call_->reason(std::move(started).error()));
  return reader;
}

QueryReader::~QueryReader() { end(); }

Result<void> QueryReader::start() {
  HYPRSTREAM_TRY(statement_->set_running(call_.shared()));
  HYPRSTREAM_ASSIGN(auto lease, statement_->session().lease(call_.shared()));
  lease_.emplace(std::move(lease));
  HYPRSTREAM_ASSIGN(const auto turn, gate_.enter(*call_));
  call_->start_clock();
  parameters_ = statement_->rows();
  if (!parameters_.empty()) {
    HYPRSTREAM_ASSIGN(const bool any, next_execution());
    if (!any) {
      HYPRSTREAM_ASSIGN(schema_, statement_->result_schema());
      return {};
    }
  } else {
    HYPRSTREAM_TRY(execute(0));
  }
  schema_ = stream_schema_;
  return {};
}

Result<void> QueryReader::execute(std::int64_t row) {
  HYPRSTREAM_ASSIGN(stream_, statement_->execute(row));
  HYPRSTREAM_ASSIGN(stream_schema_, import_schema(stream_->schema()));
  return {};
}

Result<bool> QueryReader::next_execution() {
  stream_ = nullptr;
  for (; parameter_batch_ < parameters_.size(); ++parameter_batch_, parameter_row_ = 0) {
    const auto& batch = parameters_[parameter_batch_];
    if (parameter_row_ == batch->num_rows()) continue;
    if (parameter_row_ == 0) HYPRSTREAM_TRY(statement_->bind(*batch));
    HYPRSTREAM_TRY(execute(parameter_row_++));
    return true;
  }
  return false;
}

Result<std::shared_ptr<arrow::RecordBatch>> QueryReader::next_piece() {
  while (stream_ != nullptr) {
    HYPRSTREAM_TRY(call_->require_wanted());
    HYPRSTREAM_ASSIGN(auto rows, stream_->next());
    if (rows) {
      HYPRSTREAM_ASSIGN(auto piece, import_batch(std::move(rows), stream_schema_));
      return fit_rows(std::move(piece), schema_);
    }
    HYPRSTREAM_TRY(next_execution());
  }
  return nullptr;
}

Result<std::shared_ptr<arrow::RecordBatch>> QueryReader::next_batch() {
  HYPRSTREAM_ASSIGN(const auto turn, gate_.enter_again(*call_));
  arrow::RecordBatchVector pieces;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  auto first = std::chrono::steady_clock::time_point::max();
  while (rows < size_.rows && bytes < size_.bytes) {
    std::shared_ptr<arrow::RecordBatch> piece = std::exchange(rest_, nullptr);
    if (piece == nullptr) {
      HYPRSTREAM_ASSIGN(piece, next_piece());
    }
    if (piece == nullptr) break;
    const auto size = arrow::util::TotalBufferSize(*piece);  // of all of its buffers, though it may be a part
    if (rest_fit_ == 0 && size > 2 * size_.bytes && pieces.empty())
      rest_fit_ = std::max(piece->num_rows() * size_.bytes / size, std::int64_t{1});
    if (rest_fit_ != 0) {  // wide rows: only as many as make one message
      if (piece->num_rows() > rest_fit_) rest_ = piece->Slice(rest_fit_);
      piece = piece->Slice(0, rest_fit_);
      if (rest_ == nullptr) rest_fit_ = 0;
      return piece;
    }
    if (size > 2 * size_.bytes) {
      rest_ = std::move(piece);
      break;
    }
    rows += piece->num_rows();
    bytes += size;
    pieces.push_back(std::move(piece));
    const auto now = std::chrono::steady_clock::now();
    first = std::min(first, now);
    if (now - first > kLongestDelay) break;
  }
  if (pieces.empty()) return nullptr;
  if (pieces.size() == 1) return pieces.front();
  return from_flight(arrow::ConcatenateRecordBatches(pieces));
}

arrow::Status QueryReader::ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) {
  *batch = nullptr;
  if (!lease_) return arrow::Status::OK();
  auto next = next_batch();
  if (!next) next = std::unexpected(call_->reason(std::move(next).error()));
  if (!next || *next == nullptr) end();
  if (!next) return to_flight_status(next.error());
  *batch = std::move(*next);
  return arrow::Status::OK();
}

arrow::Status QueryReader::Close() {
  end();
  return arrow::Status::OK();
}

void QueryReader::end() noexcept {
  stream_ = nullptr;
  rest_ = nullptr;
  parameters_.clear();
  lease_.reset();
  call_.end();
  if (const auto ended = std::exchange(ended_, nullptr)) ended();
}

}  // namespace hyprstream

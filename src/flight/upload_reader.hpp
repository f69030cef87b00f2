// What a client uploads, as a plain reader of record batches.
#pragma once

#include <arrow/flight/server.h>
#include <arrow/record_batch.h>

#include <memory>

namespace hyprstream {

// Does not own what it reads from. Not thread-safe.
class UploadReader final : public arrow::RecordBatchReader {
 public:
  explicit UploadReader(arrow::flight::FlightMessageReader& upload) : upload_(upload) {}

  // Without fields if the client has sent none.
  std::shared_ptr<arrow::Schema> schema() const override {
    if (schema_ == nullptr) schema_ = upload_.GetSchema().ValueOr(arrow::schema({}));
    return schema_;
  }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    while (true) {
      ARROW_ASSIGN_OR_RAISE(auto chunk, upload_.Next());
      *batch = std::move(chunk.data);
      if (*batch != nullptr || chunk.app_metadata == nullptr) return arrow::Status::OK();
    }
  }

 private:
  arrow::flight::FlightMessageReader& upload_;
  mutable std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace hyprstream

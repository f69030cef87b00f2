#include "catalog/arrow_file.hpp"

#include <arrow/c/bridge.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/util/io_util.h>

#include <cerrno>
#include <format>
#include <utility>

#include "catalog/arrow_schema.hpp"

namespace hyprstream {
namespace {

std::unexpected<Error> failed(const arrow::Status& status, const std::string& path) {
  if (const int number = arrow::internal::ErrnoFromStatus(status); number != 0) return fail_errno(path, number);
  const auto code = status.IsNotImplemented() || status.IsTypeError() ? ErrorCode::kUnsupported
                    : status.IsOutOfMemory()                          ? ErrorCode::kResourceExhausted
                                                                      : ErrorCode::kIo;
  return fail(code, std::format("{}: {}", path, status.message()));
}

}  // namespace

Result<std::int64_t> write_arrow_file(ResultStream& stream, const std::string& path) {
  auto copy = build_arrow_schema(read_arrow_schema(stream.schema()));
  const auto schema = arrow::ImportSchema(copy.get());
  if (!schema.ok()) return failed(schema.status(), path);
  const auto file = arrow::io::FileOutputStream::Open(path);
  if (!file.ok()) return failed(file.status(), path);
  const auto writer = arrow::ipc::MakeFileWriter(*file, *schema);
  if (!writer.ok()) return failed(writer.status(), path);
  std::int64_t rows = 0;
  while (true) {
    HYPRSTREAM_ASSIGN(auto batch, stream.next());
    if (!batch) break;
    rows += batch->length;
    auto owned = batch.release();
    const auto imported = arrow::ImportRecordBatch(&owned, *schema);
    if (!imported.ok()) return failed(imported.status(), path);
    if (const auto written = (*writer)->WriteRecordBatch(**imported); !written.ok()) return failed(written, path);
  }
  if (const auto closed = (*writer)->Close(); !closed.ok()) return failed(closed, path);
  if (const auto closed = (*file)->Close(); !closed.ok()) return failed(closed, path);
  return rows;
}

Result<ArrowArrayHandle> no_rows(const ArrowSchema& schema) {
  constexpr const char* kWhat = "the result without rows";
  auto copy = build_arrow_schema(read_arrow_schema(schema));
  const auto imported = arrow::ImportSchema(copy.get());
  if (!imported.ok()) return failed(imported.status(), kWhat);
  const auto batch = arrow::RecordBatch::MakeEmpty(*imported);
  if (!batch.ok()) return failed(batch.status(), kWhat);
  ArrowArrayHandle rows;
  if (const auto exported = arrow::ExportRecordBatch(**batch, rows.out()); !exported.ok())
    return failed(exported, kWhat);
  return rows;
}

}  // namespace hyprstream

#include "flight/arrow_bridge.hpp"

#include <arrow/c/bridge.h>

#include <utility>

#include "flight/flight_status.hpp"

namespace hyprstream {

Result<std::shared_ptr<arrow::Schema>> import_schema(const ArrowSchema& schema) {
  // Arrow takes what it imports; it gets a copy of the root, with nothing to release.
  ArrowSchema borrowed = schema;
  borrowed.release = [](ArrowSchema* ended) { ended->release = nullptr; };
  return from_flight(arrow::ImportSchema(&borrowed));
}

Result<std::shared_ptr<arrow::RecordBatch>> import_batch(ArrowArrayHandle rows,
                                                         const std::shared_ptr<arrow::Schema>& schema) {
  return from_flight(arrow::ImportRecordBatch(rows.get(), schema));
}

Result<ArrowSchemaHandle> export_schema(const arrow::Schema& schema) {
  ArrowSchemaHandle exported;
  HYPRSTREAM_TRY(from_flight(arrow::ExportSchema(schema, exported.out())));
  return exported;
}

Result<ArrowArrayHandle> export_batch(const arrow::RecordBatch& batch) {
  ArrowArrayHandle exported;
  HYPRSTREAM_TRY(from_flight(arrow::ExportRecordBatch(batch, exported.out())));
  return exported;
}

}  // namespace hyprstream

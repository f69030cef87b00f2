// Between the catalog's rows, which are C structures, and Arrow's own classes.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <memory>

#include "base/error.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

// Leaves `schema` to its owner. Errors: kInternal (not what Arrow's C interface allows).
Result<std::shared_ptr<arrow::Schema>> import_schema(const ArrowSchema& schema);
Result<std::shared_ptr<arrow::RecordBatch>> import_batch(ArrowArrayHandle rows,
                                                         const std::shared_ptr<arrow::Schema>& schema);
Result<ArrowSchemaHandle> export_schema(const arrow::Schema& schema);
Result<ArrowArrayHandle> export_batch(const arrow::RecordBatch& batch);

}  // namespace hyprstream

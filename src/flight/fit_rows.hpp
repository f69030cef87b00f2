// Rows in other columns than they came in, where that changes no value.
#pragma once

#include <arrow/record_batch.h>

#include <memory>

#include "base/error.hpp"

namespace hyprstream {

// The rows as `schema` has them: columns without any value take the wanted type, numbers another type that holds them.
// Errors: kInvalidArgument (a value that does not fit, or columns of other kinds; names the column and both types).
Result<std::shared_ptr<arrow::RecordBatch>> fit_rows(std::shared_ptr<arrow::RecordBatch> rows,
                                                     const std::shared_ptr<arrow::Schema>& schema);

// The rows with plain columns for those that are dictionary-encoded. Errors: kUnsupported (within another column).
Result<std::shared_ptr<arrow::RecordBatch>> without_dictionaries(const arrow::RecordBatch& rows);

}  // namespace hyprstream

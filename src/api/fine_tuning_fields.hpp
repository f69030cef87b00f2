// The fields of a request for training.
#pragma once

#include <nlohmann/json.hpp>

#include "api/json_fields.hpp"
#include "training_job/run_record.hpp"

namespace hyprstream {

// `hyperparameters`, OpenAI's older place for them, and `method`, its newer one. Errors: naming the field.
ApiResult<void> read_training_method(const JsonFields& fields, TrainingRunOptions& options);

// `metadata`; null: none. Errors: naming the field.
ApiResult<nlohmann::ordered_json> read_metadata(const JsonFields& fields);

}  // namespace hyprstream

#include "api/fine_tuning_fields.hpp"

#include <algorithm>
#include <format>
#include <optional>
#include <string>

#include "adapter/lora_init.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestMetadata = 16;

// An object's number, or nothing for "auto", which stands for the default.
ApiResult<std::optional<double>> number_or_auto(const JsonFields& fields, const char* name, double least, double most) {
  const auto* value = fields.find(name);
  if (value != nullptr && value->is_string() && *value == "auto") return std::nullopt;
  return fields.number(name, least, most);
}
ApiResult<std::optional<long long>> integer_or_auto(const JsonFields& fields, const char* name, long long least,
                                                    long long most) {
  const auto* value = fields.find(name);
  if (value != nullptr && value->is_string() && *value == "auto") return std::nullopt;
  return fields.integer(name, least, most);
}

ApiResult<void> read_hyperparameters(const Json& object, const std::string& prefix, TrainingRunOptions& options) {
  const JsonFields fields(object, prefix);
  HYPRSTREAM_ASSIGN(const auto epochs, number_or_auto(fields, "n_epochs", 1e-3, 1e6));
  if (epochs) options.epochs = *epochs;
  HYPRSTREAM_ASSIGN(const auto steps, integer_or_auto(fields, "n_steps", 1, 100'000'000));
  if (steps) options.iterations = static_cast<std::size_t>(*steps);
  HYPRSTREAM_ASSIGN(const auto batch, integer_or_auto(fields, "batch_size", 1, 4096));
  if (batch) options.batch_size = static_cast<std::size_t>(*batch);
  HYPRSTREAM_ASSIGN(const auto sparsity, number_or_auto(fields, "sparsity", 0, 0.9999));
  if (sparsity) {
    options.sparsity = *sparsity;
    options.learning_rate = default_learning_rate(*sparsity);
  }
  HYPRSTREAM_ASSIGN(const auto multiplier, number_or_auto(fields, "learning_rate_multiplier", 1e-4, 1e4));
  if (multiplier) options.learning_rate *= *multiplier;
  HYPRSTREAM_ASSIGN(const auto rate, number_or_auto(fields, "learning_rate", 1e-9, 10));
  if (rate) options.learning_rate = *rate;
  HYPRSTREAM_ASSIGN(const auto rank, integer_or_auto(fields, "rank", 1, static_cast<long long>(kMaxRank)));
  if (rank) options.rank = static_cast<std::size_t>(*rank);
  HYPRSTREAM_ASSIGN(const auto alpha, number_or_auto(fields, "alpha", 1e-6, 1e6));
  if (alpha) options.alpha = *alpha;
  HYPRSTREAM_ASSIGN(const auto modules, fields.text("target_modules"));
  if (modules) options.target_modules = *modules;
  HYPRSTREAM_ASSIGN(const auto length, integer_or_auto(fields, "max_seq_length", 2, 1 << 20));
  if (length) options.max_tokens = static_cast<std::size_t>(*length);
  return {};
}

ApiResult<const Json*> object_field(const JsonFields& fields, const char* name) {
  const auto* value = fields.find(name);
  if (value != nullptr && !value->is_object()) return fields.wrong(name, "an object");
  return value;
}

}  // namespace

ApiResult<void> read_training_method(const JsonFields& fields, TrainingRunOptions& options) {
  HYPRSTREAM_ASSIGN(const auto* direct, object_field(fields, "hyperparameters"));
  if (direct != nullptr) HYPRSTREAM_TRY(read_hyperparameters(*direct, "hyperparameters.", options));
  HYPRSTREAM_ASSIGN(const auto* method, object_field(fields, "method"));
  if (method == nullptr) return {};
  const JsonFields inner(*method, "method.");
  HYPRSTREAM_ASSIGN(const auto type, inner.text("type"));
  if (type && *type != "supervised") return inner.wrong("type", "supervised: nothing else is there");
  HYPRSTREAM_ASSIGN(const auto* supervised, object_field(inner, "supervised"));
  if (supervised == nullptr) return {};
  HYPRSTREAM_ASSIGN(const auto* parameters,
                    object_field(JsonFields(*supervised, "method.supervised."), "hyperparameters"));
  if (parameters == nullptr) return {};
  return read_hyperparameters(*parameters, "method.supervised.hyperparameters.", options);
}

ApiResult<nlohmann::ordered_json> read_metadata(const JsonFields& fields) {
  HYPRSTREAM_ASSIGN(const auto* metadata, object_field(fields, "metadata"));
  if (metadata == nullptr) return Json();
  const bool texts = std::ranges::all_of(*metadata, [](const Json& value) { return value.is_string(); });
  if (!texts || metadata->size() > kLongestMetadata)
    return fields.wrong("metadata", std::format("an object of at most {} texts", kLongestMetadata));
  return *metadata;
}

}  // namespace hyprstream

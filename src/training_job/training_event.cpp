#include "training_job/training_event.hpp"

#include <array>

namespace hyprstream {
namespace {

constexpr std::array<std::string_view, 9> kNames{"started", "step",    "evaluation", "checkpoint", "published",
                                                 "warning", "stopped", "finished",   "failed"};

template <typename T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

}  // namespace

std::string_view event_name(TrainingEvent::Kind kind) noexcept { return kNames[static_cast<std::size_t>(kind)]; }

nlohmann::ordered_json event_json(const TrainingEvent& event) {
  using Kind = TrainingEvent::Kind;
  nlohmann::ordered_json json = {
      {"event", event_name(event.kind)}, {"step", event.step}, {"total_steps", event.total_steps}};
  if (event.kind == Kind::kStep) {
    json["loss"] = event.loss;
    json["learning_rate"] = event.learning_rate;
    json["grad_norm"] = event.grad_norm;
    json["sparsity"] = event.sparsity;
    json["tokens_per_second"] = event.tokens_per_second;
    json["seconds_left"] = event.seconds_left;
    json["trained_tokens"] = event.trained_tokens;
  }
  if (event.kind == Kind::kEvaluation) {
    json["validation_loss"] = or_null(event.validation_loss);
    json["base_validation_loss"] = or_null(event.base_validation_loss);
    json["is_best"] = event.is_best;
  }
  if (event.kind == Kind::kPublished) {
    json["adapter"] = event.adapter;
    json["validation_loss"] = or_null(event.validation_loss);
    json["sparsity"] = event.sparsity;
  }
  if (event.kind == Kind::kFinished) {
    json["adapter"] = event.adapter;
    json["base_validation_loss"] = or_null(event.base_validation_loss);
    json["validation_loss"] = or_null(event.validation_loss);
    json["sparsity"] = event.sparsity;
  }
  if (!event.message.empty()) json["message"] = event.message;
  return json;
}

}  // namespace hyprstream

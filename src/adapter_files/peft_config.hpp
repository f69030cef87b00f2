// adapter_config.json: what PEFT's LoraConfig says of an adapter's weights.
//
// Source: huggingface.co/docs/peft (LoraConfig).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapter/lora_adapter.hpp"
#include "adapter_files/name_pattern.hpp"
#include "base/error.hpp"

namespace hyprstream {

// Modules are named as in the model: "model.layers.0.self_attn.q_proj".
struct PeftConfig {
  std::size_t rank = 8;
  double alpha = 8;
  bool rank_stabilized = false;
  // A list of modules, by whole name or its end. Nothing if the file gives a regular expression or "all-linear": then
  // the tensors say it, for PEFT writes those of the modules that matched and no others.
  std::optional<std::vector<std::string>> target_modules;
  std::optional<std::vector<std::uint64_t>> layers;
  // The first that matches counts.
  std::vector<std::pair<NamePattern, double>> rank_pattern;
  std::vector<std::pair<NamePattern, double>> alpha_pattern;

  bool targets(std::string_view module, int layer) const;
  std::size_t rank_of(std::string_view module) const;
  double alpha_of(std::string_view module) const;
};

// `what` begins each message. What changes the adapter's meaning and is not supported is refused, named; what
// only steers training (lora_dropout, ...) and unknown keys are passed over, as PEFT does.
// Errors: kCorrupt (naming the field), kUnsupported (naming the option).
Result<PeftConfig> parse_peft_config(std::string_view text, std::string_view what);

// "model.layers.0.self_attn.q_proj" of Hugging Face's llama and its kin.
std::string peft_module_name(LinearId id);

// The configuration that makes PEFT compute the same; JSON text.
std::string format_peft_config(const LoraAdapter& adapter);

}  // namespace hyprstream

#include "adapter_files/peft_config.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <set>

#include "base/json.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

// What adds something to the model that A and B do not hold.
constexpr std::array<std::string_view, 12> kRefused{
    "use_dora",        "use_qalora",        "use_bdlora",        "lora_bias",
    "modules_to_save", "layer_replication", "target_parameters", "trainable_token_indices",
    "megatron_config", "arrow_config",      "monteclora_config", "alora_invocation_tokens"};
// With these the base model's own weights stay as they are.
constexpr std::array<std::string_view, 3> kPlainInitialisers{"gaussian", "orthogonal", "eva"};

bool is_set(const Json& value) {
  return !value.is_null() && value != false && !((value.is_structured() || value.is_string()) && value.empty());
}

class Parser {
 public:
  Parser(const Json& json, std::string_view what) : json_(json), what_(what) {}

  Result<PeftConfig> parse() {
    HYPRSTREAM_TRY(check_options());
    PeftConfig config;
    HYPRSTREAM_ASSIGN(const auto rank, number("r", static_cast<double>(config.rank)));
    HYPRSTREAM_ASSIGN(config.rank, as_rank("r", rank));
    HYPRSTREAM_ASSIGN(config.alpha, number("lora_alpha", config.alpha));
    if (const auto* value = find("use_rslora")) {
      if (!value->is_boolean()) return wrong("use_rslora", "true or false");
      config.rank_stabilized = value->get<bool>();
    }
    HYPRSTREAM_TRY(parse_targets(config));
    HYPRSTREAM_TRY(parse_layers(config));
    HYPRSTREAM_ASSIGN(config.rank_pattern, pattern("rank_pattern"));
    for (const auto& [name, value] : config.rank_pattern) HYPRSTREAM_TRY(as_rank("rank_pattern", value));
    HYPRSTREAM_ASSIGN(config.alpha_pattern, pattern("alpha_pattern"));
    return config;
  }

 private:
  std::unexpected<Error> wrong(std::string_view key, std::string_view wanted) const {
    return fail(ErrorCode::kCorrupt, std::format("{}: {} is not {}", what_, key, wanted));
  }
  std::unexpected<Error> unsupported(std::string_view what) const {
    return fail(ErrorCode::kUnsupported, std::format("{}: {}", what_, what));
  }
  // Nothing if it is missing or null.
  const Json* find(std::string_view key) const {
    const auto at = json_.find(key);
    return at == json_.end() || at->is_null() ? nullptr : &*at;
  }

  Result<double> number(std::string_view key, double otherwise) const {
    const auto* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_number() || !std::isfinite(value->get<double>())) return wrong(key, "a number");
    return value->get<double>();
  }

  Result<std::size_t> as_rank(std::string_view key, double value) const {
    if (!(value >= 1 && value <= static_cast<double>(kMaxRank)) || value != std::floor(value))
      return wrong(key, std::format("a rank from 1 to {}", kMaxRank));
    return static_cast<std::size_t>(value);
  }

  Result<void> check_options() const {
    if (const auto* type = find("peft_type"); type != nullptr && *type != "LORA")
      return unsupported(std::format("its peft_type is {:.80}, and only LORA is supported", type->dump()));
    for (const auto key : kRefused)
      if (const auto* value = find(key); value != nullptr && is_set(*value))
        return unsupported(std::format("the option {} is not supported", key));
    if (const auto* bias = find("bias"); bias != nullptr && *bias != "none")
      return unsupported(std::format("the option bias = {:.80} is not supported, only \"none\"", bias->dump()));
    const auto* init = find("init_lora_weights");
    if (init != nullptr && !init->is_boolean() &&
        !(init->is_string() && std::ranges::contains(kPlainInitialisers, init->get<std::string>())))
      return unsupported(
          std::format("the option init_lora_weights = {:.80} is not supported: such an adapter belongs to "
                      "a changed base model, so convert it to a plain LoRA with PEFT first",
                      init->dump()));
    return {};
  }

  Result<void> parse_targets(PeftConfig& config) const {
    const auto* value = find("target_modules");
    if (value == nullptr || value->is_string()) return {};
    if (!value->is_array()) return wrong("target_modules", "a list of names or a text");
    auto& names = config.target_modules.emplace();
    for (const auto& name : *value) {
      if (!name.is_string()) return wrong("target_modules", "a list of names or a text");
      names.push_back(name.get<std::string>());
    }
    return {};
  }

  Result<void> parse_layers(PeftConfig& config) const {
    constexpr std::string_view kKey = "layers_to_transform";
    const auto* value = find(kKey);
    if (value == nullptr) return {};
    const Json list = value->is_array() ? *value : Json::array({*value});
    if (list.empty()) return {};  // as none
    auto& layers = config.layers.emplace();
    for (const auto& layer : list) {
      if (!layer.is_number_unsigned()) return wrong(kKey, "a layer's number or a list of them");
      layers.push_back(layer.get<std::uint64_t>());
    }
    return {};
  }

  Result<std::vector<std::pair<NamePattern, double>>> pattern(std::string_view key) const {
    std::vector<std::pair<NamePattern, double>> patterns;
    const auto* value = find(key);
    if (value == nullptr) return patterns;
    if (!value->is_object()) return wrong(key, "an object");
    for (const auto& [name, number] : value->items()) {
      if (!number.is_number() || !std::isfinite(number.template get<double>()))
        return wrong(key, "an object of numbers");
      // As PEFT does: the name is an expression for the end of a module's name.
      auto parsed = NamePattern::parse("(?:.*\\.)?(?:" + name + ")");
      if (!parsed) return fail(parsed.error().code, std::format("{}: {}: {}", what_, key, parsed.error().message));
      patterns.emplace_back(std::move(*parsed), number.template get<double>());
    }
    return patterns;
  }

  const Json& json_;
  std::string_view what_;
};

double first_match(const std::vector<std::pair<NamePattern, double>>& patterns, std::string_view module,
                   double otherwise) {
  for (const auto& [pattern, value] : patterns)
    if (pattern.matches(module)) return value;
  return otherwise;
}

// 16 rather than 16.0, as PEFT writes it.
Json number_of(double value) {
  const bool is_whole = value == std::floor(value) && std::abs(value) < 0x1p53;
  return is_whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

}  // namespace

bool PeftConfig::targets(std::string_view module, int layer) const {
  if (layers && !std::ranges::contains(*layers, static_cast<std::uint64_t>(layer))) return false;
  if (!target_modules) return true;
  return std::ranges::any_of(*target_modules, [&](const std::string& name) {
    return module == name || (module.ends_with(name) && module[module.size() - name.size() - 1] == '.');
  });
}

std::size_t PeftConfig::rank_of(std::string_view module) const {
  return static_cast<std::size_t>(first_match(rank_pattern, module, static_cast<double>(rank)));
}

double PeftConfig::alpha_of(std::string_view module) const { return first_match(alpha_pattern, module, alpha); }

Result<PeftConfig> parse_peft_config(std::string_view text, std::string_view what) {
  HYPRSTREAM_ASSIGN(const auto json, parse_ordered_json(text, what));
  if (!json.is_object()) return fail(ErrorCode::kCorrupt, std::format("{} is no JSON object", what));
  return Parser(json, what).parse();
}

std::string peft_module_name(LinearId id) {
  const bool is_attention = id.module <= LinearModule::kO;
  return std::format("model.layers.{}.{}.{}", id.layer, is_attention ? "self_attn" : "mlp",
                     linear_module_name(id.module));
}

std::string format_peft_config(const LoraAdapter& adapter) {
  const auto& description = adapter.description();
  const bool is_stabilized = description.rank_stabilized;
  Json ranks = Json::object();
  Json alphas = Json::object();
  std::set<std::string> whole_names;
  std::set<std::string_view> modules;
  int layers = 0;
  for (const auto& pair : adapter.pairs()) {
    const auto name = peft_module_name(pair.id);
    whole_names.insert(name);
    modules.insert(linear_module_name(pair.id.module));
    layers = std::max(layers, pair.id.layer + 1);
    if (pair.rank() != description.rank) ranks[name] = pair.rank();
    const auto scaling_with = [&](double alpha) {
      return static_cast<float>(lora_scaling(alpha, pair.rank(), is_stabilized));
    };
    if (scaling_with(description.alpha) == pair.scaling) continue;
    const auto rank = static_cast<double>(pair.rank());
    alphas[name] = number_of(static_cast<double>(pair.scaling) * (is_stabilized ? std::sqrt(rank) : rank));
  }
  // "q_proj" means every layer, so it serves only if every layer has one.
  const bool is_regular = modules.size() * static_cast<std::size_t>(layers) == adapter.pairs().size();
  const Json json{{"alpha_pattern", alphas},
                  {"base_model_name_or_path", description.base.name},
                  {"bias", "none"},
                  {"fan_in_fan_out", false},
                  {"inference_mode", true},
                  {"init_lora_weights", true},
                  {"lora_alpha", number_of(description.alpha)},
                  {"lora_dropout", 0.0},
                  {"peft_type", "LORA"},
                  {"r", description.rank},
                  {"rank_pattern", ranks},
                  {"target_modules", is_regular ? Json(modules) : Json(whole_names)},
                  {"task_type", "CAUSAL_LM"},
                  {"use_rslora", is_stabilized}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hyprstream

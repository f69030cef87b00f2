#include <array>
#include <charconv>
#include <format>

#include "runtime/linear_hook.hpp"

namespace hyprstream {
namespace {

struct ModuleNames {
  std::string_view peft;
  std::string_view gguf;
};

// In the order of LinearModule.
constexpr std::array<ModuleNames, kLinearModuleCount> kNames{{
    {"q_proj", "attn_q"},
    {"k_proj", "attn_k"},
    {"v_proj", "attn_v"},
    {"o_proj", "attn_output"},
    {"gate_proj", "ffn_gate"},
    {"up_proj", "ffn_up"},
    {"down_proj", "ffn_down"},
}};

}  // namespace

std::string_view linear_module_name(LinearModule module) noexcept {
  return kNames[static_cast<std::size_t>(module)].peft;
}

std::string_view gguf_linear_name(LinearModule module) noexcept {
  return kNames[static_cast<std::size_t>(module)].gguf;
}

std::optional<LinearModule> parse_linear_module(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i].peft == name) return static_cast<LinearModule>(i);
  return std::nullopt;
}

std::string linear_weight_name(LinearId id) {
  return std::format("blk.{}.{}.weight", id.layer, gguf_linear_name(id.module));
}

std::optional<LinearId> parse_linear_weight_name(std::string_view tensor_name) noexcept {
  constexpr std::string_view kPrefix = "blk.";
  constexpr std::string_view kSuffix = ".weight";
  if (!tensor_name.starts_with(kPrefix) || !tensor_name.ends_with(kSuffix)) return std::nullopt;
  tensor_name.remove_prefix(kPrefix.size());
  LinearId id;
  const auto [rest, error] = std::from_chars(tensor_name.begin(), tensor_name.end(), id.layer);
  if (error != std::errc() || id.layer < 0) return std::nullopt;
  tensor_name.remove_prefix(static_cast<std::size_t>(rest - tensor_name.begin()));
  if (tensor_name.size() <= kSuffix.size() || tensor_name.front() != '.') return std::nullopt;
  const auto name = tensor_name.substr(1, tensor_name.size() - 1 - kSuffix.size());
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i].gguf != name) continue;
    id.module = static_cast<LinearModule>(i);
    return id;
  }
  return std::nullopt;
}

}  // namespace hyprstream

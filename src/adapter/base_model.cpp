#include "adapter/base_model.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <ranges>
#include <utility>

#include "adapter/lora_factor.hpp"
#include "base/sha256.hpp"
#include "gguf/model_info.hpp"
#include "gguf/split_files.hpp"

namespace hyprstream {
namespace {

auto order(LinearId id) { return std::pair(id.layer, id.module); }

// A weight with a scale of its own is multiplied with it after the product, where no delta can go.
bool has_own_scale(const GgufFile& file, std::string_view weight) {
  return file.find_tensor(std::string(weight.substr(0, weight.size() - std::string_view("weight").size())) + "scale") !=
         nullptr;
}

Result<void> add_linears(const GgufFile& file, BaseModel& base) {
  constexpr std::string_view kFirstBlock = "blk.0.";
  constexpr std::string_view kSuffix = ".weight";
  for (const auto& tensor : file.tensors()) {
    const auto id = parse_linear_weight_name(tensor.name);
    const bool is_plain = id && tensor.shape.size() == 2 && !has_own_scale(file, tensor.name);
    if (!is_plain) {
      if (tensor.name.starts_with(kFirstBlock) && tensor.name.ends_with(kSuffix) && tensor.shape.size() >= 2)
        base.other_weights.emplace_back(
            tensor.name.substr(kFirstBlock.size(), tensor.name.size() - kFirstBlock.size() - kSuffix.size()));
      continue;
    }
    if (tensor.shape[0] > kMaxLayerWidth || tensor.shape[1] > kMaxLayerWidth)
      return fail(ErrorCode::kUnsupported, std::format("{} is [{} x {}], and adapters reach layers of up to {}",
                                                       tensor.name, tensor.shape[1], tensor.shape[0], kMaxLayerWidth));
    base.linears.push_back({.id = *id, .in = tensor.shape[0], .out = tensor.shape[1]});
  }
  return {};
}

std::string all_module_names() {
  std::string names;
  for (std::size_t i = 0; i < kLinearModuleCount; ++i)
    names += (i == 0 ? "" : ", ") + std::string(linear_module_name(static_cast<LinearModule>(i)));
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

const LinearShape* BaseModel::find(LinearId id) const noexcept {
  const auto at =
      std::ranges::lower_bound(linears, order(id), {}, [](const LinearShape& shape) { return order(shape.id); });
  return at != linears.end() && at->id == id ? &*at : nullptr;
}

std::vector<LinearModule> BaseModel::modules() const {
  std::array<bool, kLinearModuleCount> is_there{};
  for (const auto& linear : linears) is_there[static_cast<std::size_t>(linear.id.module)] = true;
  std::vector<LinearModule> modules;
  for (std::size_t i = 0; i < kLinearModuleCount; ++i)
    if (is_there[i]) modules.push_back(static_cast<LinearModule>(i));
  return modules;
}

Result<BaseModel> read_base_model(const std::filesystem::path& path) {
  HYPRSTREAM_ASSIGN(const auto first, GgufFile::open(path));
  HYPRSTREAM_ASSIGN(const auto info, read_model_info(first));
  BaseModel base{.name = info.name,
                 .architecture = info.architecture,
                 .header_sha256 = {},
                 .heads = static_cast<std::size_t>(info.heads),
                 .kv_heads = static_cast<std::size_t>(info.kv_heads),
                 .linears = {},
                 .other_weights = {}};
  HYPRSTREAM_ASSIGN(auto hash, Sha256::create());
  hash.update(first.header());
  HYPRSTREAM_TRY(add_linears(first, base));
  HYPRSTREAM_ASSIGN(const auto rest, further_parts(first));
  for (const auto& part_path : rest) {
    HYPRSTREAM_ASSIGN(const auto part, GgufFile::open(part_path));
    hash.update(part.header());
    HYPRSTREAM_TRY(add_linears(part, base));
  }
  base.header_sha256 = hash.hex_digest();
  std::ranges::sort(base.linears, {}, [](const LinearShape& shape) { return order(shape.id); });
  return base;
}

std::optional<std::string> describe_misfit(const BaseModel& base, const LinearShape& needed) {
  const LinearShape* shape = base.find(needed.id);
  const auto name = linear_weight_name(needed.id);
  if (shape == nullptr) return std::format("the model has no {}", name);
  if (*shape == needed) return std::nullopt;
  return std::format("{} is [{} x {}] in this model, and the adapter was made for [{} x {}]", name, shape->out,
                     shape->in, needed.out, needed.in);
}

Result<std::vector<LinearModule>> parse_target_modules(std::string_view text, const BaseModel& base) {
  auto there = base.modules();
  if (there.empty())
    return fail(ErrorCode::kUnsupported,
                std::format("{} ({}) has none of the layers that adapters target: its blocks hold {}", base.name,
                            base.architecture, joined(base.other_weights)));
  if (text == "all") return there;
  std::vector<LinearModule> modules;
  // Of an empty text, split() makes nothing at all rather than one empty name.
  for (const auto part : std::views::split(text.empty() ? "," : text, ',')) {
    const std::string_view name(part.begin(), part.end());
    const auto module = parse_linear_module(name);
    if (!module)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("'{}' is no target module: give some of {}, separated by commas, or 'all'", name,
                              all_module_names()));
    if (!std::ranges::contains(there, *module))
      return fail(ErrorCode::kUnsupported,
                  std::format("{} ({}) has no plain {}: it has {}{}{}", base.name, base.architecture, name,
                              format_target_modules(there), base.other_weights.empty() ? "" : ", and as other weights ",
                              joined(base.other_weights)));
    modules.push_back(*module);
  }
  std::ranges::sort(modules);
  const auto repeated = std::ranges::unique(modules);
  modules.erase(repeated.begin(), repeated.end());
  return modules;
}

std::string format_target_modules(std::span<const LinearModule> modules) {
  std::string text;
  for (const auto module : modules) text += (text.empty() ? "" : ",") + std::string(linear_module_name(module));
  return text;
}

}  // namespace hyprstream

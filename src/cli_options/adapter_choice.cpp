#include "cli_options/adapter_choice.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <format>
#include <ranges>
#include <system_error>
#include <utility>

#include "cli_options/model_reference.hpp"
#include "cli_options/model_source.hpp"
#include "terminal/printable.hpp"

namespace hyprstream {
namespace {

bool is_file(std::string_view path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// Where the first adapter's '+' stands: behind the longest beginning that is a file, or else behind ".gguf", or
// else the first.
std::size_t find_first_plus(const std::string& text) {
  for (std::size_t at = text.rfind('+'); at != std::string::npos && at > 0; at = text.rfind('+', at - 1))
    if (is_file(std::string_view(text).substr(0, at))) return at;
  if (const auto extension = text.find(".gguf+"); extension != std::string::npos) return extension + 5;
  return text.find('+');
}

}  // namespace

Result<AdapterChoice> parse_adapter_choice(std::string_view text) {
  const auto colon = text.rfind(':');
  AdapterChoice choice{.reference = std::string(text.substr(0, colon))};
  if (colon == std::string_view::npos) return choice;
  const auto scale = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(scale.data(), scale.data() + scale.size(), choice.scale);
  if (error != std::errc() || end != scale.data() + scale.size() || !std::isfinite(choice.scale))
    return fail(ErrorCode::kInvalidArgument,
                std::format("the scale of adapter {} must be a number, such as 0.5, not {}",
                            in_quotes(choice.reference), in_quotes(scale)));
  return choice;
}

Result<ModelAndAdapters> split_model_and_adapters(const std::string& text) {
  const auto plus = text.contains('+') && !is_file(text) ? find_first_plus(text) : std::string::npos;
  ModelAndAdapters parts{.model = text.substr(0, plus), .adapters = {}};
  if (plus == std::string::npos) return parts;
  for (std::size_t begin = plus + 1, end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find('+', begin);
    HYPRSTREAM_ASSIGN(auto choice, parse_adapter_choice(std::string_view(text).substr(begin, end - begin)));
    if (choice.reference.empty())
      return fail(ErrorCode::kInvalidArgument,
                  std::format("an adapter's name is missing behind a '+' in {}: write MODEL+ADAPTER", in_quotes(text)));
    parts.adapters.push_back(std::move(choice));
  }
  return parts;
}

Result<std::vector<ChosenAdapter>> load_adapters(std::span<const AdapterChoice> choices, const BaseModel& base,
                                                 Console& console) {
  const auto store = AdapterStore::of_user();
  std::vector<ChosenAdapter> chosen;
  for (const auto& [reference, scale] : choices) {
    HYPRSTREAM_ASSIGN(auto version, store.find(reference));
    HYPRSTREAM_ASSIGN(auto adapter, store.load(version));
    HYPRSTREAM_TRY(check_fits(adapter, base));
    const auto& made_for = adapter.description().base;
    if (made_for.header_sha256 != base.header_sha256)
      console.status(
          std::format("hyprstream: adapter '{}' was made on another file of this architecture ({}); its layers "
                      "fit {}, and it is used",
                      version.name, printable_line(made_for.name), printable_line(base.name)));
    if (!adapter.changes_anything())
      console.status(std::format(
          "hyprstream: adapter '{}' changes nothing: its B is zero, so it still has to be trained", version.name));
    chosen.push_back({std::move(version), {std::make_shared<const LoraAdapter>(std::move(adapter)), scale}});
  }
  return chosen;
}

AdapterList adapter_list(std::span<const ChosenAdapter> adapters) {
  return adapters | std::views::transform(&ChosenAdapter::use) | std::ranges::to<AdapterList>();
}

Result<std::string> base_path_for(const AdapterManifest& manifest, const std::optional<std::string>& flag,
                                  Console& console) {
  if (flag) return local_model_path(flag, console);
  std::vector<std::string> candidates;
  for (const auto& [name, value] : manifest.lineage.parameters)
    if (name == "base_path") candidates.push_back(value);
  candidates.push_back(model_path_for(std::nullopt));
  for (const auto& path : candidates) {
    if (!is_file(path)) continue;
    const auto base = read_base_model(path);
    if (base && base->header_sha256 == manifest.description.base.header_sha256) return path;
  }
  return fail(
      ErrorCode::kNotFound,
      std::format("the model that adapter '{}' was made for ({}) is not where it was: name its GGUF with --base",
                  manifest.description.name, manifest.description.base.name));
}

}  // namespace hyprstream

#include "cli_options/model_source.hpp"

#include <filesystem>
#include <format>
#include <system_error>
#include <utility>

#include "cli_options/model_reference.hpp"
#include "hub/url_pull.hpp"

namespace hyprstream {

void HubFlags::declare(ArgumentList& arguments) {
  arguments.flag("--offline", offline, "Use only what is in the cache, and never the network");
}

Result<HubSettings> HubFlags::settings() const {
  HYPRSTREAM_ASSIGN(auto settings, hub_settings_from_environment());
  settings.offline = settings.offline || offline;
  return settings;
}

Result<ModelReference> read_reference(const std::string& text, const HubSettings& settings) {
  std::error_code ignored;
  const bool exists = std::filesystem::exists(text, ignored);
  ModelAliases aliases;
  if (!exists) {
    HYPRSTREAM_ASSIGN(aliases, load_aliases());
  }
  return parse_reference(text, aliases, settings.endpoint, exists);
}

Result<PulledModel> find_pulled(const HubSettings& settings, const ModelReference& reference) {
  if (reference.kind == ModelReference::Kind::kHub) return find_in_cache(settings, reference.hub);
  HYPRSTREAM_ASSIGN(const auto model, find_url_model(*reference.url));
  return PulledModel{
      .repository = {}, .revision = {}, .commit = {}, .quantization = {}, .files = {model.path}, .size = model.size};
}

Result<PulledModel> pull_with_progress(const HubSettings& settings, const ModelReference& reference,
                                       PullProgressStyle style, Console& console, const InterruptScope& interrupt) {
  PullProgressView view(console, style);
  const PullOptions options{.on_progress = [&](const PullProgress& progress) { view.show(progress); },
                            .cancelled = [&] { return interrupt.was_interrupted() || !view.outcome(); }};
  auto pulled = reference.kind == ModelReference::Kind::kHub ? pull_model(settings, reference.hub, options)
                                                             : pull_url(settings, *reference.url, options);
  HYPRSTREAM_TRY(view.outcome());
  if (!pulled && pulled.error().code == ErrorCode::kCancelled)
    return fail(ErrorCode::kCancelled, "interrupted: what is there is kept, and the next pull goes on from it");
  return pulled;
}

Result<std::string> local_model_path(const std::optional<std::string>& reference, const HubFlags& flags,
                                     Console& console, const InterruptScope& interrupt) {
  std::error_code ignored;
  if (!reference || *reference == kBundledModel || std::filesystem::exists(*reference, ignored))
    return model_path_for(reference);
  HYPRSTREAM_ASSIGN(const auto settings, flags.settings());
  HYPRSTREAM_ASSIGN(const auto parsed, read_reference(*reference, settings));
  if (parsed.kind == ModelReference::Kind::kPath) return *reference;
  if (const auto there = find_pulled(settings, parsed)) return there->path().string();
  HYPRSTREAM_ASSIGN(const auto pulled,
                    pull_with_progress(settings, parsed, PullProgressStyle::kAuto, console, interrupt));
  return pulled.path().string();
}

Result<std::string> local_model_path(const std::optional<std::string>& reference, Console& console) {
  const InterruptScope interrupt;
  return local_model_path(reference, HubFlags{}, console, interrupt);
}

Result<std::string> local_adapter_path(const std::string& text, Console& console) {
  std::error_code ignored;
  if (std::filesystem::exists(text, ignored) || !text.starts_with("hf://")) return text;
  HYPRSTREAM_ASSIGN(const auto settings, HubFlags{}.settings());
  HYPRSTREAM_ASSIGN(const auto reference, read_reference(text, settings));
  if (reference.hub.file || reference.hub.quantization)
    return fail(ErrorCode::kInvalidArgument,
                "an adapter is a whole repository: write hf://org/repo, with @revision after it if need be");
  const InterruptScope interrupt;
  PullProgressView view(console, PullProgressStyle::kAuto);
  const PullOptions options{.on_progress = [&](const PullProgress& progress) { view.show(progress); },
                            .cancelled = [&] { return interrupt.was_interrupted(); }};
  HYPRSTREAM_ASSIGN(const auto folder, pull_adapter(settings, reference.hub, options));
  return folder.string();
}

}  // namespace hyprstream

// The adapters as other servers' clients manage them.
// vLLM: https://docs.vllm.ai/en/latest/features/lora.html; llama-server: llama.cpp, tools/server/README.md.
#include <algorithm>
#include <format>

#include "adapter_files/new_adapter.hpp"
#include "api/adapter_scales.hpp"
#include "api/endpoints.hpp"
#include "api/json_response.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kWidestScale = 1e6;

Json version_json(const ServedAdapter& adapter, std::string message) {
  return {{"lora_name", adapter.name}, {"version", adapter.version}, {"message", std::move(message)}};
}

// The path without links, if it lies in a directory that --adapter-directory names.
ApiResult<std::filesystem::path> allowed_path(const ApiContext& context, const std::string& text) {
  std::error_code error;
  for (const auto& allowed : context.adapter_directories) {
    const auto root = std::filesystem::canonical(allowed, error);
    if (error) continue;
    // A relative path is one below the directory.
    const auto path = std::filesystem::weakly_canonical(root / text, error);
    if (error) continue;
    const auto [end, rest] = std::ranges::mismatch(root, path);
    if (end == root.end() && rest != path.end() && std::filesystem::exists(path, error)) return path;
  }
  return std::unexpected(
      HttpError{404, "invalid_request_error",
                "'lora_path' names nothing below a directory that the server was given with --adapter-directory",
                "not_found", "lora_path"});
}

ApiResult<Json> load(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const JsonFields fields(body);
  HYPRSTREAM_ASSIGN(const auto name, fields.text("lora_name"));
  if (!name || !is_valid_adapter_name(*name))
    return fields.wrong("lora_name", "1 to 64 letters, digits, '.', '_' and '-'");
  HYPRSTREAM_ASSIGN(const auto path, fields.text("lora_path"));
  HYPRSTREAM_ASSIGN(const auto in_place, fields.flag("load_inplace"));
  if (path) {
    HYPRSTREAM_ASSIGN(const auto file, allowed_path(context, *path));
    const AdapterImport import{
        .path = file, .shown_as = file.filename(), .name = *name, .new_version = in_place.value_or(false)};
    const auto imported = import_into_store(context.adapters->store(), context.service->engine().base_model(), import,
                                            context.model_path);
    if (!imported) {
      auto error = http_error(imported.error());
      error.param = imported.error().code == ErrorCode::kAlreadyExists ? "lora_name" : "lora_path";
      if (imported.error().code == ErrorCode::kCorrupt) error = invalid_field("lora_path", error.message);
      return std::unexpected(std::move(error));
    }
    if (!imported->changes_anything) {
      (void)context.adapters->store().remove(imported->version);
      return std::unexpected(invalid_field("lora_path", "this adapter changes nothing: B * A is zero everywhere"));
    }
  }
  HYPRSTREAM_ASSIGN(const auto loaded, context.adapters->pin(*name).transform_error(http_error));
  return version_json(loaded, std::format("adapter '{}' is loaded, in version {}", loaded.name, loaded.version));
}

ApiResult<Json> unload(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const JsonFields fields(body);
  HYPRSTREAM_ASSIGN(const auto name, fields.text("lora_name"));
  if (!name) return fields.wrong("lora_name", "the name of an adapter");
  HYPRSTREAM_TRY(context.adapters->unload(*name, /*hide=*/true).transform_error(http_error));
  context.scales->clear(*name);
  return Json{{"lora_name", *name},
              {"message", std::format("adapter '{}' is unloaded; it is still in the store, and "
                                      "/v1/load_lora_adapter brings it back",
                                      *name)}};
}

Json scales_json(const ApiContext& context) {
  std::vector<std::string> names;
  for (const auto& stored : context.adapters->store().list())
    if (!context.adapters->is_hidden(stored.name)) names.push_back(stored.name);
  context.scales->note(names);
  std::vector<std::pair<int, std::string>> numbered;
  for (auto& name : names) numbered.emplace_back(*context.scales->number(name), std::move(name));
  std::ranges::sort(numbered);
  Json list = Json::array();
  for (const auto& [number, name] : numbered)
    list.push_back({{"id", number}, {"path", name}, {"scale", context.scales->scale(name)}});
  return list;
}

ApiResult<Json> set_scales(const ApiContext& context, const HttpRequest& request) {
  auto body = parse_list(request);
  if (!body) return std::unexpected(body.error());
  (void)scales_json(context);  // every adapter has its number now
  std::map<std::string, float> scales;
  for (const auto& item : *body) {
    if (!item.is_object()) return std::unexpected(invalid_field("id", "the body must be a list of objects"));
    const JsonFields fields(item);
    HYPRSTREAM_ASSIGN(const auto id, fields.integer("id", 0, 1 << 30));
    HYPRSTREAM_ASSIGN(const auto scale, fields.number("scale", -kWidestScale, kWidestScale));
    const auto name = id ? context.scales->name(static_cast<int>(*id)) : std::nullopt;
    if (!name) return fields.wrong("id", "the id of an adapter: GET /lora-adapters has them");
    HYPRSTREAM_TRY(context.adapters->get(*name).transform_error(http_error));
    scales[*name] = static_cast<float>(scale.value_or(0));
  }
  context.scales->set(std::move(scales));
  return scales_json(context);
}

}  // namespace

HttpResponse handle_load_adapter(const ApiContext& context, const HttpRequest& request) {
  return json_response(load(context, request));
}
HttpResponse handle_unload_adapter(const ApiContext& context, const HttpRequest& request) {
  return json_response(unload(context, request));
}
HttpResponse handle_adapter_scales(const ApiContext& context, const HttpRequest&) {
  return json_response(scales_json(context));
}
HttpResponse handle_set_adapter_scales(const ApiContext& context, const HttpRequest& request) {
  return json_response(set_scales(context, request));
}

}  // namespace hyprstream

// /v1/adapters: list, look at, create, upload and delete.
#include <filesystem>
#include <format>
#include <random>

#include "adapter_files/new_adapter.hpp"
#include "api/adapter_json.hpp"
#include "api/adapter_scales.hpp"
#include "api/endpoints.hpp"
#include "api/json_response.hpp"
#include "base/atomic_file.hpp"
#include "base/staged_directory.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

// An adapter's error, with the field it is about.
HttpError adapter_error(const Error& error) {
  auto shown = http_error(error);
  if (shown.status == 400 || shown.status == 409) shown.param = "name";
  return shown;
}

// A name that cannot be an adapter's is just as unknown.
ApiResult<StoredVersion> find_version(const ApiContext& context, const HttpRequest& request) {
  return context.adapters->store().find(request.path_parameters.at("name")).transform_error([](const Error& error) {
    auto shown = http_error(error);
    if (shown.status == 400) shown.status = 404, shown.code = "not_found";
    return shown;
  });
}

ApiResult<Json> adapter(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto version, find_version(context, request));
  return adapter_json(context, version, /*whole=*/true);
}

ApiResult<std::vector<LinearModule>> read_modules(const BaseModel& base, const JsonFields& fields) {
  HYPRSTREAM_ASSIGN(const auto names, fields.texts("target_modules", 16));
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ",") + name;
  return parse_target_modules(list.empty() ? "q_proj,v_proj" : list, base).transform_error([](const Error& error) {
    return invalid_field("target_modules", error.message);
  });
}

ApiResult<AdapterRecipe> read_recipe(const BaseModel& base, const JsonFields& fields) {
  AdapterRecipe recipe;
  auto& spec = recipe.spec;
  HYPRSTREAM_ASSIGN(const auto name, fields.text("name"));
  if (!name || !is_valid_adapter_name(*name)) return fields.wrong("name", "1 to 64 letters, digits, '.', '_' and '-'");
  spec.name = *name;
  HYPRSTREAM_ASSIGN(const auto rank, fields.integer("rank", 1, static_cast<long long>(kMaxRank)));
  spec.rank = static_cast<std::size_t>(rank.value_or(8));
  HYPRSTREAM_ASSIGN(const auto alpha, fields.number("alpha", 1e-6, 1e6));
  spec.alpha = alpha.value_or(16);
  HYPRSTREAM_ASSIGN(spec.target_modules, read_modules(base, fields));
  HYPRSTREAM_ASSIGN(const auto init, fields.text("init"));
  if (init && *init != "gaussian" && *init != "standard") return fields.wrong("init", "gaussian or standard");
  spec.init = init == "standard" ? LoraInit::kStandard : LoraInit::kGaussian;
  HYPRSTREAM_ASSIGN(const auto seed, fields.integer("seed", 0, 1LL << 62));
  spec.seed = seed ? static_cast<std::uint64_t>(*seed) : std::random_device()();
  HYPRSTREAM_ASSIGN(recipe.sparsity, fields.number("sparsity", 0, 0.9999999));
  return recipe;
}

ApiResult<Json> create(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const auto& base = context.service->engine().base_model();
  HYPRSTREAM_ASSIGN(const auto recipe, read_recipe(base, JsonFields(body)));
  HYPRSTREAM_ASSIGN(
      const auto version,
      create_adapter(context.adapters->store(), base, recipe, context.model_path).transform_error(adapter_error));
  context.adapters->show(version.name);
  return adapter_json(context, version, /*whole=*/true);
}

// The parts' files in a directory that is gone afterwards: formats that consist of two files read it as they are.
// A single file may have any name; of several, each must have the one that PEFT gives it.
ApiResult<std::filesystem::path> stage(const std::filesystem::path& directory, const std::vector<FormPart>& files) {
  for (const auto& file : files) {
    std::string name = "adapter";
    if (files.size() > 1) {
      name = file.filename;
      if (name != "adapter_config.json" && name != "adapter_model.safetensors")
        return std::unexpected(invalid_field("file",
                                             "several files must be PEFT's adapter_config.json and "
                                             "adapter_model.safetensors"));
    }
    HYPRSTREAM_TRY(write_whole_file(directory / name, file.body).transform_error(http_error));
  }
  return files.size() > 1 ? directory : directory / "adapter";
}

ApiResult<Json> upload(const ApiContext& context, const HttpRequest& request) {
  AdapterImport import;
  std::vector<FormPart> files;
  for (const auto& part : request.parts) {
    if (part.name == "file")
      files.push_back(part);
    else if (part.name == "name")
      import.name = part.body;
    else if (part.name == "new_version" && (part.body == "true" || part.body == "false"))
      import.new_version = part.body == "true";
    else
      return std::unexpected(invalid_field(part.name, std::format("the form has a part '{}': it takes 'file', 'name' "
                                                                  "and 'new_version' (true or false)",
                                                                  part.name)));
  }
  if (files.empty()) return std::unexpected(invalid_field("file", "the form has no part 'file'"));
  if (import.name && !is_valid_adapter_name(*import.name))
    return std::unexpected(invalid_field("name", "'name' must be 1 to 64 letters, digits, '.', '_' and '-'"));
  HYPRSTREAM_ASSIGN(const auto staged,
                    StagedDirectory::create(context.adapters->store().directory().parent_path() / "uploads")
                        .transform_error(http_error));
  HYPRSTREAM_ASSIGN(import.path, stage(staged.path(), files));
  import.shown_as = files.size() > 1 ? std::string("peft") : files.front().filename;
  const auto imported =
      import_into_store(context.adapters->store(), context.service->engine().base_model(), import, context.model_path);
  if (!imported) {
    auto error = http_error(imported.error());
    // What is wrong with the file is the client's to mend, and its name here means nothing to them.
    if (imported.error().code == ErrorCode::kCorrupt) error = invalid_field("file", error.message);
    for (auto at = error.message.find(import.path.string()); at != std::string::npos;
         at = error.message.find(import.path.string()))
      error.message.replace(at, import.path.string().size(), import.shown_as.string());
    return std::unexpected(std::move(error));
  }
  context.adapters->show(imported->version.name);
  HYPRSTREAM_ASSIGN(auto json, adapter_json(context, imported->version, /*whole=*/true));
  json["changes_anything"] = imported->changes_anything;
  return json;
}

ApiResult<Json> remove(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto version, find_version(context, request));
  const bool all = !request.path_parameters.at("name").contains('@');
  const auto& store = context.adapters->store();
  HYPRSTREAM_TRY((all ? store.remove_all(version.name) : store.remove(version)).transform_error(http_error));
  // Requests in flight keep theirs; that it is not in memory is no error here.
  if (all || store.versions(version.name).empty()) {
    (void)context.adapters->unload(version.name, /*hide=*/false);
    context.scales->clear(version.name);
  } else {
    context.adapters->drop(version.name, version.version);
  }
  return Json{{"name", version.name},
              {"object", "adapter.deleted"},
              {"version", all ? Json() : Json(version.version)},
              {"deleted", true}};
}

}  // namespace

HttpResponse handle_adapters(const ApiContext& context, const HttpRequest&) {
  Json data = Json::array();
  for (const auto& stored : context.adapters->store().list())
    if (auto json = adapter_json(context, stored, /*whole=*/false)) data.push_back(std::move(*json));
  return json_response(Json{{"object", "list"}, {"data", data}});
}

HttpResponse handle_adapter(const ApiContext& context, const HttpRequest& request) {
  return json_response(adapter(context, request));
}

HttpResponse handle_create_adapter(const ApiContext& context, const HttpRequest& request) {
  return json_response(request.parts.empty() ? create(context, request) : upload(context, request));
}

HttpResponse handle_delete_adapter(const ApiContext& context, const HttpRequest& request) {
  return json_response(remove(context, request));
}

}  // namespace hyprstream

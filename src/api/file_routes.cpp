// /v1/files: data to train on.
#include "api/endpoints.hpp"
#include "api/json_response.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestFilename = 255;

Json file_json(const Upload& upload) {
  return {{"id", upload.id},
          {"object", "file"},
          {"bytes", upload.bytes},
          {"created_at", upload.created},
          {"filename", upload.filename},
          {"purpose", upload.purpose},
          {"status", "processed"}};
}

ApiResult<Json> file(const ApiContext& context, const HttpRequest& request) {
  return context.uploads->find(request.path_parameters.at("id")).transform(file_json).transform_error(http_error);
}

ApiResult<Json> upload(const ApiContext& context, const HttpRequest& request) {
  const FormPart* file = nullptr;
  std::string purpose;
  for (const auto& part : request.parts) {
    if (part.name == "file") file = &part;
    if (part.name == "purpose") purpose = part.body;
  }
  if (file == nullptr)
    return std::unexpected(invalid_field("file", "a file is sent as multipart/form-data, in the part 'file'"));
  if (purpose != "fine-tune")
    return std::unexpected(invalid_field("purpose", "'purpose' must be fine-tune: files are there for nothing else"));
  if (file->body.empty()) return std::unexpected(invalid_field("file", "the file is empty"));
  return context.uploads->add(file->body, file->filename.substr(0, kLongestFilename), purpose)
      .transform(file_json)
      .transform_error(http_error);
}

ApiResult<Json> remove(const ApiContext& context, const HttpRequest& request) {
  const auto& id = request.path_parameters.at("id");
  HYPRSTREAM_TRY(context.uploads->remove(id).transform_error(http_error));
  return Json{{"id", id}, {"object", "file"}, {"deleted", true}};
}

}  // namespace

HttpResponse handle_files(const ApiContext& context, const HttpRequest&) {
  Json data = Json::array();
  for (const auto& upload : context.uploads->list()) data.push_back(file_json(upload));
  return json_response(Json{{"object", "list"}, {"data", data}, {"has_more", false}});
}

HttpResponse handle_file(const ApiContext& context, const HttpRequest& request) {
  return json_response(file(context, request));
}

HttpResponse handle_file_content(const ApiContext& context, const HttpRequest& request) {
  auto content = context.uploads->content(request.path_parameters.at("id"));
  if (!content) return error_response(http_error(content.error()));
  return {.content_type = "application/octet-stream", .body = std::move(*content)};
}

HttpResponse handle_upload_file(const ApiContext& context, const HttpRequest& request) {
  return json_response(upload(context, request));
}

HttpResponse handle_delete_file(const ApiContext& context, const HttpRequest& request) {
  return json_response(remove(context, request));
}

}  // namespace hyprstream

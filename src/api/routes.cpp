// The table of routes.
#include <memory>

#include "api/endpoints.hpp"
#include "api/openapi.hpp"

namespace hyprstream {
namespace {

using Handler = HttpResponse (*)(const ApiContext&, const HttpRequest&);

struct Entry {
  const char* method;
  const char* path;
  Scope scope;
  const char* summary;
  Handler handler;
  RouteSchemas schemas;  // names in openapi_schemas.cpp
};

constexpr auto kInfer = Scope::kInference;
constexpr auto kAdmin = Scope::kAdmin;

const Entry kEntries[] = {
    {"GET", "/health", Scope::kPublic, "Whether the server takes requests", handle_health, {"", "Health"}},
    {"GET", "/version", kInfer, "The program's version", handle_version, {"", "Version"}},
    {"GET", "/metrics", kInfer, "Counters for Prometheus", handle_metrics, {}},
    {"GET", "/v1/models", kInfer, "The base model and every adapter", handle_models, {"", "ModelList"}},
    {"GET", "/v1/models/{id}", kInfer, "One of them", handle_model, {"", "Model"}},
    {"POST", "/v1/completions", kInfer, "Continue a text", handle_completion, {"CompletionRequest", "Completion"}},
    {"POST",
     "/v1/chat/completions",
     kInfer,
     "Answer a conversation",
     handle_chat_completion,
     {"ChatCompletionRequest", "ChatCompletion"}},
    {"POST", "/v1/embeddings", kInfer, "Vectors of texts", handle_embeddings, {"EmbeddingRequest", "EmbeddingList"}},
    {"POST", "/tokenize", kInfer, "A text's tokens", handle_tokenize, {"TokenizeRequest", "Tokenized"}},
    {"POST", "/detokenize", kInfer, "The text of tokens", handle_detokenize, {"Tokens", "Text"}},
    {"GET", "/v1/adapters", kInfer, "Every adapter in its newest version", handle_adapters, {"", "AdapterList"}},
    {"POST",
     "/v1/adapters",
     kAdmin,
     "Create an adapter, or upload one as multipart/form-data",
     handle_create_adapter,
     {"CreateAdapterRequest", "Adapter", "UploadAdapterForm"}},
    {"GET",
     "/v1/adapters/{name}",
     kInfer,
     "An adapter (NAME or NAME@VERSION) with its weights",
     handle_adapter,
     {"", "Adapter"}},
    {"DELETE",
     "/v1/adapters/{name}",
     kAdmin,
     "Delete an adapter, or one version of it",
     handle_delete_adapter,
     {"", "DeletedAdapter"}},
    {"POST",
     "/v1/load_lora_adapter",
     kAdmin,
     "vLLM's way to load an adapter",
     handle_load_adapter,
     {"LoadAdapterRequest", "LoadedAdapter"}},
    {"POST",
     "/v1/unload_lora_adapter",
     kAdmin,
     "vLLM's way to unload an adapter",
     handle_unload_adapter,
     {"UnloadAdapterRequest", "LoadedAdapter"}},
    {"GET", "/lora-adapters", kInfer, "llama-server's list of adapters", handle_adapter_scales, {"", "AdapterScales"}},
    {"POST",
     "/lora-adapters",
     kAdmin,
     "Scales for requests that name no adapter",
     handle_set_adapter_scales,
     {"AdapterScales", "AdapterScales"}},
    {"GET", "/v1/files", kAdmin, "Files to train on", handle_files, {"", "FileList"}},
    {"POST", "/v1/files", kAdmin, "Upload a file to train on", handle_upload_file, {"", "File", "UploadFileForm"}},
    {"GET", "/v1/files/{id}", kAdmin, "One of them", handle_file, {"", "File"}},
    {"GET", "/v1/files/{id}/content", kAdmin, "What is in it", handle_file_content, {}},
    {"DELETE", "/v1/files/{id}", kAdmin, "Delete a file", handle_delete_file, {"", "DeletedFile"}},
    {"GET", "/v1/fine_tuning/jobs", kInfer, "Trainings", handle_fine_tuning_jobs, {"", "FineTuningJobList"}},
    {"POST",
     "/v1/fine_tuning/jobs",
     kAdmin,
     "Train an adapter on an uploaded file",
     handle_create_fine_tuning_job,
     {"CreateFineTuningJobRequest", "FineTuningJob"}},
    {"GET", "/v1/fine_tuning/jobs/{id}", kInfer, "One of them", handle_fine_tuning_job, {"", "FineTuningJob"}},
    {"POST",
     "/v1/fine_tuning/jobs/{id}/cancel",
     kAdmin,
     "End a training; what it has stored stays",
     handle_cancel_fine_tuning_job,
     {"", "FineTuningJob"}},
    {"GET",
     "/v1/fine_tuning/jobs/{id}/events",
     kInfer,
     "What a training has told of itself, newest first",
     handle_fine_tuning_events,
     {"", "FineTuningEventList"}},
    {"GET",
     "/v1/fine_tuning/jobs/{id}/checkpoints",
     kInfer,
     "The versions that a training has stored, newest first",
     handle_fine_tuning_checkpoints,
     {"", "FineTuningCheckpointList"}},
};

}  // namespace

std::vector<Route> make_api_routes(const ApiContext& context) {
  const auto shared = std::make_shared<const ApiContext>(context);
  std::vector<Route> routes;
  std::vector<RouteSchemas> schemas;
  const auto add = [&](const char* method, const char* path, Scope scope, const char* summary, RouteSchemas named,
                       HttpHandler handler) {
    routes.push_back(
        {.method = method, .path = path, .scope = scope, .summary = summary, .handler = std::move(handler)});
    schemas.push_back(named);
  };
  for (const auto& entry : kEntries)
    add(entry.method, entry.path, entry.scope, entry.summary, entry.schemas,
        [shared, handle = entry.handler](const HttpRequest& request) { return handle(*shared, request); });
  const auto document = std::make_shared<std::string>();
  add("GET", "/openapi.json", kInfer, "This description of the server", {},
      [document](const HttpRequest&) { return HttpResponse{.body = *document}; });
  *document = openapi_document(routes, schemas, context.version);
  return routes;
}

}  // namespace hyprstream

// What answers each route. Internal to api.
#pragma once

#include "api/api.hpp"

namespace hyprstream {

// completion_route.cpp, chat_route.cpp, embedding_route.cpp
HttpResponse handle_completion(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_chat_completion(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_embeddings(const ApiContext& context, const HttpRequest& request);

// model_routes.cpp
HttpResponse handle_models(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_model(const ApiContext& context, const HttpRequest& request);

// token_routes.cpp
HttpResponse handle_tokenize(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_detokenize(const ApiContext& context, const HttpRequest& request);

// adapter_routes.cpp
HttpResponse handle_adapters(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_adapter(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_create_adapter(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_delete_adapter(const ApiContext& context, const HttpRequest& request);

// adapter_compatibility.cpp: vLLM's and llama-server's ways
HttpResponse handle_load_adapter(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_unload_adapter(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_adapter_scales(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_set_adapter_scales(const ApiContext& context, const HttpRequest& request);

// file_routes.cpp
HttpResponse handle_files(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_file(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_file_content(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_upload_file(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_delete_file(const ApiContext& context, const HttpRequest& request);

// fine_tuning_routes.cpp
HttpResponse handle_create_fine_tuning_job(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_fine_tuning_jobs(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_fine_tuning_job(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_cancel_fine_tuning_job(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_fine_tuning_events(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_fine_tuning_checkpoints(const ApiContext& context, const HttpRequest& request);

// server_routes.cpp
HttpResponse handle_health(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_version(const ApiContext& context, const HttpRequest& request);
HttpResponse handle_metrics(const ApiContext& context, const HttpRequest& request);

}  // namespace hyprstream

// What chat and completion requests have in common: the model, sampling, limits.
#pragma once

#include <string>

#include "api/api.hpp"
#include "api/json_fields.hpp"
#include "runtime/chat.hpp"
#include "serving/request.hpp"

namespace hyprstream {

struct GenerationCall {
  ServingRequest request;  // without its prompt
  std::vector<std::vector<Token>> prompts;
  std::vector<ToolDefinition> tools;  // those that may be called; empty: an answer is text and nothing else
  std::string model;                  // as the client wrote it, for the answer
  bool stream = false;
  bool include_usage = false;
};

// `model` names the base model, an adapter (NAME, NAME@VERSION), or both (BASE+NAME); left out, it is the base model.
// Errors: 404 model_not_found.
ApiResult<std::vector<RequestAdapter>> adapters_of_model(const ApiContext& context, const std::string& model);

// The fields `model` and `lora`: without either, what POST /lora-adapters has set. Errors: as above; 400.
ApiResult<std::vector<RequestAdapter>> read_adapters(const ApiContext& context, const JsonFields& fields);
// What metrics call them: "", "pirate", "pirate+haiku".
std::string adapters_label(const std::vector<RequestAdapter>& adapters);

// A text's tokens, with special tokens read as such. Errors: 400 naming the field.
ApiResult<std::vector<Token>> tokens_of(const ApiContext& context, const std::string& text, std::string_view field);
// What a prompt or an input may be: a text, a list of texts, a list of token numbers, or a list of those; 1 to `most`.
// Errors: 400 naming the field.
ApiResult<std::vector<std::vector<Token>>> read_token_lists(const ApiContext& context, const JsonFields& fields,
                                                            std::string_view name, std::size_t most);

// What the service said of a request whose longest text has so many tokens.
HttpError submit_error(const Error& error, const ApiContext& context, std::size_t tokens);

// Errors: 400 naming the field, 404 for models and adapters.
ApiResult<GenerationCall> read_generation_fields(const ApiContext& context, const HttpRequest& request,
                                                 const JsonFields& fields);

}  // namespace hyprstream

// Every field here is one that a request is read for, or that an answer has: tests/e2e/test_server_openapi.py sends
// each one wrong, and holds the answers against these schemas.
#include "api/openapi.hpp"

namespace hyprstream {
namespace {

constexpr const char* kSchemas = R"json({
"Error": {"type": "object", "required": ["error"], "properties": {"error": {
  "type": "object", "required": ["message", "type", "param", "code"], "properties": {
    "message": {"type": "string"}, "type": {"type": "string"},
    "param": {"type": ["string", "null"]}, "code": {"type": ["string", "null"]}}}}},
"Health": {"type": "object", "required": ["status"], "properties": {"status": {"enum": ["ok"]}}},
"Version": {"type": "object", "required": ["version"], "properties": {"version": {"type": "string"}}},

"Model": {"type": "object", "required": ["id", "object", "created", "owned_by", "root", "parent"], "properties": {
  "id": {"type": "string"}, "object": {"enum": ["model"]}, "created": {"type": "integer"},
  "owned_by": {"type": "string"}, "root": {"type": "string"}, "parent": {"type": ["string", "null"]}}},
"ModelList": {"type": "object", "required": ["object", "data"], "properties": {
  "object": {"enum": ["list"]}, "data": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}}}},

"LoraChoice": {"type": "array", "maxItems": 16, "items": {"type": "object", "properties": {
  "name": {"type": "string"}, "id": {"type": "integer", "minimum": 0}, "scale": {"type": "number"}}}},
"TextOrTokens": {"oneOf": [{"type": "string"},
  {"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": "integer"}},
  {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}]},
"Generation": {"type": "object", "properties": {
  "model": {"type": "string", "description": "the base model, an adapter (NAME, NAME@VERSION), or BASE+ADAPTER"},
  "lora": {"$ref": "#/components/schemas/LoraChoice"},
  "temperature": {"type": "number", "minimum": 0, "maximum": 100},
  "top_p": {"type": "number", "minimum": 0, "maximum": 1}, "min_p": {"type": "number", "minimum": 0, "maximum": 1},
  "top_k": {"type": "integer", "minimum": -1}, "repeat_penalty": {"type": "number"},
  "frequency_penalty": {"type": "number", "minimum": -2, "maximum": 2},
  "presence_penalty": {"type": "number", "minimum": -2, "maximum": 2},
  "seed": {"type": "integer"}, "max_tokens": {"type": "integer", "minimum": 1},
  "max_completion_tokens": {"type": "integer", "minimum": 1}, "n": {"type": "integer", "minimum": 1},
  "stop": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
  "logit_bias": {"type": "object", "additionalProperties": {"type": "number", "minimum": -100, "maximum": 100}},
  "grammar": {"type": "string", "description": "GBNF"}, "response_format": {"type": "object"},
  "ignore_eos": {"type": "boolean"}, "cache_prompt": {"type": "boolean"}, "cache_salt": {"type": "string"},
  "stream": {"type": "boolean"}, "stream_options": {"type": "object", "properties": {
    "include_usage": {"type": "boolean"}}}}},
"CompletionRequest": {"allOf": [{"$ref": "#/components/schemas/Generation"}, {"type": "object", "required": ["prompt"],
  "properties": {"prompt": {"$ref": "#/components/schemas/TextOrTokens"},
    "best_of": {"type": "integer", "minimum": 1}, "logprobs": {"type": "integer", "minimum": 0, "maximum": 20}}}]},
"ChatCompletionRequest": {"allOf": [{"$ref": "#/components/schemas/Generation"}, {"type": "object",
  "required": ["messages"], "properties": {
    "messages": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}},
    "logprobs": {"type": "boolean"}, "top_logprobs": {"type": "integer", "minimum": 0, "maximum": 20},
    "tools": {"type": "array", "items": {"$ref": "#/components/schemas/Tool"}},
    "tool_choice": {"oneOf": [{"enum": ["none", "auto", "required"]}, {"$ref": "#/components/schemas/Tool"}]},
    "parallel_tool_calls": {"type": "boolean"}}}]},
"Message": {"type": "object", "required": ["role"], "properties": {
  "role": {"enum": ["system", "developer", "user", "assistant", "tool"]},
  "content": {"oneOf": [{"type": "null"}, {"type": "string"}, {"type": "array", "items": {"type": "object",
    "required": ["type", "text"], "properties": {"type": {"enum": ["text"]}, "text": {"type": "string"}}}}]},
  "tool_calls": {"type": "array", "items": {"$ref": "#/components/schemas/ToolCall"}},
  "tool_call_id": {"type": "string"}}},
"Tool": {"type": "object", "required": ["function"], "properties": {"type": {"enum": ["function"]}, "function": {
  "type": "object", "required": ["name"], "properties": {"name": {"type": "string"},
    "description": {"type": "string"}, "parameters": {"type": "object"}}}}},
"ToolCall": {"type": "object", "required": ["function"], "properties": {"id": {"type": "string"},
  "type": {"enum": ["function"]}, "function": {"type": "object", "required": ["name"],
    "properties": {"name": {"type": "string"}, "arguments": {"type": "string"}}}}},

"Usage": {"type": "object", "required": ["prompt_tokens", "total_tokens"], "properties": {
  "prompt_tokens": {"type": "integer"}, "completion_tokens": {"type": "integer"}, "total_tokens": {"type": "integer"},
  "prompt_tokens_details": {"type": "object", "properties": {"cached_tokens": {"type": "integer"}}}}},
"Timings": {"type": "object", "properties": {"cache_n": {"type": "integer"}, "prompt_n": {"type": "integer"},
  "prompt_ms": {"type": "number"}, "prompt_per_second": {"type": "number"}, "predicted_n": {"type": "integer"},
  "predicted_ms": {"type": "number"}, "predicted_per_second": {"type": "number"}, "queue_ms": {"type": "number"}}},
"Completion": {"type": "object", "required": ["id", "object", "created", "model", "choices", "usage"], "properties": {
  "id": {"type": "string"}, "object": {"enum": ["text_completion"]}, "created": {"type": "integer"},
  "model": {"type": "string"}, "usage": {"$ref": "#/components/schemas/Usage"},
  "timings": {"$ref": "#/components/schemas/Timings"},
  "choices": {"type": "array", "items": {"type": "object", "required": ["index", "text", "finish_reason"],
    "properties": {"index": {"type": "integer"}, "text": {"type": "string"},
      "logprobs": {"type": ["object", "null"]}, "finish_reason": {"enum": ["stop", "length"]}}}}}},
"ChatCompletion": {"type": "object", "required": ["id", "object", "created", "model", "choices", "usage"],
  "properties": {"id": {"type": "string"}, "object": {"enum": ["chat.completion"]}, "created": {"type": "integer"},
  "model": {"type": "string"}, "usage": {"$ref": "#/components/schemas/Usage"},
  "timings": {"$ref": "#/components/schemas/Timings"},
  "choices": {"type": "array", "items": {"type": "object", "required": ["index", "message", "finish_reason"],
    "properties": {"index": {"type": "integer"}, "message": {"$ref": "#/components/schemas/Message"},
      "logprobs": {"type": ["object", "null"]}, "finish_reason": {"enum": ["stop", "length", "tool_calls"]}}}}}},

"EmbeddingRequest": {"type": "object", "required": ["input"], "properties": {
  "model": {"type": "string"}, "lora": {"$ref": "#/components/schemas/LoraChoice"},
  "input": {"$ref": "#/components/schemas/TextOrTokens"}, "encoding_format": {"enum": ["float", "base64"]},
  "dimensions": {"type": "integer", "minimum": 1}}},
"EmbeddingList": {"type": "object", "required": ["object", "data", "model", "usage"], "properties": {
  "object": {"enum": ["list"]}, "model": {"type": "string"}, "usage": {"$ref": "#/components/schemas/Usage"},
  "data": {"type": "array", "items": {"type": "object", "required": ["object", "index", "embedding"], "properties": {
    "object": {"enum": ["embedding"]}, "index": {"type": "integer"},
    "embedding": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "number"}}]}}}}}},

"TokenizeRequest": {"type": "object", "required": ["content"], "properties": {"content": {"type": "string"},
  "add_special": {"type": "boolean"}, "parse_special": {"type": "boolean"}, "with_pieces": {"type": "boolean"}}},
"Tokenized": {"type": "object", "required": ["tokens"], "properties": {"tokens": {"type": "array", "items": {"oneOf": [
  {"type": "integer"}, {"type": "object", "required": ["id", "piece"], "properties": {"id": {"type": "integer"},
    "piece": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]}}}]}}}},
"Tokens": {"type": "object", "required": ["tokens"], "properties": {
  "tokens": {"type": "array", "items": {"type": "integer"}}}},
"Text": {"type": "object", "required": ["content"], "properties": {"content": {"type": "string"}}},

"Adapter": {"type": "object", "required": ["name", "object", "version", "id", "parent", "rank", "alpha",
  "target_modules", "sparsity", "nnz", "bytes", "sha256", "created_at", "origin", "loaded", "hidden"], "properties": {
  "name": {"type": "string"}, "object": {"enum": ["adapter"]}, "version": {"type": "integer"},
  "id": {"type": "string"}, "parent": {"type": "string"}, "rank": {"type": "integer"}, "alpha": {"type": "number"},
  "target_modules": {"type": "array", "items": {"type": "string"}}, "sparsity": {"type": "number"},
  "nnz": {"type": "integer"}, "bytes": {"type": "integer"}, "sha256": {"type": "string"},
  "created_at": {"type": "string"}, "origin": {"type": "object"}, "loaded": {"type": "boolean"},
  "hidden": {"type": "boolean"}, "versions": {"type": "array", "items": {"type": "integer"}},
  "changes_anything": {"type": "boolean"}, "weights": {"type": "array", "items": {"type": "object", "properties": {
    "layer": {"type": "integer"}, "module": {"type": "string"}, "rank": {"type": "integer"},
    "nnz": {"type": "integer"}, "sparsity": {"type": "number"}, "norm": {"type": "number"}}}}}},
"AdapterList": {"type": "object", "required": ["object", "data"], "properties": {
  "object": {"enum": ["list"]}, "data": {"type": "array", "items": {"$ref": "#/components/schemas/Adapter"}}}},
"CreateAdapterRequest": {"type": "object", "required": ["name"], "properties": {
  "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
  "rank": {"type": "integer", "minimum": 1}, "alpha": {"type": "number"},
  "target_modules": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
  "sparsity": {"type": "number", "minimum": 0, "maximum": 0.9999999},
  "init": {"enum": ["gaussian", "standard"]}, "seed": {"type": "integer", "minimum": 0}}},
"UploadAdapterForm": {"type": "object", "required": ["file"], "properties": {
  "file": {"type": "string", "description": "an exported adapter or a LoRA GGUF; or both files of a PEFT adapter"},
  "name": {"type": "string"}, "new_version": {"enum": ["true", "false"]}}},
"DeletedAdapter": {"type": "object", "required": ["name", "object", "version", "deleted"], "properties": {
  "name": {"type": "string"}, "object": {"enum": ["adapter.deleted"]}, "version": {"type": ["integer", "null"]},
  "deleted": {"type": "boolean"}}},
"LoadAdapterRequest": {"type": "object", "required": ["lora_name"], "properties": {"lora_name": {"type": "string"},
  "lora_path": {"type": "string"}, "load_inplace": {"type": "boolean"}}},
"UnloadAdapterRequest": {"type": "object", "required": ["lora_name"], "properties": {
  "lora_name": {"type": "string"}}},
"LoadedAdapter": {"type": "object", "required": ["lora_name", "message"], "properties": {
  "lora_name": {"type": "string"}, "version": {"type": "integer"}, "message": {"type": "string"}}},
"AdapterScales": {"type": "array", "items": {"type": "object", "required": ["id", "scale"], "properties": {
  "id": {"type": "integer"}, "path": {"type": "string"}, "scale": {"type": "number"}}}},

"File": {"type": "object", "required": ["id", "object", "bytes", "created_at", "filename", "purpose", "status"],
  "properties": {"id": {"type": "string"}, "object": {"enum": ["file"]}, "bytes": {"type": "integer"},
  "created_at": {"type": "integer"}, "filename": {"type": "string"}, "purpose": {"enum": ["fine-tune"]},
  "status": {"enum": ["processed"]}}},
"FileList": {"type": "object", "required": ["object", "data", "has_more"], "properties": {
  "object": {"enum": ["list"]}, "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/File"}}}},
"UploadFileForm": {"type": "object", "required": ["file", "purpose"], "properties": {
  "file": {"type": "string", "description": "JSON lines"}, "purpose": {"enum": ["fine-tune"]}}},
"DeletedFile": {"type": "object", "required": ["id", "object", "deleted"], "properties": {
  "id": {"type": "string"}, "object": {"enum": ["file"]}, "deleted": {"type": "boolean"}}},

"Hyperparameters": {"type": "object", "properties": {
  "n_epochs": {"type": ["number", "string"]}, "n_steps": {"type": ["integer", "string", "null"]},
  "batch_size": {"type": ["integer", "string"]}, "learning_rate_multiplier": {"type": ["number", "string"]},
  "learning_rate": {"type": ["number", "string"]}, "rank": {"type": ["integer", "string"]},
  "alpha": {"type": ["number", "string"]}, "target_modules": {"type": "string"},
  "sparsity": {"type": ["number", "string"]}, "max_seq_length": {"type": ["integer", "string"]}}},
"TrainingMethod": {"type": "object", "properties": {"type": {"enum": ["supervised"]},
  "supervised": {"type": "object", "properties": {
    "hyperparameters": {"$ref": "#/components/schemas/Hyperparameters"}}}}},
"CreateFineTuningJobRequest": {"type": "object", "required": ["model", "training_file"], "properties": {
  "model": {"type": "string", "description": "the base model"},
  "training_file": {"type": "string", "description": "the id of an uploaded file"},
  "validation_file": {"type": "string"}, "suffix": {"type": "string", "description": "the adapter's name"},
  "seed": {"type": "integer", "minimum": 0}, "metadata": {"type": "object"},
  "hyperparameters": {"$ref": "#/components/schemas/Hyperparameters"},
  "method": {"$ref": "#/components/schemas/TrainingMethod"}}},
"FineTuningJob": {"type": "object", "required": ["id", "object", "model", "created_at", "status", "training_file"],
  "properties": {"id": {"type": "string"}, "object": {"enum": ["fine_tuning.job"]}, "model": {"type": "string"},
  "created_at": {"type": "integer"}, "finished_at": {"type": ["integer", "null"]},
  "estimated_finish": {"type": ["integer", "null"]}, "fine_tuned_model": {"type": ["string", "null"]},
  "organization_id": {"type": "string"}, "result_files": {"type": "array", "items": {"type": "string"}},
  "status": {"enum": ["validating_files", "queued", "running", "succeeded", "failed", "cancelled"]},
  "training_file": {"type": "string"}, "validation_file": {"type": ["string", "null"]},
  "hyperparameters": {"$ref": "#/components/schemas/Hyperparameters"},
  "method": {"$ref": "#/components/schemas/TrainingMethod"}, "trained_tokens": {"type": ["integer", "null"]},
  "seed": {"type": "integer"}, "suffix": {"type": "string"}, "metadata": {"type": ["object", "null"]},
  "integrations": {"type": "array"}, "error": {"type": ["object", "null"]}}},
"FineTuningJobList": {"type": "object", "required": ["object", "data", "has_more"], "properties": {
  "object": {"enum": ["list"]}, "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/FineTuningJob"}}}},
"FineTuningEvent": {"type": "object", "required": ["id", "object", "created_at", "level", "message"], "properties": {
  "id": {"type": "string"}, "object": {"enum": ["fine_tuning.job.event"]}, "created_at": {"type": "integer"},
  "level": {"enum": ["info", "warn", "error"]}, "message": {"type": "string"},
  "type": {"enum": ["message", "metrics"]}, "data": {"type": "object"}}},
"FineTuningEventList": {"type": "object", "required": ["object", "data", "has_more"], "properties": {
  "object": {"enum": ["list"]}, "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/FineTuningEvent"}}}},
"FineTuningCheckpoint": {"type": "object", "required": ["id", "object", "created_at", "fine_tuned_model_checkpoint",
  "fine_tuning_job_id", "step_number", "metrics"], "properties": {"id": {"type": "string"},
  "object": {"enum": ["fine_tuning.job.checkpoint"]}, "created_at": {"type": "integer"},
  "fine_tuned_model_checkpoint": {"type": "string"}, "fine_tuning_job_id": {"type": "string"},
  "step_number": {"type": "integer"}, "metrics": {"type": "object"}}},
"FineTuningCheckpointList": {"type": "object", "required": ["object", "data", "has_more"], "properties": {
  "object": {"enum": ["list"]}, "has_more": {"type": "boolean"},
  "data": {"type": "array", "items": {"$ref": "#/components/schemas/FineTuningCheckpoint"}}}}
})json";

}  // namespace

const nlohmann::ordered_json& openapi_schemas() {
  static const auto schemas = nlohmann::ordered_json::parse(kSchemas);
  return schemas;
}

}  // namespace hyprstream

#include "api/generation_fields.hpp"

#include <algorithm>
#include <charconv>
#include <format>

#include "api/adapter_scales.hpp"
#include "structured_output/schema_grammar.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kMostStops = 16;
constexpr std::size_t kMostBiases = 1024;
constexpr std::size_t kMostAdapters = 16;
constexpr double kWidest = 1e6;

ApiResult<RequestAdapter> find_adapter(const ApiContext& context, const std::string& name, float scale) {
  auto adapter = context.adapters->get(name);
  if (adapter) return RequestAdapter{std::move(*adapter), scale};
  auto error = http_error(adapter.error());
  error.param = "model";
  if (error.status == 404 || error.status == 400) {
    error.status = 404;  // a name that cannot be an adapter's is just as unknown
    error.code = "model_not_found";
  }
  return std::unexpected(std::move(error));
}

// By name, or by llama-server's number.
ApiResult<std::string> read_adapter_name(const ApiContext& context, const JsonFields& entry) {
  HYPRSTREAM_ASSIGN(auto name, entry.text("name"));
  if (name) return std::move(*name);
  HYPRSTREAM_ASSIGN(const auto id, entry.integer("id", 0, 1 << 30));
  if (!id) return entry.wrong("name", "the name of an adapter");
  auto found = context.scales->name(static_cast<int>(*id));
  if (found) return std::move(*found);
  auto error =
      invalid_field("lora", std::format("there is no adapter with the id {}: GET /lora-adapters has them", *id));
  return std::unexpected(std::move(error));
}

ApiResult<void> add_active(const ApiContext& context, std::vector<RequestAdapter>& adapters) {
  for (const auto& [name, scale] : context.scales->active()) {
    HYPRSTREAM_ASSIGN(auto adapter, find_adapter(context, name, scale));
    adapters.push_back(std::move(adapter));
  }
  return {};
}

ApiResult<void> read_lora(const ApiContext& context, const JsonFields& fields, std::vector<RequestAdapter>& adapters) {
  const auto* list = fields.find("lora");
  if (list == nullptr) return adapters.empty() ? add_active(context, adapters) : ApiResult<void>();
  if (!list->is_array() || list->size() > kMostAdapters)
    return fields.wrong("lora", std::format("a list of at most {} objects with a name and a scale", kMostAdapters));
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (!(*list)[i].is_object()) return fields.wrong("lora", "a list of objects with a name and a scale");
    const JsonFields entry((*list)[i], std::format("lora[{}].", i));
    HYPRSTREAM_ASSIGN(const auto name, read_adapter_name(context, entry));
    HYPRSTREAM_ASSIGN(const auto scale, entry.number("scale", -kWidest, kWidest));
    HYPRSTREAM_ASSIGN(auto adapter, find_adapter(context, name, static_cast<float>(scale.value_or(1))));
    adapters.push_back(std::move(adapter));
  }
  return {};
}

ApiResult<void> read_bias(const JsonFields& fields, SamplingParams& sampling) {
  const auto* biases = fields.find("logit_bias");
  if (biases == nullptr) return {};
  if (!biases->is_object() || biases->size() > kMostBiases)
    return fields.wrong("logit_bias", std::format("an object with at most {} tokens", kMostBiases));
  for (const auto& [key, value] : biases->items()) {
    Token token = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
    const bool good = error == std::errc() && end == key.data() + key.size() && value.is_number() &&
                      value.get<double>() >= -100 && value.get<double>() <= 100;
    if (!good) return fields.wrong("logit_bias", "an object of token numbers with biases from -100 to 100");
    sampling.logit_bias.push_back({token, value.get<float>()});
  }
  return {};
}

ApiResult<void> read_format(const JsonFields& fields, SamplingParams& sampling) {
  HYPRSTREAM_ASSIGN(const auto grammar, fields.text("grammar"));
  if (grammar) sampling.grammar = *grammar;
  const auto* format = fields.find("response_format");
  if (format == nullptr) return {};
  if (!format->is_object()) return fields.wrong("response_format", "an object");
  const JsonFields inner(*format, "response_format.");
  HYPRSTREAM_ASSIGN(const auto type, inner.text("type"));
  if (type == "text") return {};
  if (type == "json_object") {
    sampling.grammar = json_object_grammar();
    return {};
  }
  if (type != "json_schema") return inner.wrong("type", "text, json_object or json_schema");
  // OpenAI nests the schema; llama-server also takes it beside the type.
  const auto* nested = inner.find("json_schema");
  const auto* schema =
      nested != nullptr && nested->is_object() ? JsonFields(*nested).find("schema") : inner.find("schema");
  if (schema == nullptr) return inner.wrong("json_schema", "an object with a schema");
  auto made = schema_to_grammar(*schema);
  if (!made) return std::unexpected(invalid_field("response_format", made.error().message));
  sampling.grammar = std::move(*made);
  return {};
}

ApiResult<void> read_sampling(const JsonFields& fields, SamplingParams& sampling) {
  const auto set = [&](std::string_view name, double least, double most, float& target) -> ApiResult<void> {
    HYPRSTREAM_ASSIGN(const auto value, fields.number(name, least, most));
    if (value) target = static_cast<float>(*value);
    return {};
  };
  HYPRSTREAM_TRY(set("temperature", 0, 100, sampling.temperature));
  HYPRSTREAM_TRY(set("top_p", 0, 1, sampling.top_p));
  // 0 leaves the most likely token alone, and so does very little.
  sampling.top_p = std::max(sampling.top_p, 1e-6F);
  HYPRSTREAM_TRY(set("min_p", 0, 1, sampling.min_p));
  HYPRSTREAM_TRY(set("repeat_penalty", 0.01, 100, sampling.repetition_penalty));
  HYPRSTREAM_TRY(set("frequency_penalty", -2, 2, sampling.frequency_penalty));
  HYPRSTREAM_TRY(set("presence_penalty", -2, 2, sampling.presence_penalty));
  HYPRSTREAM_ASSIGN(const auto top_k, fields.integer("top_k", -1, 1 << 30));
  if (top_k) sampling.top_k = static_cast<int>(std::max(*top_k, 0LL));  // -1 is vLLM's way to say all
  HYPRSTREAM_ASSIGN(const auto seed, fields.integer("seed", -(1LL << 62), 1LL << 62));
  if (seed) sampling.seed = static_cast<std::uint32_t>(*seed);
  HYPRSTREAM_TRY(read_bias(fields, sampling));
  return read_format(fields, sampling);
}

}  // namespace

ApiResult<std::vector<RequestAdapter>> adapters_of_model(const ApiContext& context, const std::string& model) {
  std::vector<RequestAdapter> adapters;
  if (model.empty() || model == context.model_id) return adapters;
  const auto prefix = context.model_id + "+";
  const auto name = model.starts_with(prefix) ? model.substr(prefix.size()) : model;
  HYPRSTREAM_ASSIGN(auto adapter, find_adapter(context, name, 1));
  adapters.push_back(std::move(adapter));
  return adapters;
}

ApiResult<std::vector<RequestAdapter>> read_adapters(const ApiContext& context, const JsonFields& fields) {
  HYPRSTREAM_ASSIGN(const auto model, fields.text("model"));
  HYPRSTREAM_ASSIGN(auto adapters, adapters_of_model(context, model.value_or("")));
  HYPRSTREAM_TRY(read_lora(context, fields, adapters));
  return adapters;
}

std::string adapters_label(const std::vector<RequestAdapter>& adapters) {
  std::string label;
  for (const auto& [adapter, scale] : adapters) label += (label.empty() ? "" : "+") + adapter.name;
  return label;
}

ApiResult<GenerationCall> read_generation_fields(const ApiContext& context, const HttpRequest& request,
                                                 const JsonFields& fields) {
  GenerationCall call;
  auto& serving = call.request;
  HYPRSTREAM_ASSIGN(const auto model, fields.text("model"));
  call.model = model && !model->empty() ? *model : context.model_id;
  HYPRSTREAM_ASSIGN(serving.adapters, read_adapters(context, fields));
  HYPRSTREAM_TRY(read_sampling(fields, serving.sampling));

  // Until the context's end, unless the endpoint has a default of its own.
  serving.max_tokens = context.service->engine().options().context_length;
  for (const char* name : {"max_tokens", "max_completion_tokens"}) {
    HYPRSTREAM_ASSIGN(const auto most, fields.integer(name, 1, 1 << 30));
    if (most) serving.max_tokens = static_cast<int>(*most);
  }
  HYPRSTREAM_ASSIGN(serving.stop, fields.texts("stop", kMostStops));
  std::erase(serving.stop, "");
  HYPRSTREAM_ASSIGN(const auto choices, fields.integer("n", 1, context.service->options().max_choices));
  serving.choices = static_cast<int>(choices.value_or(1));
  HYPRSTREAM_ASSIGN(const auto ignore_eos, fields.flag("ignore_eos"));
  serving.ignore_end_of_generation = ignore_eos.value_or(false);
  HYPRSTREAM_ASSIGN(const auto cache_prompt, fields.flag("cache_prompt"));
  serving.reuse_prefix = cache_prompt.value_or(true);
  HYPRSTREAM_ASSIGN(const auto salt, fields.text("cache_salt"));
  serving.cache_salt = salt.value_or("");
  HYPRSTREAM_ASSIGN(const auto stream, fields.flag("stream"));
  call.stream = stream.value_or(false);
  if (const auto* options = fields.find("stream_options")) {
    if (!options->is_object()) return fields.wrong("stream_options", "an object");
    HYPRSTREAM_ASSIGN(const auto usage, JsonFields(*options, "stream_options.").flag("include_usage"));
    call.include_usage = usage.value_or(false);
  }
  serving.client = request.client.key_id;
  serving.label = adapters_label(serving.adapters);
  return call;
}

}  // namespace hyprstream

#include <algorithm>
#include <array>
#include <format>
#include <string_view>

#include "api/endpoints.hpp"
#include "api/generation_answer.hpp"
#include "api/tool_fields.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostMessages = 4096;
constexpr std::array<std::string_view, 5> kRoles = {"system", "developer", "user", "assistant", "tool"};

// A text, or a list of parts of the type "text".
ApiResult<std::string> read_content(const JsonFields& message) {
  const auto* content = message.find("content");
  if (content == nullptr) return std::string();
  if (content->is_string()) return content->get<std::string>();
  if (!content->is_array()) return message.wrong("content", "a text, or a list of text parts");
  std::string joined;
  for (const auto& part : *content) {
    if (!part.is_object()) return message.wrong("content", "a text, or a list of text parts");
    const JsonFields fields(part, "content.");
    HYPRSTREAM_ASSIGN(const auto type, fields.text("type"));
    HYPRSTREAM_ASSIGN(const auto text, fields.text("text"));
    if (type != "text" || !text) return message.wrong("content", "text: this model takes nothing else");
    joined += *text;
  }
  return joined;
}

ApiResult<std::vector<ChatMessage>> read_messages(const JsonFields& fields) {
  const auto* list = fields.find("messages");
  if (list == nullptr || !list->is_array() || list->empty() || list->size() > kMostMessages)
    return fields.wrong("messages", std::format("a list of 1 to {} messages", kMostMessages));
  std::vector<ChatMessage> messages;
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (!(*list)[i].is_object()) return fields.wrong("messages", "a list of objects with a role and a content");
    const JsonFields message((*list)[i], std::format("messages[{}].", i));
    HYPRSTREAM_ASSIGN(const auto role, message.text("role"));
    if (!role || !std::ranges::contains(kRoles, *role))
      return message.wrong("role", "system, developer, user, assistant or tool");
    HYPRSTREAM_ASSIGN(auto content, read_content(message));
    HYPRSTREAM_ASSIGN(auto calls, read_tool_calls(message));
    HYPRSTREAM_ASSIGN(auto call_id, message.text("tool_call_id"));
    messages.push_back({.role = *role == "developer" ? "system" : *role,
                        .content = std::move(content),
                        .tool_calls = std::move(calls),
                        .tool_call_id = std::move(call_id).value_or("")});
  }
  return messages;
}

ApiResult<std::vector<Token>> make_prompt(const ApiContext& context, const JsonFields& fields,
                                          const std::vector<ToolDefinition>& tools) {
  HYPRSTREAM_ASSIGN(const auto messages, read_messages(fields));
  return tokenize_chat(context.service->engine(), messages, {.add_generation_prompt = true, .tools = tools})
      .transform_error([](const Error& error) {
        auto shown = http_error(error);
        if (shown.status == 400) shown.param = "messages";
        return shown;
      });
}

Json chat_scores(const RuntimeEngine& engine, const std::vector<TokenScore>& scores) {
  const auto entry = [&](const TokenLogprob& one) {
    const std::string bytes = engine.token_bytes(one.token, true);
    Json numbers = Json::array();
    for (const char byte : bytes) numbers.push_back(static_cast<unsigned char>(byte));
    return Json{
        {"token", engine.detokenize(std::vector{one.token}, true)}, {"logprob", one.logprob}, {"bytes", numbers}};
  };
  Json content = Json::array();
  for (const auto& score : scores) {
    Json one = entry(score.chosen);
    one["top_logprobs"] = Json::array();
    for (const auto& top : score.top) one["top_logprobs"].push_back(entry(top));
    content.push_back(std::move(one));
  }
  return {{"content", content}, {"refusal", nullptr}};
}

ApiResult<GenerationCall> read_call(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const JsonFields fields(body);
  HYPRSTREAM_ASSIGN(auto call, read_generation_fields(context, request, fields));
  for (const char* name : {"functions", "function_call"})
    if (fields.find(name) != nullptr)
      return std::unexpected(
          invalid_field(name, std::format("'{}' is not supported: use 'tools' and 'tool_choice'", name)));
  HYPRSTREAM_ASSIGN(auto tools, read_tool_fields(fields));
  if (!tools.tools.empty() && !call.request.sampling.grammar.empty())
    return fields.wrong("response_format", "text where tools may be called: set 'tool_choice' to \"none\"");
  if (tools.grammar) call.request.sampling.grammar = std::move(*tools.grammar);
  call.tools = std::move(tools.tools);
  HYPRSTREAM_ASSIGN(const auto wanted, fields.flag("logprobs"));
  HYPRSTREAM_ASSIGN(const auto top, fields.integer("top_logprobs", 0, 20));
  if (top && !wanted.value_or(false)) return fields.wrong("logprobs", "true where 'top_logprobs' is set");
  if (wanted.value_or(false)) call.request.top_logprobs = static_cast<int>(top.value_or(0));
  HYPRSTREAM_ASSIGN(auto prompt, make_prompt(context, fields, call.tools));
  call.prompts.push_back(std::move(prompt));
  return call;
}

}  // namespace

HttpResponse handle_chat_completion(const ApiContext& context, const HttpRequest& request) {
  auto call = read_call(context, request);
  if (!call) return error_response(call.error());
  const AnswerShape shape{.id_prefix = "chatcmpl-",
                          .object = "chat.completion",
                          .chunk_object = "chat.completion.chunk",
                          .whole =
                              [](const ChoicePiece& said) {
                                const bool silent = said.text.empty() && !said.calls.empty();
                                Json message = {{"role", "assistant"}, {"content", silent ? Json() : Json(said.text)}};
                                if (!said.calls.empty())
                                  message["tool_calls"] = tool_calls_json(said.calls, std::nullopt);
                                return Json{{"message", message}, {"logprobs", said.scores}};
                              },
                          .piece =
                              [](const ChoicePiece& said, bool first) {
                                Json delta = Json::object();
                                if (first) delta["role"] = "assistant";
                                if (!said.text.empty() || (first && said.calls.empty())) delta["content"] = said.text;
                                if (!said.calls.empty())
                                  delta["tool_calls"] = tool_calls_json(said.calls, said.first_call);
                                return Json{{"delta", delta}, {"logprobs", said.scores}};
                              },
                          .scores = [&engine = context.service->engine()](
                                        const auto& scores, std::size_t&) { return chat_scores(engine, scores); }};
  return answer_generation(context, request, std::move(*call), shape);
}

}  // namespace hyprstream

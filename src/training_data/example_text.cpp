#include "training_data/example_text.hpp"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/json.hpp"
#include "base/mapped_file.hpp"
#include "base/utf8.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kForms =
    R"(an example is {"messages": [...]}, {"prompt": "...", "completion": "..."} or {"text": "..."})";

std::unexpected<Error> wrong(std::string_view place, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, std::format("{}: {}", place, what));
}

const Json* find(const Json& object, const char* name) {
  const auto field = object.find(name);
  return field == object.end() || field->is_null() ? nullptr : &*field;
}

Result<std::string> required_text(const Json& object, const char* name, std::string_view place) {
  const Json* field = find(object, name);
  if (field == nullptr) return wrong(place, std::format("there is no '{}'; {}", name, kForms));
  if (!field->is_string()) return wrong(place, std::format("'{}' must be a text, not {}", name, field->type_name()));
  auto text = field->get<std::string>();
  if (text.empty()) return wrong(place, std::format("'{}' is empty", name));
  return text;
}

// A text, or OpenAI's list of parts, of which those of text are understood.
Result<std::string> read_content(const Json& message, std::string_view place, std::string_view which) {
  const Json* content = find(message, "content");
  if (content == nullptr) return std::string();
  if (content->is_string()) return content->get<std::string>();
  std::string text;
  if (content->is_array())
    for (const auto& part : *content) {
      const Json* piece = part.is_object() && part.value("type", Json()) == "text" ? find(part, "text") : nullptr;
      if (piece == nullptr || !piece->is_string())
        return wrong(place, std::format("'{}.content' holds something other than text", which));
      text += piece->get<std::string>();
    }
  else
    return wrong(place, std::format("'{}.content' must be a text, not {}", which, content->type_name()));
  return text;
}

// A JSON object, or the text of one.
std::string json_text(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

Result<std::vector<ToolCall>> read_tool_calls(const Json& message, std::string_view place, std::string_view which) {
  std::vector<ToolCall> calls;
  const Json* list = find(message, "tool_calls");
  if (list == nullptr) return calls;
  if (!list->is_array()) return wrong(place, std::format("'{}.tool_calls' must be a list", which));
  for (const auto& call : *list) {
    const Json* function = call.is_object() ? find(call, "function") : nullptr;
    const Json* name = function != nullptr && function->is_object() ? find(*function, "name") : nullptr;
    if (name == nullptr || !name->is_string())
      return wrong(place, std::format("a call in '{}.tool_calls' has no 'function' with a 'name'", which));
    const Json* arguments = find(*function, "arguments");
    const Json* id = find(call, "id");
    calls.push_back({.id = id != nullptr && id->is_string() ? id->get<std::string>() : std::string(),
                     .name = name->get<std::string>(),
                     .arguments = arguments != nullptr ? json_text(*arguments) : "{}"});
  }
  return calls;
}

Result<std::vector<ToolDefinition>> read_tools(const Json& object, std::string_view place) {
  std::vector<ToolDefinition> tools;
  const Json* list = find(object, "tools");
  if (list == nullptr) return tools;
  if (!list->is_array()) return wrong(place, "'tools' must be a list");
  for (const auto& tool : *list) {
    const Json* function = tool.is_object() ? find(tool, "function") : nullptr;
    const Json* name = function != nullptr && function->is_object() ? find(*function, "name") : nullptr;
    if (name == nullptr || !name->is_string()) return wrong(place, "a tool in 'tools' has no 'function' with a 'name'");
    const Json* description = find(*function, "description");
    const Json* parameters = find(*function, "parameters");
    tools.push_back({.name = name->get<std::string>(),
                     .description = description != nullptr && description->is_string() ? description->get<std::string>()
                                                                                       : std::string(),
                     .parameters = parameters != nullptr ? parameters->dump() : std::string()});
  }
  return tools;
}

Result<void> read_messages(const Json& list, std::string_view place, ExampleText& example) {
  if (!list.is_array() || list.empty()) return wrong(place, "'messages' must be a list of messages");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string which = std::format("messages[{}]", i);
    const auto& entry = list[i];
    const Json* role = entry.is_object() ? find(entry, "role") : nullptr;
    if (role == nullptr || !role->is_string() || role->get_ref<const std::string&>().empty())
      return wrong(place, std::format("'{}' has no 'role'", which));
    ChatMessage message{.role = role->get<std::string>(), .content = {}, .tool_calls = {}, .tool_call_id = {}};
    HYPRSTREAM_ASSIGN(message.content, read_content(entry, place, which));
    HYPRSTREAM_ASSIGN(message.tool_calls, read_tool_calls(entry, place, which));
    if (const Json* id = find(entry, "tool_call_id"); id != nullptr && id->is_string())
      message.tool_call_id = id->get<std::string>();
    if (message.content.empty() && message.tool_calls.empty() && message.role != "tool")
      return wrong(place, std::format("'{}.content' is missing or empty", which));
    const Json* weight = find(entry, "weight");
    if (weight != nullptr && *weight != 0 && *weight != 1)
      return wrong(place, std::format("'{}.weight' must be 0 or 1", which));
    const bool is_learned = message.role == "assistant" && (weight == nullptr || *weight == 1);
    if (is_learned && i == 0)
      return wrong(place, "the first message is the assistant's, and there is nothing that it answers");
    example.is_learned.push_back(is_learned ? 1 : 0);
    example.messages.push_back(std::move(message));
  }
  if (!std::ranges::contains(example.is_learned, 1))
    return wrong(place, "there is no message of the assistant, so there is nothing to learn");
  return {};
}

Result<ExampleText> read_example(const Json& object, std::string_view place) {
  ExampleText example;
  if (!object.is_object()) return wrong(place, std::format("this is no JSON object; {}", kForms));
  if (const Json* messages = find(object, "messages")) {
    example.kind = ExampleKind::kMessages;
    HYPRSTREAM_TRY(read_messages(*messages, place, example));
    HYPRSTREAM_ASSIGN(example.tools, read_tools(object, place));
    return example;
  }
  if (find(object, "prompt") != nullptr || find(object, "completion") != nullptr) {
    example.kind = ExampleKind::kPromptCompletion;
    HYPRSTREAM_ASSIGN(auto prompt, required_text(object, "prompt", place));
    if (find(object, "completion") == nullptr)
      return wrong(place, "there is a 'prompt' and no 'completion', so there is nothing to learn");
    HYPRSTREAM_ASSIGN(auto completion, required_text(object, "completion", place));
    example.messages.push_back({.role = "user", .content = std::move(prompt), .tool_calls = {}, .tool_call_id = {}});
    example.messages.push_back(
        {.role = "assistant", .content = std::move(completion), .tool_calls = {}, .tool_call_id = {}});
    example.is_learned = {0, 1};
    return example;
  }
  example.kind = ExampleKind::kText;
  if (find(object, "text") == nullptr) return wrong(place, kForms);
  HYPRSTREAM_ASSIGN(example.text, required_text(object, "text", place));
  return example;
}

// The message of parse_json() without the line, which is the file's here; as any other mistake in the examples.
Error on_one_line(Error error) {
  error.code = ErrorCode::kInvalidArgument;
  if (const auto at = error.message.find("line 1, column"); at != std::string::npos) error.message.erase(at, 8);
  return error;
}

}  // namespace

std::string ExampleFile::place(const ExampleText& example) const {
  return std::format("{}, line {}", name, example.line);
}

Result<ExampleFile> parse_examples(std::string_view jsonl, std::string name) {
  ExampleFile file{.name = std::move(name), .examples = {}};
  if (jsonl.starts_with("\xef\xbb\xbf")) jsonl.remove_prefix(3);
  for (std::size_t line = 1; !jsonl.empty(); ++line) {
    const auto end = std::min(jsonl.find('\n'), jsonl.size());
    const auto text = jsonl.substr(0, end);
    jsonl.remove_prefix(std::min(end + 1, jsonl.size()));
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string place = std::format("{}, line {}", file.name, line);
    if (const auto invalid = find_invalid_utf8(text))
      return fail(ErrorCode::kInvalidArgument, std::format("{}: not valid UTF-8 at byte {}", place, *invalid + 1));
    HYPRSTREAM_ASSIGN(const auto json, parse_json(text, place).transform_error(on_one_line));
    HYPRSTREAM_ASSIGN(auto example, read_example(json, place));
    example.line = line;
    file.examples.push_back(std::move(example));
  }
  if (file.examples.empty())
    return fail(ErrorCode::kInvalidArgument, std::format("{} holds no examples; {}, one a line", file.name, kForms));
  return file;
}

Result<ExampleFile> read_examples(const std::filesystem::path& path) {
  HYPRSTREAM_ASSIGN(const auto file, MappedFile::open(path));
  return parse_examples(file.text(), path.string());
}

}  // namespace hyprstream

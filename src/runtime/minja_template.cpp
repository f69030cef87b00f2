#include "runtime/minja_template.hpp"

#include <algorithm>
#include <cctype>
#include <memory>
#include <minja/minja.hpp>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/utf8.hpp"
#include "runtime/tool_prompt.hpp"

namespace hyprstream {
namespace {

using ContextPtr = std::shared_ptr<minja::Context>;
using Arguments = minja::ArgumentsValue;
using Json = nlohmann::ordered_json;

// Hugging Face's settings of Jinja.
constexpr minja::Options kOptions = {.trim_blocks = true, .lstrip_blocks = true, .keep_trailing_newline = false};

// minja says "... at row 1, column 7:", then the lines around that place, and so on for every
// block around it. The rows are the template's own, the columns are not (see add_landmarks).
std::string first_line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  return replace_invalid_utf8(text.substr(0, text.find(", column ")));
}

std::unexpected<Error> minja_failure(const std::exception& error) {
  const std::string message = first_line(error.what());
  // minja wraps what it catches, this too; the sandbox knows what to say about it.
  if (message.starts_with("std::bad_alloc")) throw std::bad_alloc();
  return fail(ErrorCode::kCorrupt, "the model's chat template cannot be used: " + message);
}

template <typename Transform>
minja::Value filter(const std::string& name, std::size_t arguments, Transform transform) {
  return minja::Value::callable([=](const ContextPtr&, Arguments& given) -> minja::Value {
    given.expectArgs(name + " filter", {arguments, arguments}, {0, 0});
    return transform(given.args);
  });
}

std::string titled(std::string text, bool every_word) {
  bool begins = true;
  for (auto& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    c = static_cast<char>(begins ? std::toupper(byte) : std::tolower(byte));
    begins = every_word && std::isspace(byte) != 0;
  }
  return text;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  if (from.empty()) throw std::runtime_error("replace filter: nothing to replace");
  std::string result;
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from)) {
    result += text.substr(0, at);
    result += to;
    text.remove_prefix(at + from.size());
  }
  return result += text;
}

minja::Value reversed(minja::Value& value) {
  auto result = minja::Value::array();
  for (auto i = value.size(); i > 0; --i) result.push_back(value.at(i - 1));
  return result;
}

// Filters that templates in the wild use and minja lacks.
void add_filters(minja::Context& context) {
  using Values = std::vector<minja::Value>;
  context.set("capitalize", filter("capitalize", 1, [](Values& v) { return titled(v[0].to_str(), false); }));
  context.set("title", filter("title", 1, [](Values& v) { return titled(v[0].to_str(), true); }));
  context.set("replace", filter("replace", 3, [](Values& v) {
                return replaced(v[0].to_str(), v[1].get<std::string>(), v[2].get<std::string>());
              }));
  context.set("reverse", filter("reverse", 1, [](Values& v) { return reversed(v[0]); }));
  context.set("first", filter("first", 1, [](Values& v) { return v[0].size() == 0 ? minja::Value() : v[0].at(0); }));
}

std::string formatted_time(const Json& time, const std::string& format) {
  const auto zone = time.at("zone").get<std::string>();
  std::tm now{};
  now.tm_sec = time.at("sec");
  now.tm_min = time.at("min");
  now.tm_hour = time.at("hour");
  now.tm_mday = time.at("mday");
  now.tm_mon = time.at("mon");
  now.tm_year = time.at("year");
  now.tm_wday = time.at("wday");
  now.tm_yday = time.at("yday");
  now.tm_isdst = time.at("isdst");
  now.tm_gmtoff = time.at("gmtoff");
  now.tm_zone = zone.c_str();
  std::string text(format.size() * 8 + 64, '\0');
  text.resize(std::strftime(text.data(), text.size(), format.c_str(), &now));
  return text;
}

// `refusal` gets what raise_exception() was called with.
ContextPtr make_context(const Json& chat, const std::string& bos_token, const std::string& eos_token,
                        std::optional<std::string>& refusal) {
  auto context = minja::Context::make(minja::Value::object());
  add_filters(*context);
  context->set("messages", minja::Value(chat.at("messages")));
  if (chat.contains("tools")) context->set("tools", minja::Value(chat.at("tools")));
  context->set("add_generation_prompt", minja::Value(chat.at("add_generation_prompt")));
  context->set("bos_token", bos_token);
  context->set("eos_token", eos_token);
  context->set("raise_exception",
               minja::Value::callable([&refusal](const ContextPtr&, Arguments& given) -> minja::Value {
                 given.expectArgs("raise_exception", {1, 1}, {0, 0});
                 refusal = given.args[0].to_str();
                 throw std::runtime_error("raise_exception");
               }));
  context->set("strftime_now", minja::Value::callable([&chat](const ContextPtr&, Arguments& given) {
                 given.expectArgs("strftime_now", {1, 1}, {0, 0});
                 return minja::Value(formatted_time(chat.at("now"), given.args[0].get<std::string>()));
               }));
  return context;
}

Result<std::string> render(const minja::TemplateNode& root, std::string_view encoded, const std::string& bos_token,
                           const std::string& eos_token) {
  std::optional<std::string> refusal;
  try {
    const auto chat = Json::parse(encoded);
    // minja counts bytes where Jinja counts characters: a slice may have cut one.
    return replace_invalid_utf8(root.render(make_context(chat, bos_token, eos_token, refusal)));
  } catch (const std::exception& error) {
    if (!refusal) return minja_failure(error);
    return fail(ErrorCode::kInvalidArgument,
                "the model's chat template refuses these messages: " + replace_invalid_utf8(*refusal));
  }
}

struct Tag {
  std::size_t begin, end;
};

// The end of the tag that begins at `at`: behind its closing braces. Quotes hide those, but not
// in a comment.
std::size_t end_of_tag(std::string_view source, std::size_t at) {
  const char kind = source[at + 1];
  const char close[] = {kind == '{' ? '}' : kind, '}', '\0'};
  if (kind == '#') {
    const auto end = source.find(close, at + 2);
    return end == source.npos ? source.size() : end + 2;
  }
  char quote = 0;
  for (std::size_t i = at + 2; i < source.size(); ++i) {
    if (quote != 0) {
      if (source[i] == '\\')
        ++i;
      else if (source[i] == quote)
        quote = 0;
    } else if (source[i] == '\'' || source[i] == '"') {
      quote = source[i];
    } else if (source.substr(i).starts_with(close)) {
      return i + 2;
    }
  }
  return source.size();
}

std::vector<Tag> find_tags(std::string_view source) {
  std::vector<Tag> tags;
  for (std::size_t at = source.find('{'); at < source.size(); at = source.find('{', at)) {
    if (at + 1 == source.size()) break;
    const char kind = source[at + 1];
    if (kind != '{' && kind != '%' && kind != '#') {
      ++at;
      continue;
    }
    tags.push_back({at, end_of_tag(source, at)});
    at = tags.back().end;
  }
  return tags;
}

Result<void> check_utf8(const ChatMessage& message, std::size_t number) {
  std::vector<const std::string*> texts = {&message.role, &message.content, &message.tool_call_id};
  for (const auto& call : message.tool_calls) texts.insert(texts.end(), {&call.id, &call.name, &call.arguments});
  for (const auto* text : texts)
    if (const auto at = find_invalid_utf8(*text))
      return fail(
          ErrorCode::kInvalidArgument,
          "message " + std::to_string(number) + " is not valid UTF-8: invalid byte at offset " + std::to_string(*at));
  return {};
}

// As Hugging Face's apply_chat_template takes it: the arguments of a call are an object there. The answer to a call
// also has the function's name, which some templates want.
Json encode_message(const ChatMessage& message, std::span<const ChatMessage> messages) {
  Json encoded = {{"role", message.role}, {"content", message.content}};
  for (const auto& call : message.tool_calls) {
    const Json function = {{"name", call.name}, {"arguments", arguments_as_json(call)}};
    encoded["tool_calls"].push_back({{"id", call.id}, {"type", "function"}, {"function", function}});
  }
  if (message.tool_call_id.empty()) return encoded;
  encoded["tool_call_id"] = message.tool_call_id;
  for (const auto& other : messages)
    for (const auto& call : other.tool_calls)
      if (call.id == message.tool_call_id) encoded["name"] = call.name;
  return encoded;
}

}  // namespace

bool writes_tool_calls(std::string_view source) {
  constexpr std::string_view kName = "tools";
  const auto part_of_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  if (!source.contains("<tool_call>")) return false;
  for (const auto& [begin, end] : find_tags(source)) {
    const auto tag = source.substr(begin, end - begin);
    if (tag.starts_with("{#")) continue;
    for (auto at = tag.find(kName); at != tag.npos; at = tag.find(kName, at + 1))
      if (!part_of_name(tag[at - 1]) && at + kName.size() < tag.size() && !part_of_name(tag[at + kName.size()]))
        return true;
  }
  return false;
}

std::string keep_expression_indent(std::string_view source) {
  std::string result;
  std::size_t at = 0;
  bool stripped = false;  // whether the last tag strips the white space behind it
  for (const auto& [begin, end] : find_tags(source)) {
    const auto text = source.substr(at, begin - at);
    const auto indent = text.size() - (text.find_last_not_of(" \t") + 1);
    const bool begins_line = indent == text.size() ? at == 0 : text[text.size() - indent - 1] == '\n';
    const bool all_stripped = stripped && text.find_first_not_of(" \t\r\n") == text.npos;
    const auto tag = source.substr(begin, end - begin);
    if (tag.starts_with("{{") && !tag.starts_with("{{-") && indent > 0 && begins_line && !all_stripped) {
      result += text.substr(0, text.size() - indent);
      result += "{{ '";
      result += text.substr(text.size() - indent);
      result += "' }}";
    } else {
      result += text;
    }
    result += tag;
    stripped = tag.size() >= 5 && tag[tag.size() - 3] == '-';
    at = end;
  }
  return result += source.substr(at);
}

std::string add_landmarks(std::string_view source) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  std::string result;
  std::size_t at = 0;
  bool stripped = false;  // whether the last tag strips the white space behind it
  for (const auto& [begin, end] : find_tags(source)) {
    const auto text = source.substr(at, begin - at);
    const auto tag = source.substr(begin, end - begin);
    const bool strips = tag.substr(2).starts_with('-');
    // Text of which nothing will be left is a search, too: only its line breaks are kept.
    const bool nothing = (stripped || strips) && text.find_first_not_of(kSpace) == text.npos;
    if (!nothing) result += text;
    // The comment takes the tag's dash, and with it the tag's place beside the text before.
    result += strips ? "{#-" : "{#";
    if (nothing) result.append(static_cast<std::size_t>(std::ranges::count(text, '\n')), '\n');
    result += " a.b None null if else or and not in is == + * ~ / recursive {{ {% %} }} #}";
    result += tag;
    stripped = tag.size() >= 5 && tag[tag.size() - 3] == '-';
    at = end;
  }
  return result += source.substr(at);
}

Result<std::string> encode_chat(std::span<const ChatMessage> messages, const ChatTemplateOptions& options,
                                const std::tm& now) {
  if (messages.empty()) return fail(ErrorCode::kInvalidArgument, "a chat needs at least one message");
  auto array = Json::array();
  for (const auto& message : messages) {
    HYPRSTREAM_TRY(check_utf8(message, array.size() + 1));
    array.push_back(encode_message(message, messages));
  }
  auto tools = Json::array();
  for (const auto& tool : options.tools) {
    HYPRSTREAM_ASSIGN(auto json, tool_as_json(tool));
    tools.push_back(std::move(json));
  }
  char zone[64] = "";  // tm_zone, copied where the C library guards it
  zone[std::strftime(zone, sizeof zone, "%Z", &now)] = '\0';
  const Json time = {{"sec", now.tm_sec},     {"min", now.tm_min},       {"hour", now.tm_hour}, {"mday", now.tm_mday},
                     {"mon", now.tm_mon},     {"year", now.tm_year},     {"wday", now.tm_wday}, {"yday", now.tm_yday},
                     {"isdst", now.tm_isdst}, {"gmtoff", now.tm_gmtoff}, {"zone", zone}};
  Json chat = {{"messages", std::move(array)}, {"add_generation_prompt", options.add_generation_prompt}, {"now", time}};
  if (!tools.empty()) chat["tools"] = std::move(tools);
  return chat.dump();
}

Result<std::function<Result<std::string>(std::string_view chat)>> parse_minja_template(const std::string& source,
                                                                                       const std::string& bos_token,
                                                                                       const std::string& eos_token) {
  try {
    const auto root = minja::Parser::parse(add_landmarks(keep_expression_indent(source)), kOptions);
    return [root, bos_token, eos_token](std::string_view chat) { return render(*root, chat, bos_token, eos_token); };
  } catch (const std::exception& error) {
    return minja_failure(error);
  }
}

}  // namespace hyprstream

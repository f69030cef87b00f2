#include "runtime/chat_template.hpp"

#include <algorithm>
#include <cctype>
#include <ctime>
#include <iterator>
#include <memory>
#include <minja/minja.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/utf8.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kWhat = "the model's chat template";

// Hugging Face's settings of Jinja.
constexpr minja::Options kOptions = {.trim_blocks = true, .lstrip_blocks = true, .keep_trailing_newline = false};

using ContextPtr = std::shared_ptr<minja::Context>;
using Arguments = minja::ArgumentsValue;

// minja puts the source around the place behind its first line: "... at row 1, column 7:\n<source>".
std::string first_line(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  if (text.ends_with(':')) text.remove_suffix(1);
  return replace_invalid_utf8(text);
}

std::unexpected<Error> minja_failure(const std::exception& error) {
  const std::string message = first_line(error.what());
  // minja wraps what it catches, this too; the sandbox knows what to say about it.
  if (message.starts_with("std::bad_alloc")) throw std::bad_alloc();
  return fail(ErrorCode::kCorrupt, std::string(kWhat) + " cannot be used: " + message);
}

template <typename Transform>
minja::Value text_filter(std::string_view name, std::size_t arguments, Transform transform) {
  return minja::Value::callable([=](const ContextPtr&, Arguments& given) -> minja::Value {
    given.expectArgs(std::string(name) + " filter", {arguments, arguments}, {0, 0});
    return transform(given.args);
  });
}

std::string capitalized(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

std::string titled(std::string text) {
  bool begins = true;
  for (auto& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    c = static_cast<char>(begins ? std::toupper(byte) : std::tolower(byte));
    begins = std::isspace(byte) != 0;
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

minja::Value reversed(minja::Value value) {
  if (value.is_string()) {
    auto text = value.get<std::string>();
    std::ranges::reverse(text);
    return text;
  }
  auto result = minja::Value::array();
  for (auto i = value.size(); i > 0; --i) result.push_back(value.at(i - 1));
  return result;
}

// Filters that templates in the wild use and minja lacks.
void add_filters(minja::Context& context) {
  using Values = std::vector<minja::Value>;
  context.set("capitalize", text_filter("capitalize", 1, [](Values& v) { return capitalized(v[0].to_str()); }));
  context.set("title", text_filter("title", 1, [](Values& v) { return titled(v[0].to_str()); }));
  context.set("replace", text_filter("replace", 3, [](Values& v) {
                return replaced(v[0].to_str(), v[1].get<std::string>(), v[2].get<std::string>());
              }));
  context.set("reverse", text_filter("reverse", 1, [](Values& v) { return reversed(v[0]); }));
  context.set("first", text_filter("first", 1, [](Values& v) -> minja::Value {
                if (v[0].is_string()) return v[0].get<std::string>().substr(0, 1);
                return v[0].size() == 0 ? minja::Value() : v[0].at(0);
              }));
}

struct Inputs {
  std::span<const ChatMessage> messages;
  const ChatTemplateOptions& options;
  const std::string& bos_token;
  const std::string& eos_token;
  std::tm now;  // local time, from the parent: the C library's time zone is behind a lock
};

// Runs in the child. `refusal` gets what raise_exception() was called with.
ContextPtr make_context(const Inputs& inputs, std::optional<std::string>& refusal) {
  auto messages = minja::Value::array();
  for (const auto& message : inputs.messages) {
    auto value = minja::Value::object();
    value.set("role", message.role);
    value.set("content", message.content);
    messages.push_back(value);
  }
  auto context = minja::Context::make(minja::Value::object());
  add_filters(*context);
  context->set("messages", messages);
  context->set("add_generation_prompt", inputs.options.add_generation_prompt);
  context->set("bos_token", inputs.bos_token);
  context->set("eos_token", inputs.eos_token);
  context->set("raise_exception", minja::Value::callable([&refusal](const ContextPtr&, Arguments& given) -> minja::Value {
                 given.expectArgs("raise_exception", {1, 1}, {0, 0});
                 refusal = given.args[0].to_str();
                 throw std::runtime_error("raise_exception");
               }));
  context->set("strftime_now", minja::Value::callable([now = inputs.now](const ContextPtr&, Arguments& given) {
                 given.expectArgs("strftime_now", {1, 1}, {0, 0});
                 char text[256];
                 const auto length = std::strftime(text, sizeof text, given.args[0].get<std::string>().c_str(), &now);
                 return minja::Value(std::string(text, length));
               }));
  return context;
}

// Runs in the child.
Result<std::string> render_here(const std::string& source, const Inputs& inputs) {
  std::optional<std::string> refusal;
  try {
    const auto root = minja::Parser::parse(source, kOptions);
    return root->render(make_context(inputs, refusal));
  } catch (const std::exception& error) {
    if (refusal) return fail(ErrorCode::kInvalidArgument, std::string(kWhat) + " refuses these messages: " +
                                                              replace_invalid_utf8(*refusal));
    return minja_failure(error);
  }
}

Result<void> check_messages(std::span<const ChatMessage> messages) {
  if (messages.empty()) return fail(ErrorCode::kInvalidArgument, "a chat needs at least one message");
  for (std::size_t i = 0; i < messages.size(); ++i)
    for (const auto* text : {&messages[i].role, &messages[i].content})
      if (const auto at = find_invalid_utf8(*text))
        return fail(ErrorCode::kInvalidArgument, "message " + std::to_string(i + 1) +
                                                     " is not valid UTF-8: invalid byte at offset " +
                                                     std::to_string(*at));
  return {};
}

}  // namespace

Result<ChatTemplate> ChatTemplate::create(std::string source, std::string bos_token, std::string eos_token,
                                          const SandboxLimits& limits) {
  const auto parse = [&source]() -> Result<std::string> {
    try {
      minja::Parser::parse(source, kOptions);
      return {};
    } catch (const std::exception& error) {
      return minja_failure(error);
    }
  };
  HYPRSTREAM_TRY(run_in_sandbox(kWhat, parse, limits));
  return ChatTemplate(std::move(source), std::move(bos_token), std::move(eos_token), limits);
}

Result<std::string> ChatTemplate::render(std::span<const ChatMessage> messages,
                                         const ChatTemplateOptions& options) const {
  HYPRSTREAM_TRY(check_messages(messages));
  Inputs inputs{messages, options, bos_token_, eos_token_, {}};
  const auto now = std::time(nullptr);
  ::localtime_r(&now, &inputs.now);
  HYPRSTREAM_ASSIGN(const auto prompt,
                    run_in_sandbox(kWhat, [&] { return render_here(source_, inputs); }, limits_));
  // minja counts bytes where Jinja counts characters: a slice may have cut one.
  return replace_invalid_utf8(prompt);
}

}  // namespace hyprstream

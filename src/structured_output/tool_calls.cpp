#include "structured_output/tool_calls.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "base/json.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kOpen = "<tool_call>";
constexpr std::string_view kClose = "</tool_call>";
constexpr std::string_view kSpace = " \t\r\n";

std::string fresh_id() {
  constexpr std::string_view kLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  thread_local std::mt19937_64 random{std::random_device{}()};
  std::uniform_int_distribution<std::size_t> letter(0, kLetters.size() - 1);
  std::string id = "call_";
  for (int i = 0; i < 24; ++i) id += kLetters[letter(random)];
  return id;
}

// How many bytes at the end of `text` are the beginning of `word`, but not all of it.
std::size_t begun(std::string_view text, std::string_view word) {
  for (std::size_t length = std::min(text.size(), word.size() - 1); length > 0; --length)
    if (text.ends_with(word.substr(0, length))) return length;
  return 0;
}

// The arguments as the text of an object: some models write that text as a string.
std::optional<std::string> arguments_text(const Json& call) {
  const auto found = call.find("arguments");
  if (found == call.end()) return "{}";
  if (found->is_object()) return found->dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
  if (!found->is_string()) return std::nullopt;
  const auto inside = parse_json(found->get<std::string>(), "the arguments");
  if (!inside || !inside->is_object()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace

ToolCallParser::ToolCallParser(std::span<const ToolDefinition> tools) {
  for (const auto& tool : tools) names_.push_back(tool.name);
}

std::optional<ToolCall> ToolCallParser::read_call(std::string_view body) const {
  const auto call = parse_ordered_json(body, "the call");
  if (!call || !call->is_object()) return std::nullopt;
  const auto name = call->find("name");
  if (name == call->end() || !name->is_string()) return std::nullopt;
  if (std::ranges::find(names_, name->get<std::string>()) == names_.end()) return std::nullopt;
  auto arguments = arguments_text(*call);
  if (!arguments) return std::nullopt;
  return ToolCall{.id = fresh_id(), .name = name->get<std::string>(), .arguments = std::move(*arguments)};
}

// The call's text is read once: `scanned_` bytes of it are known not to hold its end. A "</tool_call>" within a JSON
// string is part of an argument.
std::optional<std::size_t> ToolCallParser::find_close() {
  for (; scanned_ < held_.size(); ++scanned_) {
    const char c = held_[scanned_];
    if (in_string_) {
      if (c == '\\') {
        if (scanned_ + 1 == held_.size()) return std::nullopt;
        ++scanned_;
      } else if (c == '"') {
        in_string_ = false;
      }
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '<') {
      const auto rest = std::string_view(held_).substr(scanned_);
      if (rest.starts_with(kClose)) return scanned_;
      if (kClose.starts_with(rest)) return std::nullopt;
    }
  }
  return std::nullopt;
}

void ToolCallParser::end_call(std::size_t body_end, std::size_t end, Output& output) {
  const auto body_begin = held_.find(kOpen) + kOpen.size();
  if (auto call = read_call(std::string_view(held_).substr(body_begin, body_end - body_begin))) {
    output.calls.push_back(std::move(*call));
    after_call_ = true;
  } else {
    output.text += std::string_view(held_).substr(0, end);
    after_call_ = false;
  }
  held_.erase(0, end);
  in_call_ = false;
}

// Text up to the next call; held is what may still begin one, and the white space before it, which belongs to the call.
void ToolCallParser::pass_text(Output& output) {
  if (after_call_) {
    held_.erase(0, std::min(held_.find_first_not_of(kSpace), held_.size()));
    if (held_.empty()) return;
  }
  const auto open = held_.find(kOpen);
  auto ready = open != held_.npos ? open : held_.size() - begun(held_, kOpen);
  ready = std::string_view(held_).substr(0, ready).find_last_not_of(kSpace) + 1;
  if (ready > 0) after_call_ = false;
  output.text += std::string_view(held_).substr(0, ready);
  held_.erase(0, ready);
  if (open == held_.npos) return;
  in_call_ = true;
  in_string_ = false;
  scanned_ = open - ready + kOpen.size();
}

ToolCallParser::Output ToolCallParser::push(std::string_view text) {
  held_ += text;
  Output output;
  for (;;) {
    if (!in_call_) {
      pass_text(output);
      if (!in_call_) return output;
    }
    const auto close = find_close();
    if (!close) return output;
    end_call(*close, *close + kClose.size(), output);
  }
}

ToolCallParser::Output ToolCallParser::finish() {
  Output output;
  // Many models end their turn with the call, and leave the closing tag out.
  if (in_call_) end_call(held_.size(), held_.size(), output);
  output.text += held_;
  held_.clear();
  return output;
}

}  // namespace hyprstream

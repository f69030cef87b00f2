#include "runtime/chat_template.hpp"

#include <ctime>
#include <string_view>
#include <utility>

#include "runtime/minja_template.hpp"
#include "runtime/tool_prompt.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kWhat = "the model's chat template";
constexpr int kParseTimeouts = 5;

}  // namespace

Result<ChatTemplate> ChatTemplate::start(std::string source, std::string bos_token, std::string eos_token,
                                         const SandboxLimits& limits) {
  const auto prepare = [&] { return parse_minja_template(source, bos_token, eos_token); };
  HYPRSTREAM_ASSIGN(auto server,
                    SandboxServer::start(std::string(kWhat), prepare, limits, limits.timeout * kParseTimeouts));
  ChatTemplate result;
  result.writes_tool_calls_ = writes_tool_calls(source);
  result.source_ = std::move(source);
  result.bos_token_ = std::move(bos_token);
  result.eos_token_ = std::move(eos_token);
  result.limits_ = limits;
  result.server_ = std::move(server);
  return result;
}

Result<ChatTemplate> ChatTemplate::create(std::string source, std::string bos_token, std::string eos_token,
                                          const SandboxLimits& limits) {
  HYPRSTREAM_ASSIGN(auto result, start(std::move(source), std::move(bos_token), std::move(eos_token), limits));
  HYPRSTREAM_TRY(result.check());
  return result;
}

Result<std::string> ChatTemplate::render(std::span<const ChatMessage> messages,
                                         const ChatTemplateOptions& options) const {
  if (writes_tool_calls_ || !concerns_tools(messages, options.tools)) return render_as_is(messages, options);
  auto without_tools = options;
  without_tools.tools.clear();
  HYPRSTREAM_ASSIGN(const auto told, tools_as_text(messages, options.tools, ToolPlacement::kSystem));
  auto prompt = render_as_is(told, without_tools);
  const bool refused = !prompt && prompt.error().code == ErrorCode::kInvalidArgument;
  if (!refused || options.tools.empty() || messages.empty() || messages.front().role == "system") return prompt;
  // A template may have no system role; then the user says it.
  HYPRSTREAM_ASSIGN(const auto told_by_user, tools_as_text(messages, options.tools, ToolPlacement::kFirstUser));
  auto second = render_as_is(told_by_user, without_tools);
  return second ? second : prompt;
}

Result<std::string> ChatTemplate::render_as_is(std::span<const ChatMessage> messages,
                                               const ChatTemplateOptions& options) const {
  const auto time = std::time(nullptr);
  std::tm now{};
  ::localtime_r(&time, &now);
  HYPRSTREAM_ASSIGN(const auto chat, encode_chat(messages, options, now));
  auto prompt = server_->call(chat);
  if (prompt || prompt.error().code != ErrorCode::kUnavailable) return prompt;
  // Somebody killed the server; the slow way works without it.
  auto limits = limits_;
  limits.timeout *= kParseTimeouts + 1;
  return run_in_sandbox(
      kWhat,
      [&]() -> Result<std::string> {
        HYPRSTREAM_ASSIGN(const auto render_chat, parse_minja_template(source_, bos_token_, eos_token_));
        return render_chat(chat);
      },
      limits);
}

}  // namespace hyprstream

// What one choice has said, with tool calls told apart from text. Internal to api.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "api/generation_answer.hpp"
#include "serving/generation_stream.hpp"
#include "structured_output/tool_calls.hpp"

namespace hyprstream {

// Not thread-safe.
class ChoiceReader {
 public:
  // `shape` must outlive it. `scored`: log probabilities were asked for.
  ChoiceReader(const AnswerShape& shape, std::span<const ToolDefinition> tools, bool scored)
      : shape_(&shape), scored_(scored) {
    if (!tools.empty()) parser_.emplace(tools);
  }

  ChoicePiece read(const GenerationDelta& delta) {
    ChoicePiece piece;
    if (scored_ && !delta.scores.empty()) piece.scores = shape_->scores(delta.scores, offset_);
    if (parser_)
      take(parser_->push(delta.text), piece);
    else
      piece.text = delta.text;
    return piece;
  }
  // What was held back.
  ChoicePiece finish() {
    ChoicePiece piece;
    if (parser_) take(parser_->finish(), piece);
    return piece;
  }

  // Of one that was not cancelled.
  const char* finish_reason(FinishReason reason) const {
    if (reason == FinishReason::kMaxTokens || reason == FinishReason::kContextFull) return "length";
    return calls_ > 0 ? "tool_calls" : "stop";
  }

 private:
  void take(ToolCallParser::Output output, ChoicePiece& piece) {
    piece.text = std::move(output.text);
    piece.calls = std::move(output.calls);
    piece.first_call = calls_;
    calls_ += piece.calls.size();
  }

  const AnswerShape* shape_;
  bool scored_;
  std::optional<ToolCallParser> parser_;
  std::size_t calls_ = 0;
  std::size_t offset_ = 0;
};

}  // namespace hyprstream

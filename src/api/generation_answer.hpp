// From the events of a generation to the answer that a client gets, in one piece or as server-sent events.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/generation_fields.hpp"

namespace hyprstream {

// What a choice says, all of it or what is new.
struct ChoicePiece {
  std::string text;
  std::vector<ToolCall> calls;
  std::size_t first_call = 0;     // how many of the choice's calls came before
  nlohmann::ordered_json scores;  // log probabilities, as AnswerShape::scores has them; null if none were asked for

  bool empty() const { return text.empty() && calls.empty() && scores.is_null(); }
};

// How chat and text completions differ.
struct AnswerShape {
  std::string id_prefix;     // "chatcmpl-"
  std::string object;        // "chat.completion"
  std::string chunk_object;  // "chat.completion.chunk"
  // What a choice holds, whole or a piece of it. `first`: of the choice.
  std::function<nlohmann::ordered_json(const ChoicePiece& whole)> whole;
  std::function<nlohmann::ordered_json(const ChoicePiece& piece, bool first)> piece;
  // The log probabilities of some tokens, as this kind of answer has them: an object of lists. `offset`: the characters
  // of the choice's tokens before these; goes on behind them.
  std::function<nlohmann::ordered_json(const std::vector<TokenScore>& scores, std::size_t& offset)> scores;
};

// Submits the requests and answers them. The same events make both forms: whole answers are joined pieces.
HttpResponse answer_generation(const ApiContext& context, const HttpRequest& http, GenerationCall call,
                               const AnswerShape& shape);

}  // namespace hyprstream

// From the events of a generation to the answer that a client gets, in one piece or as server-sent events.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "api/generation_fields.hpp"

namespace hyprstream {

// How chat and text completions differ.
struct AnswerShape {
  std::string id_prefix;     // "chatcmpl-"
  std::string object;        // "chat.completion"
  std::string chunk_object;  // "chat.completion.chunk"
  // What a choice holds, whole or a piece of it. `first`: of the choice; `scores` is null if none were asked for.
  std::function<nlohmann::ordered_json(const std::string& text, const nlohmann::ordered_json& scores)> whole;
  std::function<nlohmann::ordered_json(const std::string& text, const nlohmann::ordered_json& scores, bool first)>
      piece;
  // The log probabilities of some tokens, as this kind of answer has them.
  std::function<nlohmann::ordered_json(const std::vector<TokenScore>& scores)> scores;
};

// Submits the request and answers it. The same events make both forms: whole answers are joined pieces.
HttpResponse answer_generation(const ApiContext& context, const HttpRequest& http, GenerationCall call,
                               const AnswerShape& shape);

}  // namespace hyprstream

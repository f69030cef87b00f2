// RuntimeEngine::generate(): the loop of one text over the steps of the interface.
#include <chrono>
#include <format>
#include <utility>

#include "runtime/engine.hpp"
#include "runtime/text_stream.hpp"

namespace hyprstream {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// What is left of a request once its options are checked and its prompt is tokens.
class Generation {
 public:
  Generation(RuntimeEngine& engine, const GenerationRequest& request, const TokenCallback& callback, TextStream stream,
             std::unique_ptr<Sampler> sampler, SequenceId sequence)
      : engine_(engine),
        request_(request),
        callback_(callback),
        stream_(std::move(stream)),
        sampler_(std::move(sampler)),
        sequence_(sequence),
        start_(Clock::now()) {}

  Result<GenerationResult> run(std::span<const Token> prompt) {
    result_.seed = sampler_->seed();
    result_.timings.prompt_tokens = static_cast<int>(prompt.size());
    for (const Token token : prompt) sampler_->accept_prompt(token);
    auto reason = loop(prompt);
    if (!reason && reason.error().code == ErrorCode::kCancelled) reason = FinishReason::kCancelled;
    if (!reason) return std::unexpected(std::move(reason).error());
    result_.finish_reason = *reason;
    release_held_text();
    const auto end = Clock::now();
    auto& timings = result_.timings;
    timings.generated_tokens = static_cast<int>(result_.tokens.size());
    timings.total_seconds = seconds_between(start_, end);
    if (prefilled_ != Clock::time_point{}) timings.generation_seconds = seconds_between(prefilled_, end);
    return std::move(result_);
  }

 private:
  // Until the text ends; kCancelled as an error comes from an interrupted step.
  Result<FinishReason> loop(std::span<const Token> prompt) {
    std::span<const Token> next = prompt.subspan(static_cast<std::size_t>(engine_.sequence_length(sequence_)));
    Token token = 0;
    for (;;) {
      const auto last = static_cast<std::int32_t>(next.size()) - 1;
      const StepInput input{sequence_, next, {&last, 1}};
      HYPRSTREAM_ASSIGN(const auto output, engine_.step({&input, 1}));
      if (prefilled_ == Clock::time_point{}) {
        prefilled_ = Clock::now();
        result_.timings.prompt_seconds = seconds_between(start_, prefilled_);
      }
      HYPRSTREAM_ASSIGN(token, sampler_->sample(output.logits.front()));
      if (result_.tokens.empty()) result_.timings.first_token_seconds = seconds_between(start_, Clock::now());
      if (!request_.ignore_end_of_generation && engine_.is_end_of_generation(token))
        return FinishReason::kEndOfGeneration;
      if (const auto reason = take(token)) return *reason;
      next = {&token, 1};
    }
  }

  // Adds a token to the text; says why the text ends with it, if it does.
  std::optional<FinishReason> take(Token token) {
    result_.tokens.push_back(token);
    const std::string piece = stream_.push(engine_.token_bytes(token, /*special=*/false));
    result_.text += piece;
    const bool stopped_by_caller = callback_ && callback_({.text = piece, .token = token}) == StreamControl::kStop;
    if (stream_.stopped()) return FinishReason::kStopString;
    if (stopped_by_caller) return FinishReason::kCancelled;
    if (std::ssize(result_.tokens) >= request_.max_tokens) return FinishReason::kMaxTokens;
    if (engine_.sequence_length(sequence_) >= engine_.options().context_length) return FinishReason::kContextFull;
    return std::nullopt;
  }

  void release_held_text() {
    if (stream_.stopped()) return;
    const std::string rest = stream_.finish();
    if (rest.empty()) return;
    result_.text += rest;
    if (callback_) callback_({.text = rest, .token = std::nullopt});
  }

  RuntimeEngine& engine_;
  const GenerationRequest& request_;
  const TokenCallback& callback_;
  TextStream stream_;
  std::unique_ptr<Sampler> sampler_;
  SequenceId sequence_;
  Clock::time_point start_;
  Clock::time_point prefilled_{};
  GenerationResult result_;
};

}  // namespace

std::string_view finish_reason_name(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::kEndOfGeneration: return "end_of_generation";
    case FinishReason::kStopString: return "stop_string";
    case FinishReason::kMaxTokens: return "max_tokens";
    case FinishReason::kContextFull: return "context_full";
    case FinishReason::kCancelled: return "cancelled";
  }
  return "unknown";
}

double GenerationTimings::prompt_tokens_per_second() const noexcept {
  return prompt_seconds > 0 ? prompt_tokens / prompt_seconds : 0;
}

double GenerationTimings::generated_tokens_per_second() const noexcept {
  return generated_tokens > 0 && generation_seconds > 0 ? generated_tokens / generation_seconds : 0;
}

Result<GenerationResult> RuntimeEngine::generate(const GenerationRequest& request, const TokenCallback& callback) {
  if (request.max_tokens < 1)
    return fail(ErrorCode::kInvalidArgument, std::format("max_tokens must be 1 or more, not {}", request.max_tokens));
  HYPRSTREAM_ASSIGN(auto stream, TextStream::create(request.stop));
  auto prompt = request.prompt_tokens;
  if (prompt.empty()) {
    if (request.prompt.empty()) return fail(ErrorCode::kInvalidArgument, "the prompt is empty");
    HYPRSTREAM_ASSIGN(prompt, tokenize(request.prompt, {.add_special = true, .parse_special = request.parse_special}));
  }
  if (prompt.empty()) return fail(ErrorCode::kInvalidArgument, "the prompt is empty");
  if (std::ssize(prompt) >= options().context_length)
    return fail(ErrorCode::kInvalidArgument,
                std::format("the prompt is {} tokens long, and the context holds {}, of which one must be left for "
                            "the answer: shorten the prompt or make the context larger",
                            prompt.size(), options().context_length));
  HYPRSTREAM_ASSIGN(auto sampler, make_sampler(request.sampling));
  std::optional<ScopedSequence> own;
  if (!request.sequence) {
    HYPRSTREAM_ASSIGN(auto opened, ScopedSequence::open(*this));
    own.emplace(std::move(opened));
  } else if (sequence_length(*request.sequence) >= std::ssize(prompt)) {
    return fail(ErrorCode::kInvalidArgument,
                std::format("sequence {} holds {} tokens already, which cannot be the beginning of a prompt of {}",
                            static_cast<int>(*request.sequence), sequence_length(*request.sequence), prompt.size()));
  }
  const SequenceId sequence = own ? own->id() : *request.sequence;
  return Generation(*this, request, callback, std::move(stream), std::move(sampler), sequence).run(prompt);
}

}  // namespace hyprstream

#include "cli/example_evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "runtime/logprobs.hpp"
#include "training_data/example_encoding.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kChunk = 32;  // positions a step: two rows of logits each

Result<void> keep_going(const EvaluationProgress& progress, std::size_t done, std::size_t all) {
  if (!progress || progress(static_cast<float>(done) / static_cast<float>(std::max<std::size_t>(all, 1)))) return {};
  return fail(ErrorCode::kCancelled, "it was interrupted");
}

// Adds what one example's target tokens cost under both lists.
Result<void> add_losses(LoraEngine& engine, const TrainingExample& example, const AdapterList& from,
                        const AdapterList& to, ExampleLosses& sums) {
  HYPRSTREAM_ASSIGN(const auto before, ScopedSequence::open(engine));
  HYPRSTREAM_ASSIGN(const auto after, ScopedSequence::open(engine));
  HYPRSTREAM_TRY(engine.set_adapters(before.id(), from));
  HYPRSTREAM_TRY(engine.set_adapters(after.id(), to));
  const std::span<const Token> tokens = example.tokens;
  // The last token predicts nothing that is there.
  for (std::size_t begin = 0; begin + 1 < tokens.size(); begin += kChunk) {
    const auto chunk = tokens.subspan(begin, std::min(kChunk, tokens.size() - 1 - begin));
    std::vector<std::int32_t> wanted;
    for (std::size_t i = 0; i < chunk.size(); ++i)
      if (example.is_target[begin + i + 1] != 0) wanted.push_back(static_cast<std::int32_t>(i));
    const std::vector<StepInput> inputs = {{before.id(), chunk, wanted}, {after.id(), chunk, wanted}};
    HYPRSTREAM_ASSIGN(const auto step, engine.step(inputs));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const Token next = tokens[begin + static_cast<std::size_t>(wanted[i]) + 1];
      ++sums.target_tokens;
      sums.from -= static_cast<double>(score_token(step.logits[i], next, 0).chosen.logprob);
      sums.to -= static_cast<double>(score_token(step.logits[wanted.size() + i], next, 0).chosen.logprob);
    }
  }
  return {};
}

// A text that is being written.
struct Writing {
  std::size_t example;
  ScopedSequence sequence;
  std::vector<Token> pending;  // what its next step appends
  std::vector<Token> written;
};

}  // namespace

Result<ExampleLosses> measure_losses(LoraEngine& engine, std::span<const TrainingExample> examples,
                                     const AdapterList& from, const AdapterList& to,
                                     const EvaluationProgress& progress) {
  ExampleLosses sums;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    HYPRSTREAM_TRY(keep_going(progress, i, examples.size()));
    HYPRSTREAM_TRY(add_losses(engine, examples[i], from, to, sums));
  }
  const double count = std::max(1.0, static_cast<double>(sums.target_tokens));
  sums.from /= count;
  sums.to /= count;
  return sums;
}

Result<std::vector<std::string>> answer_prompts(LoraEngine& engine, std::span<const ExampleText> examples,
                                                const AdapterList& adapters, std::size_t max_tokens,
                                                std::size_t parallel, const EvaluationProgress& progress) {
  std::vector<std::string> answers(examples.size());
  std::vector<Writing> writings;
  std::size_t next = 0;
  while (next < examples.size() || !writings.empty()) {
    HYPRSTREAM_TRY(keep_going(progress, next - writings.size(), examples.size()));
    while (next < examples.size() && writings.size() < parallel) {
      HYPRSTREAM_ASSIGN(auto prompt, encode_prompt(engine, examples[next]));
      HYPRSTREAM_ASSIGN(auto sequence, ScopedSequence::open(engine));
      HYPRSTREAM_TRY(engine.set_adapters(sequence.id(), adapters));
      writings.push_back({next++, std::move(sequence), std::move(prompt), {}});
    }
    std::vector<std::int32_t> last(writings.size());
    std::vector<StepInput> inputs;
    for (std::size_t i = 0; i < writings.size(); ++i) {
      last[i] = static_cast<std::int32_t>(writings[i].pending.size()) - 1;
      inputs.push_back({writings[i].sequence.id(), writings[i].pending, {&last[i], 1}});
    }
    HYPRSTREAM_ASSIGN(const auto step, engine.step(inputs));
    std::vector<Writing> unfinished;
    for (std::size_t i = 0; i < writings.size(); ++i) {
      auto& writing = writings[i];
      const auto token = static_cast<Token>(std::ranges::max_element(step.logits[i]) - step.logits[i].begin());
      const bool is_end = engine.is_end_of_generation(token);
      if (!is_end) writing.written.push_back(token);
      if (is_end || writing.written.size() >= max_tokens) {
        answers[writing.example] = engine.detokenize(writing.written, false);
        continue;
      }
      writing.pending = {token};
      unfinished.push_back(std::move(writing));
    }
    writings = std::move(unfinished);
  }
  return answers;
}

}  // namespace hyprstream

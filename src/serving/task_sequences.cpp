// Where a task's tokens go: into a new sequence, one that is kept for its prefix, or a copy of one.
#include <algorithm>
#include <cstdlib>

#include "serving/inference_loop.hpp"

namespace hyprstream {
namespace {

// A prefix shorter than this is computed again rather than copied with all cells of its sequence.
constexpr int kWorthCopying = 32;

bool are_neighbours(SequenceId a, SequenceId b) { return std::abs(static_cast<int>(a) - static_cast<int>(b)) == 1; }

}  // namespace

void InferenceLoop::start(SequenceTask& task) {
  task.computed = 0;
  if (auto given = give_sequence(task); !given) return fail_task(task, given.error());
  if (task.request == nullptr) {
    if (!task.reading->started) task.reading->started = ServingClock::now();
    return;
  }
  auto& request = *task.request;
  if (request.started) return;
  request.started = ServingClock::now();
  request.usage.queue_seconds = std::chrono::duration<double>(*request.started - request.submitted).count();
}

Result<void> InferenceLoop::give_sequence(SequenceTask& task) {
  auto match = find_prefix(task);
  // One token must be left, whose logits give the next one.
  if (match) match->length = std::min(match->length, static_cast<int>(task.tokens.size()) - 1);
  if (match && match->length <= 0) match.reset();

  // Where sequences have cells of their own, the task goes on in the very one; unless most of its tokens are new, and
  // what is kept there may be worth more to another.
  if (match && !shared_cells_ && 2 * match->length >= std::ssize(task.tokens) && cache_.take(match->sequence)) {
    if (engine_.truncate_sequence(match->sequence, match->length)) {
      task.sequence = match->sequence;
      ledger_.close(match->sequence);
      ledger_.extend(match->sequence, match->length);
      skip_prefix(task, match->length);
      return {};
    }
    // A memory that cannot be cut, such as a recurrent state.
    close_sequence(match->sequence);
    match.reset();
  }
  HYPRSTREAM_ASSIGN(task.sequence, open_sequence(match ? std::optional(match->sequence) : std::nullopt));
  HYPRSTREAM_TRY(engine_.set_adapters(*task.sequence, task.adapters()));
  if (!match || (!shared_cells_ && match->length < kWorthCopying)) return {};
  if (!engine_.share_prefix(match->sequence, *task.sequence, match->length)) return {};
  if (shared_cells_)
    ledger_.share(match->sequence, *task.sequence, match->length);
  else
    ledger_.extend(*task.sequence, match->length);
  skip_prefix(task, match->length);
  return {};
}

Result<SequenceId> InferenceLoop::open_sequence(std::optional<SequenceId> keep) {
  auto opened = engine_.open_sequence();
  while (!opened && opened.error().code == ErrorCode::kResourceExhausted && evict_one(keep))
    opened = engine_.open_sequence();
  return opened;
}

// Sequences that follow each other are evaluated together: of those with cells of their own, one beside a running one
// is taken before the least recently used one.
bool InferenceLoop::evict_one(std::optional<SequenceId> keep) {
  const auto kept = cache_.sequences();
  if (kept.empty()) return false;
  const auto cost = [&](SequenceId sequence) {
    if (sequence == keep && kept.size() > 1) return 2;
    const auto beside = [&](const auto& entry) {
      return entry.second->sequence && are_neighbours(*entry.second->sequence, sequence);
    };
    return shared_cells_ || std::ranges::any_of(tasks_, beside) ? 0 : 1;
  };
  const SequenceId chosen = *std::ranges::min_element(kept, {}, cost);
  cache_.take(chosen);
  close_sequence(chosen);
  return true;
}

std::optional<PrefixMatch> InferenceLoop::find_prefix(const SequenceTask& task) {
  if (task.request == nullptr || !task.request->request.reuse_prefix) return std::nullopt;
  const auto scope = task.request->scope();
  auto match = cache_.find(task.tokens, scope);
  for (const auto& [id, other] : tasks_) {
    if (other.get() == &task || !other->sequence || other->request == nullptr) continue;
    if (!other->request->request.reuse_prefix || other->request->scope() != scope) continue;
    const auto held = std::span<const Token>(other->tokens).first(static_cast<std::size_t>(other->computed));
    const auto common = static_cast<int>(std::ranges::mismatch(held, task.tokens).in1 - held.begin());
    if (common > 0 && (!match || common > match->length)) match = PrefixMatch{*other->sequence, common};
  }
  return match;
}

void InferenceLoop::skip_prefix(SequenceTask& task, int length) {
  task.computed = length;
  scheduler_.skip(task.info.id, length);
  const int of_prompt = std::min(length, static_cast<int>(task.request->request.prompt.size()));
  if (task.choice == 0 && task.generated == 0) task.request->usage.cached_tokens = of_prompt;
}

}  // namespace hyprstream

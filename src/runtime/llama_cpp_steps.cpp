// Sequences and steps: what goes into libllama's KV cache, and what comes out.
#include <llama.h>

#include <algorithm>
#include <cstring>
#include <format>
#include <unordered_set>
#include <utility>

#include "runtime/llama_backend.hpp"
#include "runtime/llama_cpp_engine_impl.hpp"

namespace hyprstream {
namespace {

std::unexpected<Error> no_such_sequence(SequenceId sequence) {
  return fail(ErrorCode::kInvalidArgument, std::format("sequence {} is not open", static_cast<int>(sequence)));
}

}  // namespace

const LlamaCppEngineImpl::Slot* LlamaCppEngineImpl::find_slot(SequenceId sequence) const noexcept {
  const auto index = static_cast<std::size_t>(sequence);
  return index < slots_.size() && slots_[index].open ? &slots_[index] : nullptr;
}

Result<SequenceId> LlamaCppEngineImpl::open_sequence() {
  const auto slot = std::ranges::find(slots_, false, &Slot::open);
  if (slot == slots_.end())
    return fail(ErrorCode::kResourceExhausted, std::format("all {} sequences are in use", slots_.size()));
  *slot = {.open = true, .length = 0};
  return static_cast<SequenceId>(slot - slots_.begin());
}

void LlamaCppEngineImpl::close_sequence(SequenceId sequence) {
  Slot* slot = find_slot(sequence);
  if (slot == nullptr) return;
  llama_memory_seq_rm(llama_get_memory(context_.get()), static_cast<llama_seq_id>(sequence), -1, -1);
  *slot = {};
}

int LlamaCppEngineImpl::sequence_length(SequenceId sequence) const {
  const Slot* slot = find_slot(sequence);
  return slot == nullptr ? 0 : slot->length;
}

Result<void> LlamaCppEngineImpl::share_prefix(SequenceId from, SequenceId to, int length) {
  const Slot* source = find_slot(from);
  Slot* target = find_slot(to);
  if (source == nullptr) return no_such_sequence(from);
  if (target == nullptr || from == to) return no_such_sequence(to);
  if (target->length != 0)
    return fail(ErrorCode::kInvalidArgument, "a prefix can only be shared with a sequence that is still empty");
  if (length < 0 || length > source->length)
    return fail(ErrorCode::kInvalidArgument,
                std::format("cannot share {} tokens of a sequence that holds {}", length, source->length));
  if (length == 0) return {};
  const auto memory = llama_get_memory(context_.get());
  const auto target_id = static_cast<llama_seq_id>(to);
  if (options_.kv_cache_layout == KvCacheLayout::kShared) {
    llama_memory_seq_cp(memory, static_cast<llama_seq_id>(from), target_id, 0, length);
  } else {
    // libllama copies the cells of a sequence all or none.
    llama_memory_seq_cp(memory, static_cast<llama_seq_id>(from), target_id, -1, -1);
    llama_memory_seq_rm(memory, target_id, length, -1);
  }
  target->length = length;
  // A recurrent state is all or nothing: it holds the end of `from`, wherever that is.
  if (llama_memory_seq_pos_max(memory, target_id) != length - 1) {
    llama_memory_seq_rm(memory, target_id, -1, -1);
    target->length = 0;
    return fail(ErrorCode::kUnsupported, info_.architecture + " models cannot share a part of a sequence");
  }
  return {};
}

Result<void> LlamaCppEngineImpl::truncate_sequence(SequenceId sequence, int length) {
  Slot* slot = find_slot(sequence);
  if (slot == nullptr) return no_such_sequence(sequence);
  if (length < 0 || length > slot->length)
    return fail(ErrorCode::kInvalidArgument,
                std::format("cannot cut a sequence of {} tokens to {}", slot->length, length));
  if (length == slot->length) return {};
  if (!llama_memory_seq_rm(llama_get_memory(context_.get()), static_cast<llama_seq_id>(sequence), length, -1))
    return fail(ErrorCode::kUnsupported, info_.architecture + " models cannot forget a part of a sequence");
  slot->length = length;
  return {};
}

Result<void> LlamaCppEngineImpl::validate_step(std::span<const StepInput> inputs) const {
  std::unordered_set<SequenceId> seen;
  for (const auto& input : inputs) {
    const Slot* slot = find_slot(input.sequence);
    if (slot == nullptr) return no_such_sequence(input.sequence);
    const int id = static_cast<int>(input.sequence);
    if (!seen.insert(input.sequence).second)
      return fail(ErrorCode::kInvalidArgument, std::format("sequence {} is in the step twice", id));
    if (input.tokens.empty())
      return fail(ErrorCode::kInvalidArgument, std::format("sequence {} is in the step without tokens", id));
    if (slot->length + std::ssize(input.tokens) > options_.context_length)
      return fail(ErrorCode::kResourceExhausted,
                  std::format("sequence {} would hold {} tokens, and the context has room for {}", id,
                              slot->length + std::ssize(input.tokens), options_.context_length));
    for (const Token token : input.tokens)
      if (token < 0 || token >= text_.vocabulary_size())
        return fail(ErrorCode::kInvalidArgument,
                    std::format("token {} is not in the vocabulary of {}", token, text_.vocabulary_size()));
    std::int32_t previous = -1;
    for (const std::int32_t at : input.outputs) {
      if (at <= previous || at >= std::ssize(input.tokens))
        return fail(
            ErrorCode::kInvalidArgument,
            std::format("output offset {} of sequence {} is not ascending below {}", at, id, input.tokens.size()));
      previous = at;
    }
  }
  return {};
}

std::vector<LlamaCppEngineImpl::Row> LlamaCppEngineImpl::rows_of(std::span<const StepInput> inputs) const {
  std::vector<Row> rows;
  std::int32_t outputs = 0;
  for (const auto& input : inputs) {
    const std::int32_t start = find_slot(input.sequence)->length;
    auto wanted = input.outputs.begin();
    for (std::int32_t i = 0; i < std::ssize(input.tokens); ++i) {
      const bool is_output = wanted != input.outputs.end() && *wanted == i;
      if (is_output) ++wanted;
      rows.push_back({.token = input.tokens[static_cast<std::size_t>(i)],
                      .sequence = static_cast<std::int32_t>(input.sequence),
                      .position = start + i,
                      .output = is_output ? outputs++ : -1,
                      .alone = input.tokens.size() == 1});
    }
  }
  if (options_.kv_cache_layout == KvCacheLayout::kShared) return rows;
  // Single tokens first, in the order of the cells that they go to.
  std::ranges::stable_sort(rows, {}, &Row::sequence);
  close_gaps(rows);
  std::ranges::stable_partition(rows, &Row::alone);
  return rows;
}

// A sequence with more than one token, between two with one, gives its first to them: three batches become one, which
// costs less than two halves do. `rows`: by sequence.
void LlamaCppEngineImpl::close_gaps(std::span<Row> rows) {
  Row* single = nullptr;      // the last one
  std::vector<Row*> between;  // first rows of the sequences since then, if they follow it without a break
  std::int32_t previous = -1;
  for (auto& row : rows) {
    if (row.sequence == previous) continue;
    if (row.sequence != previous + 1) single = nullptr;
    previous = row.sequence;
    if (!row.alone) {
      between.push_back(&row);
      continue;
    }
    if (single != nullptr)
      for (Row* first : between) first->alone = true;
    single = &row;
    between.clear();
  }
}

// Without a unified cache libllama evaluates sequences together only if they have as many tokens each and their ids
// follow each other.
bool LlamaCppEngineImpl::may_share_batch(const Row& row, const Row& next) const noexcept {
  if (options_.kv_cache_layout == KvCacheLayout::kShared) return true;
  return row.alone ? next.alone && row.sequence + 1 == next.sequence : row.sequence == next.sequence;
}

std::span<const LlamaCppEngineImpl::Row> LlamaCppEngineImpl::next_batch(std::span<const Row> rows) const noexcept {
  std::size_t count = 0;
  int outputs = 0;
  while (count < rows.size() && count < static_cast<std::size_t>(options_.batch_size)) {
    if (count > 0 && !may_share_batch(rows[count - 1], rows[count])) break;
    // With hidden states libllama makes every row an output, and aborts if they are too many.
    const bool is_output = hidden_enabled_ || rows[count].is_output();
    if (is_output && outputs == options_.max_outputs) break;
    outputs += is_output ? 1 : 0;
    ++count;
  }
  return rows.first(count);
}

Result<void> LlamaCppEngineImpl::decode(std::span<const Row> rows) {
  auto& batch = batch_.get();
  batch.n_tokens = static_cast<std::int32_t>(rows.size());
  tap_.begin_batch();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    batch.token[i] = rows[i].token;
    batch.pos[i] = rows[i].position;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = rows[i].sequence;
    batch.logits[i] = rows[i].is_output() ? 1 : 0;
    tap_.add_token({static_cast<SequenceId>(rows[i].sequence), rows[i].position}, rows[i].is_output());
  }
  const int threads = governor_->begin_step();
  if (threads != llama_n_threads(context_.get())) llama_set_n_threads(context_.get(), threads, threads);
  const LlamaErrorCapture capture;
  int status = 0;
  try {
    status = llama_decode(context_.get(), batch);
    llama_synchronize(context_.get());
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, std::string("evaluating the batch failed: ") + error.what());
  }
  governor_->end_step();
  switch (status) {
    case 0:
      HYPRSTREAM_TRY(tap_.end_batch());
      if (!tap_.must_repeat()) return {};
      HYPRSTREAM_TRY(forget(rows));
      return decode(rows);  // with one route less to miss
    case 1:
      return fail(ErrorCode::kResourceExhausted,
                  std::format("the KV cache of {} tokens is full", options_.context_length));
    case 2: return fail(ErrorCode::kCancelled, "interrupted");
    default:
      return fail(ErrorCode::kInternal,
                  std::format("libllama could not evaluate the batch (status {}): {}", status, capture.first_error()));
  }
}

Result<void> LlamaCppEngineImpl::forget(std::span<const Row> rows) {
  const auto memory = llama_get_memory(context_.get());
  for (const auto& row : rows)
    if (!llama_memory_seq_rm(memory, row.sequence, row.position, -1))
      return fail(ErrorCode::kInternal, "the model changed its graph, and its memory cannot be wound back");
  return {};
}

void LlamaCppEngineImpl::roll_back(std::span<const StepInput> inputs) noexcept {
  const auto memory = llama_get_memory(context_.get());
  for (const auto& input : inputs) {
    Slot* slot = find_slot(input.sequence);
    const auto id = static_cast<llama_seq_id>(input.sequence);
    if (llama_memory_seq_rm(memory, id, slot->length, -1)) continue;
    // A recurrent state cannot be cut: the sequence starts over rather than lie about its state.
    llama_memory_seq_rm(memory, id, -1, -1);
    slot->length = 0;
  }
}

std::span<const float> LlamaCppEngineImpl::keep(std::span<const float> row, bool is_only_batch) {
  if (is_only_batch) return row;
  auto& copy = kept_rows_.emplace_back(std::make_unique_for_overwrite<float[]>(row.size()));
  std::memcpy(copy.get(), row.data(), row.size_bytes());
  return {copy.get(), row.size()};
}

void LlamaCppEngineImpl::collect_outputs(std::span<const Row> batch, bool want_hidden, bool is_only_batch,
                                         StepOutput& output) {
  const auto vocabulary = static_cast<std::size_t>(text_.vocabulary_size());
  const auto hidden_size = static_cast<std::size_t>(llama_model_n_embd_out(model_.get()));
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!batch[i].is_output()) continue;
    const auto at = static_cast<std::int32_t>(i);
    const auto to = static_cast<std::size_t>(batch[i].output);
    output.logits[to] = keep({llama_get_logits_ith(context_.get(), at), vocabulary}, is_only_batch);
    if (want_hidden)
      output.hidden[to] = keep({llama_get_embeddings_ith(context_.get(), at), hidden_size}, is_only_batch);
  }
}

Result<StepOutput> LlamaCppEngineImpl::step(std::span<const StepInput> inputs, bool want_hidden) {
  HYPRSTREAM_TRY(validate_step(inputs));
  if (interrupted_.load(std::memory_order_relaxed)) return fail(ErrorCode::kCancelled, "interrupted");
  if (want_hidden != hidden_enabled_) llama_set_embeddings(context_.get(), hidden_enabled_ = want_hidden);
  kept_rows_.clear();
  StepOutput output;
  const auto rows = rows_of(inputs);
  const auto wanted = static_cast<std::size_t>(std::ranges::count_if(rows, &Row::is_output));
  output.logits.resize(wanted);
  if (want_hidden) output.hidden.resize(wanted);
  std::span<const Row> rest(rows);
  while (!rest.empty()) {
    const auto batch = next_batch(rest);
    if (auto decoded = decode(batch); !decoded) {
      roll_back(inputs);
      return std::unexpected(std::move(decoded).error());
    }
    collect_outputs(batch, want_hidden, batch.size() == rows.size(), output);
    rest = rest.subspan(batch.size());
  }
  for (const auto& input : inputs) find_slot(input.sequence)->length += static_cast<int>(input.tokens.size());
  return output;
}

}  // namespace hyprstream

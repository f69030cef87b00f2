// Which entries of an adapter live while it is trained.
//
// Pruning is gradual (Zhu and Gupta 2017, arXiv:1710.01878). While the schedule runs, entries that are dropped are only
// silent: they count as zero, but still get their gradients and moments and may come back, as in Top-KAST (Jayakumar et
// al. 2020, arXiv:2106.03517). At its end they are zero for good. docs/sparsity.md says what else was tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "training/lora_trainer.hpp"
#include "training/thread_pool.hpp"
#include "training/trainable_adapter.hpp"

namespace hyprstream {

// The share of zeros after `step` steps: 0 before the first and before the begin, then 1 - (1 - t)^3 of the way to
// options.sparsity.
double scheduled_sparsity(const LoraTrainingOptions& options, std::size_t step) noexcept;

enum class PruningPhase : std::uint8_t {
  kBefore,  // nothing is pruned
  kDuring,  // what is pruned is silent
  kAfter,   // what is pruned is gone
};
PruningPhase pruning_phase(const LoraTrainingOptions& options, std::size_t step) noexcept;

// Chooses the `kept` entries that take part from now on, among all: those with the greatest share of B * A
// (adapter/sparsify.hpp) times root mean square of their gradient, which AdamW keeps: how much the product, and then
// the loss, would feel their loss. Ties go by place. Changes no value.
void choose_living(ThreadPool& pool, TrainableAdapter& adapter, std::size_t kept);

// Makes what does not live zero for good, with its moments.
void wipe_pruned(TrainableAdapter& adapter);

// While it exists, what is silent has the value 0. Not thread-safe.
class SilentEntries {
 public:
  // Does nothing in another phase than kDuring.
  SilentEntries(TrainableAdapter& adapter, PruningPhase phase);
  ~SilentEntries();
  SilentEntries(const SilentEntries&) = delete;
  SilentEntries& operator=(const SilentEntries&) = delete;

 private:
  TrainableAdapter& adapter_;
  std::vector<float> values_;
};

}  // namespace hyprstream

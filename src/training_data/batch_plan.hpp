// In which order a trainer sees its examples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hyprstream {

struct BatchOptions {
  std::size_t batch_size = 4;          // examples evaluated side by side, at least 1
  std::size_t accumulation_steps = 1;  // micro-batches of one optimizer step, at least 1
  // Most tokens evaluated side by side; fewer examples are if they are longer. An example beyond it is on its own.
  std::size_t max_tokens = 2048;
  std::uint64_t seed = 0;
};

// Places of examples; each inner list is one micro-batch.
using MicroBatches = std::vector<std::vector<std::size_t>>;

// Each epoch goes once over all examples, in an order of its own that depends on nothing but the seed and the epoch, so
// that a step is the same wherever and whenever training takes it up. Not thread-safe.
class BatchPlan {
 public:
  // `lengths`: tokens of each example; at least one example.
  BatchPlan(std::vector<std::size_t> lengths, BatchOptions options);

  std::size_t steps_per_epoch() const noexcept { return steps_per_epoch_; }
  // Of optimizer step `step`, from 0: batch_size * accumulation_steps examples, fewer at an epoch's end. Those of like
  // length stand together.
  MicroBatches at(std::size_t step);

 private:
  void shuffle_for(std::size_t epoch);

  std::vector<std::size_t> lengths_;
  BatchOptions options_;
  std::size_t steps_per_epoch_ = 0;
  std::vector<std::size_t> order_;
  std::size_t shuffled_epoch_ = 0;  // that order_ is of
};

// `count` numbers from 0 in a random order (Fisher and Yates), the same for the same seed on every machine.
std::vector<std::size_t> shuffled_places(std::size_t count, std::uint64_t seed);

}  // namespace hyprstream

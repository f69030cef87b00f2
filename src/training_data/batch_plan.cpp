#include "training_data/batch_plan.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "base/split_mix.hpp"

namespace hyprstream {

std::vector<std::size_t> shuffled_places(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> places(count);
  std::iota(places.begin(), places.end(), std::size_t{0});
  SplitMix64 random(seed);
  for (std::size_t left = count; left > 1; --left) std::swap(places[left - 1], places[random.below(left)]);
  return places;
}

BatchPlan::BatchPlan(std::vector<std::size_t> lengths, BatchOptions options)
    : lengths_(std::move(lengths)), options_(options) {
  const std::size_t examples = options_.batch_size * options_.accumulation_steps;
  steps_per_epoch_ = (lengths_.size() + examples - 1) / examples;
  shuffle_for(0);
}

void BatchPlan::shuffle_for(std::size_t epoch) {
  // Epochs of one seed, and seeds that follow each other, must not share their orders.
  SplitMix64 mixed(options_.seed);
  order_ = shuffled_places(lengths_.size(), mixed.next() + epoch);
  shuffled_epoch_ = epoch;
}

MicroBatches BatchPlan::at(std::size_t step) {
  if (const std::size_t epoch = step / steps_per_epoch_; epoch != shuffled_epoch_) shuffle_for(epoch);
  const std::size_t examples = options_.batch_size * options_.accumulation_steps;
  const std::size_t first = step % steps_per_epoch_ * examples;
  const auto taken = std::span(order_).subspan(first, std::min(examples, order_.size() - first));
  std::vector<std::size_t> places(taken.begin(), taken.end());
  std::ranges::stable_sort(places, {}, [this](std::size_t place) { return lengths_[place]; });
  MicroBatches batches;
  std::size_t tokens = 0;
  for (const std::size_t place : places) {
    const bool is_full = batches.empty() || batches.back().size() == options_.batch_size ||
                         tokens + lengths_[place] > options_.max_tokens;
    if (is_full) {
      batches.emplace_back();
      tokens = 0;
    }
    batches.back().push_back(place);
    tokens += lengths_[place];
  }
  return batches;
}

}  // namespace hyprstream

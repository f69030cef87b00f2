// Which entries of an adapter live while it is trained.
#pragma once

#include <cstddef>

#include "training/lora_trainer.hpp"
#include "training/thread_pool.hpp"
#include "training/trainable_adapter.hpp"

namespace hyprstream {

// The share of zeros after `step` steps: 0 before the begin, then 1 - (1 - t)^3 of the way to options.sparsity
// (Zhu and Gupta 2017, arXiv:1710.01878).
double scheduled_sparsity(const LoraTrainingOptions& options, std::size_t step) noexcept;

// Drops the entries with the least contribution (adapter/sparsify.hpp), until no more than `kept` live; entries that
// are dropped lose their moments. Ties go by place.
void prune_to(ThreadPool& pool, TrainableAdapter& adapter, std::size_t kept);

}  // namespace hyprstream

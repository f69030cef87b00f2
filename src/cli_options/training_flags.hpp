// The options that say how an adapter is trained.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "command_line/argument_list.hpp"
#include "training_job/run_record.hpp"

namespace hyprstream {

struct TrainingFlags {
  std::optional<std::string> data;
  std::optional<std::string> sql;
  std::optional<std::string> validation;
  std::optional<double> validation_split;
  bool no_mask_prompt = false;
  bool mask_prompt = false;
  bool truncate = false;
  int max_tokens = 512;

  int rank = 64;
  double alpha = 128;
  std::string target_modules = "all";
  std::optional<double> sparsity;

  std::optional<double> epochs;
  std::optional<int> iterations;
  int batch_size = 4;
  int accumulation_steps = 1;
  std::optional<double> learning_rate;
  std::string schedule = "cosine";
  std::optional<double> warmup;
  double weight_decay = 0;
  double max_grad_norm = 1;
  std::optional<std::uint32_t> seed;

  std::optional<int> steps_per_report;
  std::optional<int> steps_per_eval;
  std::optional<int> save_every;
  std::string publish = "best";

  void declare(ArgumentList& arguments);
  // Everything but name, base and threads. Errors: kInvalidArgument (no data, or two kinds of it; options that
  // contradict each other).
  Result<TrainingRunOptions> options() const;

  friend bool operator==(const TrainingFlags&, const TrainingFlags&) = default;
};

}  // namespace hyprstream

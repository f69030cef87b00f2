// Training a LoRA adapter on a frozen, quantized, memory-mapped GGUF, on the CPU.
//
// AdamW: Loshchilov and Hutter 2019, arXiv:1711.05101. What is pruned, and when: training/pruning.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/lora_adapter.hpp"
#include "base/error.hpp"
#include "runtime/linear_hook.hpp"
#include "training/training_example.hpp"

namespace hyprstream {

struct LoraTrainingOptions {
  // ---- The adapter ----
  std::string name;                          // empty: default_adapter_name()
  std::size_t rank = 64;                     // 1 to kMaxRank
  double alpha = 128;                        // finite, above 0
  std::vector<LinearModule> target_modules;  // empty: all of the seven that the model has
  std::uint64_t seed = 0;                    // of the first values of A

  // ---- Pruning ----
  double sparsity = 0.99;         // share of zeros that the adapter ends with, in [0, 1); 0: dense
  double prune_begin = 0.02;      // share of total_steps after which pruning begins, in [0, 1)
  double prune_end = 0.3;         // and after which `sparsity` is reached, from prune_begin to 1
  std::size_t total_steps = 100;  // that the schedule of pruning is laid over, at least 1; step() may go on beyond

  // ---- AdamW ----
  double beta1 = 0.9;        // in [0, 1)
  double beta2 = 0.999;      // in [0, 1)
  double epsilon = 1e-8;     // above 0
  double weight_decay = 0;   // per step and unit of learning rate, at least 0
  double max_grad_norm = 1;  // the gradient's 2-norm is cut to it; 0: never

  // ---- The machine ----
  int threads = 0;  // 0: one per core that this process may use
  // Tokens evaluated at once; a micro-batch that holds more is evaluated in parts, with the same result but for
  // rounding.
  std::size_t max_tokens_per_pass = 2048;
  // For what the backward pass needs of the forward pass; beyond it layers are computed twice. Bytes.
  std::size_t activation_bytes = std::size_t{768} << 20;
};

struct TrainingStep {
  double loss = 0;                // nats per target token, mean over all of the step, before the update
  std::size_t target_tokens = 0;  // that the loss counted
  std::size_t tokens = 0;         // evaluated
  double grad_norm = 0;           // 2-norm over all A and B, before it is cut
  double sparsity = 0;            // of the adapter after the step
};

struct EvaluationResult {
  double loss = 0;  // nats per target token
  std::size_t target_tokens = 0;
};

using MicroBatch = std::span<const TrainingExample>;

// Not thread-safe but for interrupt().
class LoraTrainer {
 public:
  // Maps the model's file and makes a fresh adapter: A Kaiming-uniform, B zero. Errors: those of read_base_model() and
  // make_lora_adapter(); kUnsupported (an architecture other than llama, qwen2 and qwen3, or a feature of the model
  // that training does not know; names it); kInvalidArgument (an option out of range).
  static Result<std::unique_ptr<LoraTrainer>> create(const std::filesystem::path& model,
                                                     const LoraTrainingOptions& options);

  // Begins with the values of `start`, which gives name, rank, alpha and modules; what is zero in it may grow again
  // while pruning has not begun. Errors: those of create() and check_fits().
  static Result<std::unique_ptr<LoraTrainer>> create(const std::filesystem::path& model,
                                                     const LoraTrainingOptions& options, const LoraAdapter& start);

  virtual ~LoraTrainer() = default;

  // One step of the optimizer on the gradients of all micro-batches together. The examples of a micro-batch are
  // evaluated side by side, each with its own positions from 0 and its own causal attention. On an error the state
  // stays as it was before the step. Errors: kInvalidArgument (no target token; an example that is longer than the
  // model's context, has fewer than 2 tokens, or a token that the model has not; a negative learning rate),
  // kCancelled (interrupt()), kInternal (the loss or a gradient is not finite), kResourceExhausted.
  virtual Result<TrainingStep> step(std::span<const MicroBatch> micro_batches, double learning_rate) = 0;

  // The mean loss over all examples; changes nothing. Errors: as step().
  virtual Result<EvaluationResult> evaluate(std::span<const TrainingExample> examples, bool with_adapter) = 0;

  // For each target token, whether the model with the adapter would have chosen it (greedy, given the true tokens
  // before it): one entry per example and token, 0 where the token is no target. Errors: as step().
  virtual Result<std::vector<std::vector<std::uint8_t>>> predict(std::span<const TrainingExample> examples,
                                                                 bool with_adapter) = 0;

  // The adapter as it is now: what is pruned is zero.
  virtual Result<LoraAdapter> adapter() const = 0;

  virtual std::size_t steps_done() const noexcept = 0;
  virtual bool is_pruned() const noexcept = 0;                      // as far as options().sparsity asks for, for good
  virtual const LoraTrainingOptions& options() const noexcept = 0;  // as used: defaults replaced by what they came to
  virtual std::size_t context_length() const noexcept = 0;          // the model's: the most tokens of an example

  // Adapter, masks, moments and step counter. A trainer that was created with the same model and options and loads it
  // goes on bit by bit as this one would, at any number of threads. Errors of load_state(): kCorrupt (truncated or
  // damaged), kInvalidArgument (of another model or other options); the trainer is then as it was.
  virtual Result<std::string> save_state() const = 0;
  virtual Result<void> load_state(std::string_view state) = 0;

  // Makes the step in progress and every later one fail with kCancelled until clear_interrupt(). Callable from any
  // thread and from a signal handler.
  virtual void interrupt() noexcept = 0;
  virtual void clear_interrupt() noexcept = 0;
};

}  // namespace hyprstream

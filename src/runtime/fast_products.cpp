#include "runtime/fast_products.hpp"

#include <ggml-backend.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

namespace hyprstream {
namespace {

// A block of GGUF's Q4_0: the first and the last 16 weights are the low and the high four bits.
struct Q4Block {
  std::uint16_t scale;
  std::uint8_t nibbles[kQ4BlockSize / 2];
};
static_assert(sizeof(Q4Block) == 18);

constexpr int kSpinsBeforeYield = 2000;

bool is_float_matrix(const ggml_tensor& tensor) noexcept {
  return tensor.type == GGML_TYPE_F32 && tensor.nb[0] == sizeof(float) && tensor.ne[2] == 1 && tensor.ne[3] == 1 &&
         tensor.nb[1] % sizeof(float) == 0;
}

Q4Product product_of(const ggml_tensor& node) noexcept {
  const ggml_tensor& weight = *node.src[0];
  const ggml_tensor& input = *node.src[1];
  return {.weights = static_cast<const Q4RowGroupBlock*>(weight.data),
          .in = static_cast<std::size_t>(weight.ne[0]),
          .out = static_cast<std::size_t>(weight.ne[1]),
          .input = static_cast<const float*>(input.data),
          .input_stride = input.nb[1] / sizeof(float),
          .output = static_cast<float*>(node.data),
          .output_stride = node.nb[1] / sizeof(float),
          .columns = static_cast<std::size_t>(node.ne[1])};
}

bool is_repacked_q4(const ggml_tensor& weight) noexcept {
  if (weight.type != GGML_TYPE_Q4_0 || weight.view_src != nullptr || weight.buffer == nullptr) return false;
  if (weight.ne[0] % kQ4BlockSize != 0 || weight.ne[1] % kQ4RowGroup != 0 || weight.ne[2] != 1 || weight.ne[3] != 1)
    return false;
  return std::string_view(ggml_backend_buft_name(ggml_backend_buffer_get_type(weight.buffer))) == "CPU_REPACK";
}

// Whether the group holds the blocks of these eight rows of the file.
bool holds_rows(const Q4RowGroupBlock* group, const Q4Block* rows, std::size_t blocks) noexcept {
  for (std::size_t b = 0; b < blocks; ++b)
    for (std::size_t i = 0; i < kQ4RowGroup; ++i) {
      const Q4Block& block = rows[i * blocks + b];
      if (group[b].scales[i] != block.scale) return false;
      for (std::size_t j = 0; j < sizeof(block.nibbles); ++j)
        if (group[b].nibbles[j / 8 * 64 + 8 * i + j % 8] != (block.nibbles[j] ^ 0x88)) return false;
    }
  return true;
}

// ggml's parameters of a custom operation, made by ggml itself in a graph that is never run.
void set_custom_op(ggml_tensor& node, ggml_custom_op_t function, void* data) {
  const std::unique_ptr<ggml_context, void (*)(ggml_context*)> context(
      ggml_init({.mem_size = 4 * ggml_tensor_overhead(), .mem_buffer = nullptr, .no_alloc = true}), ggml_free);
  ggml_tensor* input = ggml_new_tensor_1d(context.get(), GGML_TYPE_F32, 1);
  const ggml_tensor* custom = ggml_custom_inplace(context.get(), input, nullptr, 0, function, GGML_N_TASKS_MAX, data);
  std::ranges::copy(custom->op_params, node.op_params);
  node.op = GGML_OP_CUSTOM;
}

}  // namespace

bool is_product(const ggml_tensor& node) noexcept {
  if (node.op == GGML_OP_MUL_MAT) return true;
  if (node.op != GGML_OP_CUSTOM) return false;
  // The function comes first among ggml's parameters.
  ggml_custom_op_t function = nullptr;
  std::memcpy(&function, node.op_params, sizeof(function));
  return function == FastProducts::run;
}

FastProducts::FastProducts(std::vector<GgufFile> files) : files_(std::move(files)) {
  if (!has_fast_q4_product()) files_.clear();
}

void FastProducts::take_over(ggml_tensor& node) {
  // One column is bound by memory, and there is nothing to gain.
  if (files_.empty() || node.op != GGML_OP_MUL_MAT || node.ne[1] < 2) return;
  const ggml_tensor& weight = *node.src[0];
  if (weight.type != GGML_TYPE_Q4_0 || !is_float_matrix(node) || !is_float_matrix(*node.src[1])) return;
  const auto [found, is_new] = known_.try_emplace(&weight, false);
  if (is_new) found->second = is_repacked_q4(weight) && is_in_known_order(weight);
  if (!found->second) return;
  const auto product = product_of(node);
  tiles_.resize(std::max(tiles_.size(), product.tiles() * product.blocks()));
  set_custom_op(node, run, this);
}

bool FastProducts::is_in_known_order(const ggml_tensor& weight) const {
  const GgufTensor* tensor = nullptr;
  for (const auto& file : files_)
    if (tensor == nullptr) tensor = file.find_tensor(weight.name);
  // An output matrix that is the embedding may go by another name.
  if (tensor == nullptr || tensor->type != TensorType::kQ4_0 || tensor->data.size() != ggml_nbytes(&weight))
    return false;
  if (tensor->shape.size() < 2 || tensor->shape[0] != static_cast<std::uint64_t>(weight.ne[0])) return false;
  const std::size_t blocks = static_cast<std::size_t>(weight.ne[0]) / kQ4BlockSize;
  const std::size_t groups = static_cast<std::size_t>(weight.ne[1]) / kQ4RowGroup;
  const auto* repacked = static_cast<const Q4RowGroupBlock*>(weight.data);
  const auto* rows = reinterpret_cast<const Q4Block*>(tensor->data.data());
  const std::array samples = {std::size_t{0}, groups / 2, groups - 1};
  return std::ranges::all_of(samples, [&](std::size_t group) {
    return holds_rows(repacked + group * blocks, rows + group * kQ4RowGroup * blocks, blocks);
  });
}

void FastProducts::meet(int threads) noexcept {
  const unsigned meeting = meeting_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads) {
    arrived_.store(0, std::memory_order_relaxed);
    next_group_.store(0, std::memory_order_relaxed);
    meeting_.store(meeting + 1, std::memory_order_release);
    return;
  }
  // The others are on their way: ggml runs a node on all of its threads at once.
  for (int spins = 0; meeting_.load(std::memory_order_acquire) == meeting; ++spins)
    if (spins >= kSpinsBeforeYield) std::this_thread::yield();
}

void FastProducts::run(ggml_tensor* node, int thread, int threads, void* self_pointer) {
  auto& self = *static_cast<FastProducts*>(self_pointer);
  const auto product = product_of(*node);
  const auto index = static_cast<std::size_t>(thread);
  const auto count = static_cast<std::size_t>(threads);
  const std::size_t blocks = product.tiles() * product.blocks();
  const std::size_t first = blocks * index / count;
  quantize_columns(product, first, blocks * (index + 1) / count - first, self.tiles_.data());
  self.meet(threads);
  // In pieces, so that a thread whose core is shared with another process does not hold up the rest.
  const std::size_t groups = product.row_groups();
  const std::size_t piece = threads == 1 ? groups : std::max<std::size_t>(1, groups / (8 * count));
  while (true) {
    const std::size_t begin = self.next_group_.fetch_add(piece, std::memory_order_relaxed);
    if (begin >= groups) return;
    multiply_row_groups(product, begin, std::min(piece, groups - begin), self.tiles_.data());
  }
}

}  // namespace hyprstream

// Computes the products of 4-bit weights with several columns in place of ggml's kernels. Internal to runtime.
//
// ggml's kernel for repacked Q4_0 weights works at four columns at a time, so that a step of eight sequences takes
// nearly eight times as long as one of a single sequence; src/kernels has one that does eight at the cost of little
// more than one (docs/performance.md). Such products are turned into custom operations before the graph runs, as
// LinearSite does with the nodes behind them.
//
// The order of the repacked weights is ggml's own affair, so it is not assumed but looked at: some rows of each weight
// are compared with the file, and a weight that lies in another order is left to ggml.
#pragma once

#include <ggml.h>

#include <atomic>
#include <unordered_map>
#include <vector>

#include "gguf/gguf_file.hpp"
#include "kernels/q4_0_product.hpp"

namespace hyprstream {

// Whether the node is a product of a weight, wherever it is computed.
bool is_product(const ggml_tensor& node) noexcept;

// Used on the thread that runs llama_decode, and by ggml's threads while they compute a node. Its address is part of
// the graph.
class FastProducts {
 public:
  // `files`: the parts of the model. None: nothing is taken over.
  explicit FastProducts(std::vector<GgufFile> files);

  // Turns the node into one that is computed here, if it is a product that gains by it.
  void take_over(ggml_tensor& node);

 private:
  static void run(ggml_tensor* node, int thread, int threads, void* self);
  friend bool is_product(const ggml_tensor& node) noexcept;

  bool is_in_known_order(const ggml_tensor& weight) const;
  // Waits for the other threads of the node.
  void meet(int threads) noexcept;

  std::vector<GgufFile> files_;
  std::unordered_map<const ggml_tensor*, bool> known_;  // weights: whether they lie in the order that the kernel reads
  std::vector<ColumnTileBlock> tiles_;                  // the columns of the node in progress, for all threads
  std::atomic<std::size_t> next_group_ = 0;             // row groups that no thread has taken yet
  std::atomic<int> arrived_ = 0;
  std::atomic<unsigned> meeting_ = 0;
};

}  // namespace hyprstream

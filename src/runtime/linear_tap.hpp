// Connects a LinearHook to llama.cpp's evaluation callback. Internal to runtime.
//
// llama.cpp reports graph nodes, not layers or tokens: this finds the products of target weights
// among them and says which column of each is whose token.
#pragma once

#include <ggml.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "runtime/linear_hook.hpp"

namespace hyprstream {

// Not thread-safe: used on the thread that runs llama_decode.
class LinearTap {
 public:
  void set_hook(LinearHook* hook) noexcept { hook_ = hook; }

  // Says what the next llama_decode evaluates: the token of each batch row, and which rows give
  // outputs. The batch must reach the graph whole and in order: unified KV cache, one ubatch.
  void begin_batch();
  void add_token(LinearColumn column, bool is_output);

  // What went wrong in the last batch: a node whose columns could not be told apart.
  Result<void> end_batch();

  // For llama_context_params::cb_eval, with the tap as user data. Never returns false after a node
  // is computed: llama.cpp would skip the rest and report success.
  static bool on_eval(ggml_tensor* node, bool ask, void* tap);

 private:
  void on_computed(const ggml_tensor& node, LinearId id);

  LinearHook* hook_ = nullptr;
  std::vector<LinearColumn> tokens_;
  std::vector<LinearColumn> outputs_;
  std::string problem_;
};

}  // namespace hyprstream

// Connects a LinearHook to llama.cpp's evaluation callback. Internal to runtime.
//
// llama.cpp reports graph nodes, not layers or tokens: this finds the products of target weights
// among them and says which column of each is whose token.
//
// The callback can stop the graph behind a node, which costs a restart of all threads, about 7 us
// here, 56 times a token for q and v of 28 layers. So it stops only where it must: see LinearSite.
#pragma once

#include <ggml.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "runtime/fast_products.hpp"
#include "runtime/linear_hook.hpp"
#include "runtime/linear_site.hpp"

namespace hyprstream {

// Not thread-safe: used on the thread that runs llama_decode.
class LinearTap {
 public:
  void set_hook(LinearHook* hook) noexcept { sites_.set_hook(hook); }
  // What computes some of the products; must outlive the graph. nullptr: ggml computes all.
  void set_fast_products(FastProducts* products) noexcept { fast_products_ = products; }

  // Says what the next llama_decode evaluates: the token of each batch row, and which rows give
  // outputs. The batch must reach the graph whole and in order: unified KV cache, one ubatch.
  void begin_batch();
  void add_token(LinearColumn column, bool is_output);

  // What went wrong in the last batch: a node whose columns could not be told apart.
  Result<void> end_batch();
  // Whether the last batch went another way through the graph than earlier ones, so that the hook
  // missed a product: its results are worthless, and evaluating it again will do.
  bool must_repeat() const noexcept { return missed_; }

  // For llama_context_params::cb_eval, with the tap as user data. Never returns false after a node
  // is computed: llama.cpp would skip the rest and report success.
  static bool on_eval(ggml_tensor* node, bool ask, void* tap);

 private:
  bool ask(ggml_tensor& node);
  void follow(ggml_tensor& node);
  bool begin_product(const ggml_tensor& node, LinearId id);
  void on_stop();
  const std::vector<LinearColumn>* owners_of(const ggml_tensor& product);

  LinearSites sites_;
  FastProducts* fast_products_ = nullptr;
  std::vector<LinearColumn> tokens_;
  std::vector<LinearColumn> outputs_;
  LinearSite* followed_ = nullptr;      // whose product the last node was
  std::vector<LinearSite*> unhandled_;  // products that wait for the graph to stop
  bool missed_ = false;
  std::uint64_t batch_ = 0;
  std::string problem_;
};

}  // namespace hyprstream

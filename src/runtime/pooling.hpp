// From the hidden states of a text's tokens to its embedding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gguf/model_info.hpp"

namespace hyprstream {

// Takes the final hidden states of one text in the order of its tokens, in as many pieces as they are computed in.
// Not thread-safe.
class EmbeddingPool {
 public:
  // `tokens`: of the whole text, at least one.
  EmbeddingPool(PoolingType type, int tokens) : type_(type), tokens_(tokens) {}

  // Which of the next `count` tokens, from position `begin` on, this pooling needs: offsets from `begin`.
  std::vector<std::int32_t> wanted(int begin, int count) const;
  // One wanted row [hidden size].
  void add(std::span<const float> hidden);
  // A new one for the same text.
  EmbeddingPool restarted() const { return EmbeddingPool(type_, tokens_); }
  // The embedding [hidden size], scaled to length 1.
  std::vector<float> result() const;

 private:
  PoolingType type_;
  int tokens_;
  std::vector<double> sum_;
};

}  // namespace hyprstream

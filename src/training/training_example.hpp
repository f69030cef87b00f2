// What the trainer learns from: token ids, and which of them count.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/sequence.hpp"

namespace hyprstream {

struct TrainingExample {
  std::vector<Token> tokens;  // at least 2
  // [tokens]: whether the loss counts token i, as predicted from the tokens before it. The first entry is never used.
  std::vector<std::uint8_t> is_target;
};

}  // namespace hyprstream

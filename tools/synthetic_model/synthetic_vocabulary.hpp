// A byte-level BPE vocabulary of any size, with merges that build every token.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hyprstream {

struct SyntheticVocabulary {
  std::vector<std::string> tokens;   // bytes, then merged tokens, then the special ones
  std::vector<std::int32_t> types;   // as in tokenizer.ggml.token_type: 1 normal, 3 control
  std::vector<std::string> merges;   // "left right", by rank
  std::uint32_t end_of_text = 0;     // <|endoftext|>
  std::uint32_t end_of_message = 0;  // <|im_end|>
};

// The least and most tokens that make_synthetic_vocabulary() can give.
inline constexpr std::uint32_t kMinVocabulary = 259;
inline constexpr std::uint32_t kMaxVocabulary = 400000;

// `size` from kMinVocabulary to kMaxVocabulary.
SyntheticVocabulary make_synthetic_vocabulary(std::uint32_t size);

}  // namespace hyprstream

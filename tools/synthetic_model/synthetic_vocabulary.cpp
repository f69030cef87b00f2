#include "synthetic_model/synthetic_vocabulary.hpp"

#include <string_view>

namespace hyprstream {
namespace {

constexpr std::int32_t kNormal = 1;
constexpr std::int32_t kControl = 3;
constexpr std::string_view kLetters = "etaoinshrdlucmfwypvbgkjqxz";  // frequent ones first
constexpr std::string_view kSpace = "\xc4\xa0";                      // U+0120, which stands for a space

// The character that stands for a byte in GPT-2's byte-level BPE: printable ones for themselves,
// the others, in order, from U+0100 on.
std::string byte_character(unsigned byte, unsigned& next_other) {
  const bool itself = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const unsigned code = itself ? byte : 0x100 + next_other++;
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xc0U | (code >> 6)), static_cast<char>(0x80U | (code & 0x3fU))};
}

}  // namespace

SyntheticVocabulary make_synthetic_vocabulary(std::uint32_t size) {
  SyntheticVocabulary vocabulary;
  vocabulary.tokens.reserve(size);
  unsigned next_other = 0;
  for (unsigned byte = 0; byte < 256; ++byte) vocabulary.tokens.push_back(byte_character(byte, next_other));

  // Tokens of n letters come from all those of n - 1 letters, with a letter added.
  std::vector<std::string> stems(1, std::string(kSpace));
  for (const char letter : kLetters) stems.emplace_back(1, letter);
  while (vocabulary.tokens.size() + 3 < size) {
    std::vector<std::string> longer;
    for (const std::string& stem : stems) {
      for (const char letter : kLetters) {
        if (vocabulary.tokens.size() + 3 == size) break;
        longer.push_back(stem + letter);
        vocabulary.tokens.push_back(longer.back());
        vocabulary.merges.push_back(stem + ' ' + letter);
      }
    }
    stems = std::move(longer);
  }
  vocabulary.types.assign(vocabulary.tokens.size(), kNormal);

  vocabulary.end_of_text = static_cast<std::uint32_t>(vocabulary.tokens.size());
  vocabulary.end_of_message = vocabulary.end_of_text + 2;
  for (const char* special : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) {
    vocabulary.tokens.emplace_back(special);
    vocabulary.types.push_back(kControl);
  }
  return vocabulary;
}

}  // namespace hyprstream

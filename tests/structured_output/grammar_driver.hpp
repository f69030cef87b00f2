// Following a grammar with llama.cpp's own sampler, on the bundled model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hyprstream::testing_support {

// Whether llama.cpp takes the grammar; if not, a failure of the test with its words.
bool parses(const std::string& grammar);

// Whether the text is one of the grammar's: its tokens can follow each other, and then the end.
bool accepts(const std::string& grammar, std::string_view text);

// A random text of the grammar, to its end; nothing if it is longer than `most_tokens`. Every token is drawn from
// random logits, in which what ends strings, lists and objects is a little more likely.
std::optional<std::string> wander(const std::string& grammar, std::uint32_t seed, int most_tokens = 600);

// The same as the bundled model has it at temperature 1.5.
std::optional<std::string> generate(const std::string& grammar, std::uint32_t seed, int most_tokens = 300);

}  // namespace hyprstream::testing_support

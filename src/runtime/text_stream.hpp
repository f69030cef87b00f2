// From the bytes of generated tokens to text that may be shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace hyprstream {

// Takes the bytes of one sequence's tokens, in order, and says what text may be shown now. It
// never splits a UTF-8 character, replaces every invalid byte by U+FFFD, and holds back what may
// still become a stop string. What comes out in all does not depend on where the tokens' borders
// lie.
//
// The text ends where the first stop string is complete; if several end at that byte, the
// longest counts. Stop strings are compared as bytes.
//
// Not thread-safe. A push costs a step per byte and one move of the bytes held back, which are
// fewer than the longest stop string, plus three.
class TextStream {
 public:
  // Errors: kInvalidArgument (an empty stop string, which every text would contain).
  static Result<TextStream> create(std::span<const std::string> stop);

  // The text that may be shown now: valid UTF-8, often empty. Once stopped, always empty.
  std::string push(std::string_view bytes);

  // No more bytes come: all that was held back, which is no stop string then. A character that
  // is not whole becomes U+FFFD. The stream is empty afterwards.
  std::string finish();

  // The index of the stop string that ended the text, if one did. It is not part of the text.
  std::optional<std::size_t> matched_stop() const noexcept { return matched_; }
  bool stopped() const noexcept { return matched_.has_value(); }

 private:
  // All stop strings in one automaton (Aho and Corasick 1975, "Efficient string matching"). A
  // node is a prefix of a stop string; the text's node is the longest one that the text ends with.
  struct Node {
    std::vector<std::pair<char, std::uint32_t>> next;  // by one more byte
    std::uint32_t shorter = 0;                         // the longest other node that this one ends with
    std::uint32_t length = 0;
    std::optional<std::size_t> stop;  // the longest stop string that this one ends with
    std::uint32_t stop_length = 0;
  };

  TextStream() : nodes_(1) {}

  std::optional<std::uint32_t> child(std::uint32_t node, char byte) const noexcept;
  std::uint32_t advance(std::uint32_t node, char byte) const noexcept;
  void add_stop(std::string_view text, std::size_t index);
  void link_nodes();

  std::vector<Node> nodes_;  // [0]: the empty prefix
  std::uint32_t node_ = 0;
  std::string held_;
  std::optional<std::size_t> matched_;
};

}  // namespace hyprstream

// The part of Python's regular expressions that PEFT's configurations use in module names.
//
// Supported: literals, '.', classes, groups, '|', the quantifiers * + ? {m,n} (greedy or lazy: whether something
// matches is the same), '^', '$', \d \w \s \D \W \S and escaped punctuation. Matching takes time proportional to
// pattern times text, whatever the pattern: it may come from a stranger.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hyprstream {

// Immutable; const access is thread-safe.
class NamePattern {
 public:
  // Errors: kUnsupported (anything else of the language; too long or too deep), kCorrupt (no regular expression).
  static Result<NamePattern> parse(std::string_view pattern);

  // Whether all of the text matches.
  bool matches(std::string_view text) const;

 private:
  using Bytes = std::bitset<256>;
  enum class Kind : std::uint8_t { kBytes, kSplit, kBegin, kEnd, kAccept };
  struct State {
    Kind kind = Kind::kAccept;
    std::size_t bytes = 0;  // of kBytes: which of sets_
    std::size_t next = 0;
    std::size_t other = 0;  // of kSplit
  };
  class Parser;
  class Compiler;

  void add(std::size_t state, std::size_t at, std::size_t length, std::vector<std::size_t>& list,
           std::vector<bool>& seen) const;

  std::vector<State> states_;
  std::vector<Bytes> sets_;
  std::size_t start_ = 0;
};

}  // namespace hyprstream

// Sets of characters, and how GBNF writes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hyprstream {

struct CharRange {
  char32_t first = 0;
  char32_t last = 0;

  friend bool operator==(const CharRange&, const CharRange&) = default;
};

// Of Unicode's characters, surrogates left out. A value; not synchronised.
class CharSet {
 public:
  CharSet() = default;
  static CharSet all();
  static CharSet of(std::string_view ascii);

  CharSet& add(char32_t first, char32_t last);
  CharSet& add(const CharSet& other);
  CharSet complement() const;
  CharSet without(const CharSet& other) const;

  bool empty() const noexcept { return ranges_.empty(); }
  // In ascending order, with gaps between them.
  const std::vector<CharRange>& ranges() const noexcept { return ranges_; }

  // One of these characters: "[0-9a-f]". The set must not be empty.
  std::string gbnf_class() const;
  // One of these characters as it stands in a JSON string: itself where JSON lets it, else its short escape. Control
  // characters that have none are left out. Empty: nothing is left.
  std::string gbnf_json_char() const;

 private:
  void normalise();

  std::vector<CharRange> ranges_;
};

}  // namespace hyprstream

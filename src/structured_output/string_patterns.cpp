#include "structured_output/string_patterns.hpp"

#include <cctype>
#include <format>
#include <optional>
#include <utility>
#include <vector>

#include "base/utf8.hpp"
#include "structured_output/char_set.hpp"
#include "structured_output/json_rules.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kLongestPattern = 4096;  // characters
constexpr std::size_t kDeepestGroup = 24;

// ECMA-262's classes.
CharSet digit_set() { return CharSet().add(U'0', U'9'); }
CharSet word_set() { return CharSet::of("_").add(U'0', U'9').add(U'A', U'Z').add(U'a', U'z'); }
CharSet space_set() {
  return CharSet::of("\t\n\v\f\r ")
      .add(0xA0, 0xA0)
      .add(0x1680, 0x1680)
      .add(0x2000, 0x200A)
      .add(0x2028, 0x2029)
      .add(0x202F, 0x202F)
      .add(0x205F, 0x205F)
      .add(0x3000, 0x3000)
      .add(0xFEFF, 0xFEFF);
}
CharSet line_set() { return CharSet::of("\n\r").add(0x2028, 0x2029).complement(); }

// An expression of GBNF for a part of the pattern.
struct Piece {
  std::string text;    // a sequence; one thing, if `atomic`
  bool empty = false;  // whether the empty text matches
  bool atomic = false;
};

class PatternReader {
 public:
  PatternReader(GbnfWriter& writer, std::string_view pattern) : writer_(writer), pattern_(decode_utf8(pattern)) {}

  // The inside of a JSON string.
  Result<std::string> read() {
    if (pattern_.size() > kLongestPattern)
      return fail(ErrorCode::kResourceExhausted, std::format("the pattern is {} characters long, and {} are the most",
                                                             pattern_.size(), kLongestPattern));
    HYPRSTREAM_ASSIGN(const auto piece, alternatives(0));
    if (at_ < pattern_.size()) return invalid("there is a ')' too many");
    return piece.text;
  }

 private:
  bool at_end() const { return at_ == pattern_.size(); }
  char32_t peek(std::size_t ahead = 0) const { return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : U'\0'; }
  bool take(char32_t c) {
    if (at_end() || peek() != c) return false;
    ++at_;
    return true;
  }
  std::unexpected<Error> invalid(std::string_view why) const {
    return fail(ErrorCode::kInvalidArgument,
                std::format("the pattern is no regular expression at character {}: {}", at_ + 1, why));
  }
  std::unexpected<Error> unsupported(std::string_view what) const {
    return fail(ErrorCode::kUnsupported,
                std::format("the pattern has at character {} {}, which is not supported", at_ + 1, what));
  }

  Result<Piece> alternatives(std::size_t depth) {
    if (depth > kDeepestGroup)
      return fail(ErrorCode::kResourceExhausted,
                  std::format("the pattern's groups are nested more than {} deep", kDeepestGroup));
    Piece all;
    std::vector<std::string> ways;
    do {
      HYPRSTREAM_ASSIGN(auto way, sequence(depth));
      all.empty |= way.empty;
      ways.push_back(std::move(way.text));
    } while (take(U'|'));
    all.text = gbnf_alternatives(ways);
    return all;
  }

  Result<Piece> sequence(std::size_t depth) {
    Piece all{.text = {}, .empty = true};
    const auto append = [&](const Piece& piece) {
      all.text += (all.text.empty() ? "" : " ") + piece.text;
      all.empty = all.empty && piece.empty;
    };
    bool closed = false;
    if (depth == 0 && !take(U'^')) {
      HYPRSTREAM_ASSIGN(const auto before, anything());
      append(before);
    }
    while (!at_end() && peek() != U'|' && peek() != U')') {
      if (depth == 0 && peek() == U'$' && (at_ + 1 == pattern_.size() || peek(1) == U'|')) {
        ++at_;
        closed = true;
        break;
      }
      HYPRSTREAM_ASSIGN(const auto piece, quantified(depth));
      append(piece);
    }
    if (depth == 0 && !closed) {
      HYPRSTREAM_ASSIGN(const auto behind, anything());
      append(behind);
    }
    if (all.text.empty()) all.text = "\"\"";
    return all;
  }

  Result<Piece> anything() {
    HYPRSTREAM_ASSIGN(const auto character, character_rule(writer_));
    return Piece{.text = character + "*", .empty = true};
  }

  Result<Piece> quantified(std::size_t depth) {
    const auto begin = at_;
    HYPRSTREAM_ASSIGN(auto piece, atom(depth));
    std::size_t least = 1;
    std::optional<std::size_t> most = 1;
    if (take(U'*')) {
      least = 0, most.reset();
    } else if (take(U'+')) {
      most.reset();
    } else if (take(U'?')) {
      least = 0;
    } else if (peek() == U'{') {
      HYPRSTREAM_TRY(counts(least, most));
    } else {
      return piece;
    }
    take(U'?');  // lazy: the same texts
    if (!at_end() && (peek() == U'*' || peek() == U'+' || peek() == U'?')) return invalid("nothing to repeat");
    if (piece.empty && !(least == 0 && most == 1)) {
      at_ = begin;
      return unsupported("a repetition of what may be empty");
    }
    const auto item = piece.atomic ? piece.text : "(" + piece.text + ")";
    HYPRSTREAM_ASSIGN(auto text, most ? writer_.repeat(item, least, *most) : writer_.repeat_from(item, least));
    return Piece{.text = std::move(text), .empty = piece.empty || least == 0};
  }

  // "{2}", "{2,}", "{2,5}".
  Result<void> counts(std::size_t& least, std::optional<std::size_t>& most) {
    take(U'{');
    HYPRSTREAM_ASSIGN(least, count());
    most = least;
    if (take(U',')) {
      most.reset();
      if (peek() != U'}') {
        HYPRSTREAM_ASSIGN(most, count());
      }
    }
    if (!take(U'}')) return invalid("a '{' must be followed by one or two numbers and '}', or be escaped");
    if (most && *most < least) return invalid("the numbers of a repetition are out of order");
    return {};
  }

  Result<std::size_t> count() {
    if (at_end() || peek() < U'0' || peek() > U'9')
      return invalid("a '{' must be followed by one or two numbers and '}', or be escaped");
    std::size_t number = 0;
    while (!at_end() && peek() >= U'0' && peek() <= U'9') {
      number = number * 10 + (pattern_[at_++] - U'0');
      if (number > writer_.limits().max_repetitions)
        return fail(ErrorCode::kResourceExhausted,
                    std::format("the pattern repeats something more than {} times", writer_.limits().max_repetitions));
    }
    return number;
  }

  Result<Piece> atom(std::size_t depth) {
    switch (const char32_t c = peek()) {
      case U'(': return group(depth);
      case U'[': return character_class();
      case U'.': ++at_; return of_set(line_set());
      case U'\\': {
        HYPRSTREAM_ASSIGN(const auto escaped, escape(/*in_class=*/false));
        return of_set(escaped);
      }
      case U'^': return unsupported("a '^' that is not at its beginning");
      case U'$': return unsupported("a '$' that is not at its end");
      case U'*':
      case U'+':
      case U'?': return invalid("nothing to repeat");
      case U'{': return invalid("a '{' with nothing before it must be escaped");
      default: ++at_; return of_set(CharSet().add(c, c));
    }
  }

  Result<Piece> of_set(const CharSet& set) {
    auto text = set.gbnf_json_char();
    if (text.empty()) return unsupported("a character or class that no JSON string of ours can have");
    return Piece{.text = std::move(text), .empty = false, .atomic = true};
  }

  Result<Piece> group(std::size_t depth) {
    if (peek(1) == U'?' && peek(2) != U':') return unsupported("a group that begins with '(?'");
    ++at_;
    if (take(U'?')) take(U':');
    HYPRSTREAM_ASSIGN(auto inside, alternatives(depth + 1));
    if (!take(U')')) return invalid("a '(' is not closed");
    return Piece{.text = "(" + inside.text + ")", .empty = inside.empty, .atomic = true};
  }

  Result<Piece> character_class() {
    const auto begin = at_;
    take(U'[');
    const bool negated = take(U'^');
    CharSet set;
    while (!at_end() && peek() != U']') {
      std::optional<char32_t> first;
      HYPRSTREAM_ASSIGN(const auto part, class_part(first));
      const bool range = peek() == U'-' && at_ + 1 < pattern_.size() && peek(1) != U']';
      if (!range || !first) {
        set.add(part);
        continue;
      }
      ++at_;
      std::optional<char32_t> last;
      HYPRSTREAM_ASSIGN(const auto end, class_part(last));
      if (!last) return unsupported("a range that ends with a class");
      if (*last < *first) return invalid("a range is out of order");
      set.add(*first, *last);
    }
    if (!take(U']')) return invalid("a '[' is not closed");
    if (set.empty() && !negated) {
      at_ = begin;
      return unsupported("a class of no character");
    }
    return of_set(negated ? set.complement() : set);
  }

  // One character, which is then `single`, or a class such as \d.
  Result<CharSet> class_part(std::optional<char32_t>& single) {
    if (peek() == U'\\') {
      HYPRSTREAM_ASSIGN(auto set, escape(/*in_class=*/true));
      const auto& ranges = set.ranges();
      if (ranges.size() == 1 && ranges.front().first == ranges.front().last) single = ranges.front().first;
      return set;
    }
    if (at_end()) return invalid("a '[' is not closed");
    single = pattern_[at_++];
    return CharSet().add(*single, *single);
  }

  Result<CharSet> escape(bool in_class) {
    const auto begin = at_++;
    if (at_end()) return invalid("a '\\' at its end");
    const auto one = [](char32_t c) { return CharSet().add(c, c); };
    switch (const char32_t c = pattern_[at_++]) {
      case U'd': return digit_set();
      case U'D': return digit_set().complement();
      case U'w': return word_set();
      case U'W': return word_set().complement();
      case U's': return space_set();
      case U'S': return space_set().complement();
      case U't': return one(U'\t');
      case U'n': return one(U'\n');
      case U'r': return one(U'\r');
      case U'f': return one(U'\f');
      case U'v': return one(U'\v');
      case U'x': return hexadecimal(2);
      case U'u': return hexadecimal(4);
      case U'b':
        if (in_class) return one(U'\b');
        [[fallthrough]];
      default:
        if (c < 0x80 && std::isalnum(static_cast<unsigned char>(c)) == 0) return one(c);
        at_ = begin;
        return unsupported("an escape");
    }
  }

  Result<CharSet> hexadecimal(int digits) {
    char32_t code = 0;
    for (int i = 0; i < digits; ++i) {
      const char32_t c = peek();
      if (c >= U'0' && c <= U'9')
        code = code * 16 + (c - U'0');
      else if (c >= U'a' && c <= U'f')
        code = code * 16 + (c - U'a' + 10);
      else if (c >= U'A' && c <= U'F')
        code = code * 16 + (c - U'A' + 10);
      else
        return invalid("the number of a character is cut short");
      ++at_;
    }
    if (code >= 0xD800 && code <= 0xDFFF) return unsupported("half of a surrogate pair");
    return CharSet().add(code, code);
  }

  GbnfWriter& writer_;
  std::u32string pattern_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::string> pattern_rule(GbnfWriter& writer, std::string_view pattern) {
  HYPRSTREAM_ASSIGN(const auto inside, PatternReader(writer, pattern).read());
  return writer.add("pattern", R"("\"" ()" + inside + R"() "\"")");
}

}  // namespace hyprstream

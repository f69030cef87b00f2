#include "adapter_files/name_pattern.hpp"

#include <algorithm>
#include <charconv>
#include <format>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace hyprstream {
namespace {

constexpr std::size_t kMaxLength = 1024;
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxStates = 4096;
constexpr std::size_t kMaxCount = 256;

enum class NodeKind : std::uint8_t { kEmpty, kBytes, kBegin, kEnd, kSequence, kChoice, kRepeat };

// A node of the syntax tree; `first` and `second` are its parts.
struct Node {
  NodeKind kind = NodeKind::kEmpty;
  std::size_t bytes = 0;
  std::size_t first = 0;
  std::size_t second = 0;
  std::size_t least = 0;
  std::optional<std::size_t> most;  // nothing: any number
};

}  // namespace

class NamePattern::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::size_t> parse() {
    if (text_.size() > kMaxLength) return unsupported("it is longer than 1024 characters");
    HYPRSTREAM_ASSIGN(const auto root, choice(0));
    if (!rest().empty()) return wrong("a ')' is not opened");
    return root;
  }
  std::vector<Node> nodes;
  std::vector<Bytes> sets;

 private:
  std::unexpected<Error> unsupported(std::string_view why) const {
    return fail(ErrorCode::kUnsupported, std::format("the pattern '{}' is not supported: {}", text_, why));
  }
  std::unexpected<Error> wrong(std::string_view why) const {
    return fail(ErrorCode::kCorrupt, std::format("the pattern '{}' is no regular expression: {}", text_, why));
  }
  std::string_view rest() const { return text_.substr(at_); }
  bool take(std::string_view token) {
    if (!rest().starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  std::size_t add(Node node) {
    nodes.push_back(node);
    return nodes.size() - 1;
  }
  std::size_t add_bytes(const Bytes& bytes) {
    sets.push_back(bytes);
    return add({.kind = NodeKind::kBytes, .bytes = sets.size() - 1, .most = {}});
  }

  Result<std::size_t> choice(std::size_t depth) {
    if (depth > kMaxDepth) return unsupported("its groups are nested too deep");
    HYPRSTREAM_ASSIGN(auto left, sequence(depth));
    while (take("|")) {
      HYPRSTREAM_ASSIGN(const auto right, sequence(depth));
      left = add({.kind = NodeKind::kChoice, .first = left, .second = right, .most = {}});
    }
    return left;
  }

  Result<std::size_t> sequence(std::size_t depth) {
    auto left = add({});
    while (!rest().empty() && rest().front() != '|' && rest().front() != ')') {
      HYPRSTREAM_ASSIGN(auto part, atom(depth));
      HYPRSTREAM_ASSIGN(part, quantified(part));
      left = add({.kind = NodeKind::kSequence, .first = left, .second = part, .most = {}});
    }
    return left;
  }

  // "{2}", "{2,}", "{,3}" or "{2,3}"; anything else is text.
  std::optional<std::pair<std::size_t, std::optional<std::size_t>>> counts() {
    const auto close = rest().find('}');
    if (!rest().starts_with('{') || close == std::string_view::npos || close < 2) return std::nullopt;
    const auto inside = rest().substr(1, close - 1);
    const auto comma = inside.find(',');
    const auto number = [](std::string_view digits) -> std::optional<std::size_t> {
      std::size_t value = 0;
      const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
      return error == std::errc() && end == digits.end() ? std::optional(value) : std::nullopt;
    };
    const auto low = inside.substr(0, comma);
    const auto least = low.empty() && comma != std::string_view::npos ? std::optional<std::size_t>(0) : number(low);
    if (!least) return std::nullopt;
    std::optional<std::size_t> most = least;
    if (comma != std::string_view::npos) {
      const auto high = inside.substr(comma + 1);
      most = number(high);
      if (!most && !high.empty()) return std::nullopt;
    }
    at_ += close + 1;
    return std::pair(*least, most);
  }

  Result<std::size_t> quantified(std::size_t part) {
    Node repeat{.kind = NodeKind::kRepeat, .first = part, .most = {}};
    if (take("*")) {
    } else if (take("+")) {
      repeat.least = 1;
    } else if (take("?")) {
      repeat.most = 1;
    } else if (const auto limits = counts()) {
      std::tie(repeat.least, repeat.most) = *limits;
      if (repeat.least > kMaxCount || repeat.most.value_or(0) > kMaxCount) return unsupported("a count is too large");
      if (repeat.most && *repeat.most < repeat.least) return wrong("a count ends before it begins");
    } else {
      return part;
    }
    take("?");
    if (take("+")) return unsupported("it has a possessive quantifier");
    if (rest().starts_with('*') || rest().starts_with('?')) return wrong("a quantifier follows another");
    return add(repeat);
  }

  Result<std::size_t> atom(std::size_t depth) {
    const char c = rest().front();
    if (c == '*' || c == '+' || c == '?') return wrong("there is nothing to repeat");
    ++at_;
    Bytes bytes;
    switch (c) {
      case '(': {
        if (take("?") && !take(":")) return unsupported("it has a group other than (...) and (?:...)");
        HYPRSTREAM_ASSIGN(const auto inside, choice(depth + 1));
        if (!take(")")) return wrong("a '(' is not closed");
        return inside;
      }
      case '[': {
        HYPRSTREAM_ASSIGN(bytes, byte_class());
        return add_bytes(bytes);
      }
      case '.': bytes.set().reset('\n'); return add_bytes(bytes);
      case '^': return add({.kind = NodeKind::kBegin, .most = {}});
      case '$': return add({.kind = NodeKind::kEnd, .most = {}});
      case '\\': {
        HYPRSTREAM_ASSIGN(bytes, escaped());
        return add_bytes(bytes);
      }
      default: return add_bytes(bytes.set(static_cast<std::uint8_t>(c)));
    }
  }

  // What follows a backslash.
  Result<Bytes> escaped() {
    if (rest().empty()) return wrong("it ends in a backslash");
    const char c = rest().front();
    ++at_;
    Bytes bytes;
    const auto add_range = [&](char first, char last) {
      for (std::size_t b = static_cast<std::uint8_t>(first); b <= static_cast<std::uint8_t>(last); ++b) bytes.set(b);
    };
    switch (c) {
      case 'd':
      case 'D': add_range('0', '9'); break;
      case 'w':
      case 'W':
        add_range('0', '9');
        add_range('a', 'z');
        add_range('A', 'Z');
        bytes.set('_');
        break;
      case 's':
      case 'S':
        for (const char space : std::string_view(" \t\n\r\f\v")) bytes.set(static_cast<std::uint8_t>(space));
        break;
      default:
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
          return unsupported(std::format("it uses \\{}", c));
        return bytes.set(static_cast<std::uint8_t>(c));
    }
    return c == 'D' || c == 'W' || c == 'S' ? ~bytes : bytes;
  }

  // What follows a '['.
  Result<Bytes> byte_class() {
    Bytes bytes;
    const bool is_negated = take("^");
    for (bool is_first = true;; is_first = false) {
      if (rest().empty()) return wrong("a '[' is not closed");
      if (!is_first && take("]")) break;
      const auto low = static_cast<std::uint8_t>(rest().front());
      ++at_;
      if (low == '\\') {
        HYPRSTREAM_ASSIGN(const auto inside, escaped());
        bytes |= inside;
        continue;
      }
      auto high = low;
      if (rest().size() >= 2 && rest()[0] == '-' && rest()[1] != ']') {
        high = static_cast<std::uint8_t>(rest()[1]);
        if (high == '\\') return unsupported("a range of characters ends in a backslash");
        at_ += 2;
      }
      if (high < low) return wrong("a range of characters ends before it begins");
      for (std::size_t b = low; b <= high; ++b) bytes.set(b);
    }
    return is_negated ? ~bytes : bytes;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Thompson's construction, from the end to the beginning.
class NamePattern::Compiler {
 public:
  Compiler(const std::vector<Node>& nodes, std::vector<State>& states) : nodes_(nodes), states_(states) {}

  // The first state of `node` when `next` follows it; nothing if there are too many.
  std::optional<std::size_t> compile(std::size_t index, std::size_t next) {
    // Repeated groups that are empty make work without making states.
    if (++work_ > 4 * kMaxStates) return std::nullopt;
    const Node& node = nodes_[index];
    switch (node.kind) {
      case NodeKind::kEmpty: return next;
      case NodeKind::kBytes: return add({.kind = Kind::kBytes, .bytes = node.bytes, .next = next});
      case NodeKind::kBegin: return add({.kind = Kind::kBegin, .next = next});
      case NodeKind::kEnd: return add({.kind = Kind::kEnd, .next = next});
      case NodeKind::kSequence: {
        const auto second = compile(node.second, next);
        return second ? compile(node.first, *second) : std::nullopt;
      }
      case NodeKind::kChoice: {
        const auto first = compile(node.first, next);
        const auto second = compile(node.second, next);
        return first && second ? add({.kind = Kind::kSplit, .next = *first, .other = *second}) : std::nullopt;
      }
      case NodeKind::kRepeat: return repeat(node, next);
    }
    std::unreachable();
  }

 private:
  std::optional<std::size_t> add(State state) {
    if (states_.size() >= kMaxStates) return std::nullopt;
    states_.push_back(state);
    return states_.size() - 1;
  }

  std::optional<std::size_t> repeat(const Node& node, std::size_t next) {
    std::optional<std::size_t> at = next;
    if (!node.most) {
      at = add({.kind = Kind::kSplit, .next = next, .other = next});
      if (!at) return at;
      const auto body = compile(node.first, *at);
      if (!body) return body;
      states_[*at].other = *body;
    }
    for (std::size_t i = node.least; node.most && i < *node.most && at; ++i) {
      const auto body = compile(node.first, *at);
      at = body ? add({.kind = Kind::kSplit, .next = next, .other = *body}) : std::nullopt;
    }
    for (std::size_t i = 0; i < node.least && at; ++i) at = compile(node.first, *at);
    return at;
  }

  const std::vector<Node>& nodes_;
  std::vector<State>& states_;
  std::size_t work_ = 0;
};

Result<NamePattern> NamePattern::parse(std::string_view text) {
  Parser parser(text);
  HYPRSTREAM_ASSIGN(const auto root, parser.parse());
  NamePattern pattern;
  pattern.sets_ = std::move(parser.sets);
  pattern.states_.push_back({.kind = Kind::kAccept});
  const auto start = Compiler(parser.nodes, pattern.states_).compile(root, 0);
  if (!start)
    return fail(ErrorCode::kUnsupported, std::format("the pattern '{}' is not supported: it is too large", text));
  pattern.start_ = *start;
  return pattern;
}

void NamePattern::add(std::size_t state, std::size_t at, std::size_t length, std::vector<std::size_t>& list,
                      std::vector<bool>& seen) const {
  std::vector<std::size_t> open{state};
  while (!open.empty()) {
    const std::size_t index = open.back();
    open.pop_back();
    if (seen[index]) continue;
    seen[index] = true;
    const State& here = states_[index];
    switch (here.kind) {
      case Kind::kSplit: open.insert(open.end(), {here.other, here.next}); break;
      case Kind::kBegin:
        if (at == 0) open.push_back(here.next);
        break;
      case Kind::kEnd:
        if (at == length) open.push_back(here.next);
        break;
      case Kind::kBytes:
      case Kind::kAccept: list.push_back(index); break;
    }
  }
}

bool NamePattern::matches(std::string_view text) const {
  std::vector<std::size_t> now;
  std::vector<bool> seen(states_.size());
  add(start_, 0, text.size(), now, seen);
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::vector<std::size_t> then;
    seen.assign(states_.size(), false);
    for (const std::size_t index : now) {
      const State& state = states_[index];
      if (state.kind == Kind::kBytes && sets_[state.bytes].test(static_cast<std::uint8_t>(text[at])))
        add(state.next, at + 1, text.size(), then, seen);
    }
    now = std::move(then);
  }
  return std::ranges::any_of(now, [&](std::size_t index) { return states_[index].kind == Kind::kAccept; });
}

}  // namespace hyprstream

#include "structured_output/grammar_check.hpp"

#include <cctype>
#include <cstdint>
#include <format>
#include <map>
#include <string_view>
#include <vector>

namespace hyprstream {
namespace {

struct Rule {
  std::string_view name;
  std::string_view body;
  bool ends = false;               // some text of it is finite
  bool empty = false;              // the empty text is one of its texts
  std::vector<std::size_t> first;  // rules that it may begin with
};

using RuleIndex = std::map<std::string_view, std::size_t>;

// What is known of a part of a body.
struct Part {
  bool ends = true;
  bool empty = true;
};

// Walks a body as GBNF has it, with what is known about the rules so far. Parentheses are nested no deeper than a
// schema or a pattern may be.
class BodyReader {
 public:
  BodyReader(std::string_view body, const std::vector<Rule>& rules, const RuleIndex& index)
      : body_(body), rules_(rules), index_(index) {}

  Part read() { return alternatives(); }
  bool sound() const { return sound_ && at_ == body_.size(); }
  std::vector<std::size_t> take_first() { return std::move(first_); }

 private:
  char peek() {
    while (at_ < body_.size() && body_[at_] == ' ') ++at_;
    return at_ < body_.size() ? body_[at_] : '\0';
  }

  Part alternatives() {
    Part any{.ends = false, .empty = false};
    const bool at_start = at_start_;
    for (;;) {
      at_start_ = at_start;
      const auto way = sequence();
      any.ends |= way.ends;
      any.empty |= way.empty;
      if (peek() != '|') break;
      ++at_;
    }
    at_start_ = at_start && any.empty;
    return any;
  }

  Part sequence() {
    Part all;
    for (char c = peek(); c != '\0' && c != '|' && c != ')'; c = peek()) {
      const bool before = at_start_;
      auto part = item(c);
      const bool may_be_left_out = quantifier();
      if (may_be_left_out) part = {};
      all.ends = all.ends && part.ends;
      all.empty = all.empty && part.empty;
      at_start_ = before && all.empty;
      if (!sound_) break;
    }
    return all;
  }

  Part item(char c) {
    if (c == '"') return {.ends = true, .empty = skip_to('"') == 0};
    if (c == '[') {
      skip_to(']');
      return {.ends = true, .empty = false};
    }
    if (c == '(') {
      ++at_;
      const auto inside = alternatives();
      if (peek() == ')')
        ++at_;
      else
        sound_ = false;
      return inside;
    }
    const auto begin = at_;
    while (at_ < body_.size() && (std::isalnum(static_cast<unsigned char>(body_[at_])) != 0 || body_[at_] == '-'))
      ++at_;
    const auto known = index_.find(body_.substr(begin, at_ - begin));
    if (known == index_.end()) {
      sound_ = false;
      return {};
    }
    if (at_start_) first_.push_back(known->second);
    const auto& rule = rules_[known->second];
    return {.ends = rule.ends, .empty = rule.empty};
  }

  // Past the closing character; how many bytes are between.
  std::size_t skip_to(char close) {
    const auto begin = ++at_;
    while (at_ < body_.size() && body_[at_] != close) at_ += body_[at_] == '\\' ? 2 : 1;
    if (at_ >= body_.size()) {
      sound_ = false;
      at_ = body_.size();
      return 0;
    }
    return at_++ - begin;
  }

  // Whether what comes before it may be left out.
  bool quantifier() {
    const char c = at_ < body_.size() ? body_[at_] : '\0';
    if (c == '?' || c == '*' || c == '+') {
      ++at_;
      return c != '+';
    }
    if (c != '{') return false;
    const bool none =
        at_ + 2 < body_.size() && body_[at_ + 1] == '0' && (body_[at_ + 2] == ',' || body_[at_ + 2] == '}');
    skip_to('}');
    return none;
  }

  std::string_view body_;
  const std::vector<Rule>& rules_;
  const RuleIndex& index_;
  std::size_t at_ = 0;
  bool at_start_ = true;
  bool sound_ = true;
  std::vector<std::size_t> first_;
};

// Learns `ends` and `empty` of every rule: again and again, until nothing changes. Rules are defined after those that
// they use, but for circles, so the rounds are few.
Result<void> learn(std::vector<Rule>& rules, const RuleIndex& index) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& rule : rules) {
      BodyReader reader(rule.body, rules, index);
      const auto part = reader.read();
      if (!reader.sound())
        return fail(ErrorCode::kInternal, std::format("the rule '{}' of a grammar is not written well", rule.name));
      rule.first = reader.take_first();
      changed |= part.ends != rule.ends || part.empty != rule.empty;
      rule.ends = part.ends;
      rule.empty = part.empty;
    }
  }
  return {};
}

// Whether a rule begins with itself, through whatever others.
bool has_circle(const std::vector<Rule>& rules, std::size_t& where) {
  enum class State : std::uint8_t { kNew, kOpen, kDone };
  std::vector<State> states(rules.size(), State::kNew);
  struct Visit {
    std::size_t rule;
    std::size_t next;
  };
  for (std::size_t start = 0; start < rules.size(); ++start) {
    if (states[start] != State::kNew) continue;
    std::vector<Visit> path = {{start, 0}};
    states[start] = State::kOpen;
    while (!path.empty()) {
      auto& [rule, next] = path.back();
      if (next == rules[rule].first.size()) {
        states[rule] = State::kDone;
        path.pop_back();
        continue;
      }
      where = rules[rule].first[next++];
      if (states[where] == State::kOpen) return true;
      if (states[where] == State::kDone) continue;
      states[where] = State::kOpen;
      path.push_back({where, 0});
    }
  }
  return false;
}

}  // namespace

Result<void> check_grammar(std::span<const std::pair<std::string, std::string>> rules) {
  std::vector<Rule> known;
  RuleIndex index;
  for (const auto& [name, body] : rules) {
    index.emplace(name, known.size());
    known.push_back({.name = name, .body = body, .first = {}});
  }
  HYPRSTREAM_TRY(learn(known, index));
  for (const auto& rule : known)
    if (!rule.ends)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("the schema refers to itself without an end (in what became the rule '{}'): no value is "
                              "finite; make a property on the way optional or give it an alternative",
                              rule.name));
  std::size_t where = 0;
  if (has_circle(known, where))
    return fail(ErrorCode::kInvalidArgument,
                std::format("the schema is defined as itself (in what became the rule '{}'): take that $ref out",
                            known[where].name));
  return {};
}

}  // namespace hyprstream

// Writing a GBNF grammar (llama.cpp's grammars/README.md) rule by rule, within limits.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "structured_output/schema_grammar.hpp"

namespace hyprstream {

// `text` as a literal of GBNF, quotes included.
std::string gbnf_literal(std::string_view text);

// "a | b | c".
std::string gbnf_alternatives(const std::vector<std::string>& ways);

// The rules of one grammar. Not thread-safe.
class GbnfWriter {
 public:
  explicit GbnfWriter(const SchemaLimits& limits) : limits_(limits) {}

  const SchemaLimits& limits() const noexcept { return limits_; }

  // The name of a rule with this body, made unless there is one. The name resembles `hint`.
  // Errors: kResourceExhausted, as of all functions below.
  Result<std::string> add(std::string_view hint, std::string body);
  // A name for a rule whose body is not known yet; define() must follow.
  Result<std::string> reserve(std::string_view hint);
  Result<void> define(const std::string& name, std::string body);
  // The one rule that goes by `hint` in this grammar, for rules that lead back to themselves.
  struct Shared {
    std::string name;
    bool fresh = false;  // asked for the first time: define() must follow
  };
  Result<Shared> share(const std::string& hint);

  // `item` from `least` to `most` times. llama.cpp writes every repetition out, so they count against a limit.
  // `item` is a name, a literal, a class, or a group in one pair of parentheses.
  Result<std::string> repeat(const std::string& item, std::size_t least, std::size_t most);
  // The same without an upper end.
  Result<std::string> repeat_from(const std::string& item, std::size_t least);

  // Refuses a grammar that llama.cpp cannot follow, or whose texts never end.
  // Errors: kInvalidArgument (a rule that leads to itself before any character, or never to an end).
  Result<void> check() const;

  // The whole grammar. `start` is the name of a rule.
  std::string finish(const std::string& start) const;

 private:
  Result<std::string> named(const std::string& item);
  std::string unused_name(std::string_view hint);
  Result<void> count_bytes(std::size_t bytes);
  Result<void> count_repetitions(std::size_t count);

  SchemaLimits limits_;
  std::vector<std::pair<std::string, std::string>> rules_;  // in the order of their definition
  std::map<std::string, std::string> names_by_body_;
  std::map<std::string, std::string> shared_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, std::size_t, std::less<>> next_number_;  // by hint
  std::size_t bytes_ = 0;
  std::size_t repetitions_ = 0;
};

}  // namespace hyprstream

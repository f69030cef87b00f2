#include "structured_output/gbnf_writer.hpp"

#include <cctype>
#include <format>

#include "structured_output/grammar_check.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kLongestHint = 40;
// llama.cpp's own limit for one repetition (llama-grammar.cpp), and what all of a grammar may come to.
constexpr std::size_t kMostOfOneRepetition = 1999;

// What GBNF takes as a name: letters, digits and dashes.
std::string name_like(std::string_view hint) {
  std::string name;
  for (const char c : hint.substr(0, kLongestHint)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && std::isalnum(byte) != 0;
    if (plain)
      name += static_cast<char>(std::tolower(byte));
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "rule" : name;
}

}  // namespace

std::string gbnf_literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    switch (c) {
      case '"': literal += "\\\""; break;
      case '\\': literal += "\\\\"; break;
      case '\n': literal += "\\n"; break;
      case '\r': literal += "\\r"; break;
      case '\t': literal += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          literal += std::format("\\x{:02X}", static_cast<unsigned>(c));
        else
          literal += c;
    }
  }
  return literal + "\"";
}

std::string gbnf_alternatives(const std::vector<std::string>& ways) {
  std::string text;
  for (const auto& way : ways) {
    if (!text.empty()) text += " | ";
    text += way;
  }
  return text;
}

std::string GbnfWriter::unused_name(std::string_view hint) {
  auto stem = name_like(hint);
  if (stem == "root") stem = "root-value";  // the name of the rule that llama.cpp begins with
  auto name = stem;
  for (auto& number = next_number_[stem]; names_.contains(name);) name = std::format("{}-{}", stem, ++number + 1);
  names_.insert(name);
  return name;
}

Result<void> GbnfWriter::count_bytes(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= limits_.max_grammar_bytes) return {};
  return fail(
      ErrorCode::kResourceExhausted,
      std::format("the schema needs a grammar of more than {} bytes: make it smaller", limits_.max_grammar_bytes));
}

Result<void> GbnfWriter::count_repetitions(std::size_t count) {
  repetitions_ += count;
  if (repetitions_ <= limits_.max_total_repetitions) return {};
  return fail(ErrorCode::kResourceExhausted,
              std::format("the schema's lengths and counts (minLength, maxItems, ...) come to more than {} together: "
                          "make them smaller",
                          limits_.max_total_repetitions));
}

Result<std::string> GbnfWriter::reserve(std::string_view hint) {
  if (names_.size() >= limits_.max_rules)
    return fail(ErrorCode::kResourceExhausted,
                std::format("the schema needs a grammar of more than {} rules: make it simpler", limits_.max_rules));
  return unused_name(hint);
}

Result<void> GbnfWriter::define(const std::string& name, std::string body) {
  HYPRSTREAM_TRY(count_bytes(name.size() + body.size() + 6));
  rules_.emplace_back(name, std::move(body));
  return {};
}

Result<GbnfWriter::Shared> GbnfWriter::share(const std::string& hint) {
  if (const auto known = shared_.find(hint); known != shared_.end()) return Shared{known->second, false};
  HYPRSTREAM_ASSIGN(auto name, reserve(hint));
  shared_.emplace(hint, name);
  return Shared{std::move(name), true};
}

Result<std::string> GbnfWriter::add(std::string_view hint, std::string body) {
  if (const auto known = names_by_body_.find(body); known != names_by_body_.end()) return known->second;
  HYPRSTREAM_ASSIGN(auto name, reserve(hint));
  HYPRSTREAM_TRY(define(name, body));
  names_by_body_.emplace(std::move(body), name);
  return name;
}

// llama.cpp multiplies a group's own repetitions with those of the group, and refuses what is too much. A name counts
// once.
Result<std::string> GbnfWriter::named(const std::string& item) {
  return item.starts_with('(') ? add("part", item.substr(1, item.size() - 2)) : Result<std::string>(item);
}

Result<std::string> GbnfWriter::repeat(const std::string& item, std::size_t least, std::size_t most) {
  if (most > kMostOfOneRepetition)
    return fail(ErrorCode::kResourceExhausted,
                std::format("llama.cpp takes no more than {} repetitions, not {}", kMostOfOneRepetition, most));
  if (most == 0) return std::string("\"\"");
  if (least == 1 && most == 1) return item;
  if (least == 0 && most == 1) return item + "?";
  HYPRSTREAM_TRY(count_repetitions(most));
  HYPRSTREAM_ASSIGN(const auto name, named(item));
  return least == most ? std::format("{}{{{}}}", name, least) : std::format("{}{{{},{}}}", name, least, most);
}

Result<std::string> GbnfWriter::repeat_from(const std::string& item, std::size_t least) {
  if (least == 0) return item + "*";
  if (least == 1) return item + "+";
  HYPRSTREAM_TRY(count_repetitions(least));
  HYPRSTREAM_ASSIGN(const auto name, named(item));
  return std::format("{}{{{},}}", name, least);
}

Result<void> GbnfWriter::check() const { return check_grammar(rules_); }

std::string GbnfWriter::finish(const std::string& start) const {
  std::string text = "root ::= " + start + "\n";
  for (const auto& [name, body] : rules_) text += name + " ::= " + body + "\n";
  return text;
}

}  // namespace hyprstream

#include "structured_output/char_set.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <utility>

namespace hyprstream {
namespace {

constexpr char32_t kLast = 0x10FFFF;
constexpr CharRange kSurrogates{0xD800, 0xDFFF};

// What JSON writes as a backslash and a letter (RFC 8259, section 7).
constexpr std::array<std::pair<char32_t, std::string_view>, 7> kShortEscapes = {{
    {U'"', R"("\\\"")"},
    {U'\\', R"("\\\\")"},
    {U'\b', R"("\\b")"},
    {U'\f', R"("\\f")"},
    {U'\n', R"("\\n")"},
    {U'\r', R"("\\r")"},
    {U'\t', R"("\\t")"},
}};

void append_class_char(std::string& text, char32_t c) {
  const bool plain = (c >= U'0' && c <= U'9') || (c >= U'A' && c <= U'Z') || (c >= U'a' && c <= U'z');
  if (plain)
    text += static_cast<char>(c);
  else if (c < 0x80)
    text += std::format("\\x{:02X}", static_cast<unsigned>(c));
  else if (c < 0x10000)
    text += std::format("\\u{:04X}", static_cast<unsigned>(c));
  else
    text += std::format("\\U{:08X}", static_cast<unsigned>(c));
}

}  // namespace

CharSet CharSet::all() { return CharSet().complement(); }

CharSet CharSet::of(std::string_view ascii) {
  CharSet set;
  for (const char c : ascii) {
    const auto byte = static_cast<unsigned char>(c);
    set.ranges_.push_back({byte, byte});
  }
  set.normalise();
  return set;
}

CharSet& CharSet::add(char32_t first, char32_t last) {
  ranges_.push_back({first, std::min(last, kLast)});
  normalise();
  return *this;
}

CharSet& CharSet::add(const CharSet& other) {
  ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
  normalise();
  return *this;
}

void CharSet::normalise() {
  std::ranges::sort(ranges_, {}, &CharRange::first);
  std::vector<CharRange> merged;
  const auto append = [&](char32_t first, char32_t last) {
    if (first > last) return;
    if (!merged.empty() && first <= merged.back().last + 1)
      merged.back().last = std::max(merged.back().last, last);
    else
      merged.push_back({first, last});
  };
  for (const auto& range : ranges_) {
    if (range.last < kSurrogates.first || range.first > kSurrogates.last) {
      append(range.first, range.last);
    } else {
      append(range.first, std::min<char32_t>(range.last, kSurrogates.first - 1));
      append(std::max<char32_t>(range.first, kSurrogates.last + 1), range.last);
    }
  }
  ranges_ = std::move(merged);
}

CharSet CharSet::complement() const {
  CharSet result;
  char32_t next = 0;
  for (const auto& range : ranges_) {
    if (range.first > next) result.ranges_.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLast) result.ranges_.push_back({next, kLast});
  result.normalise();
  return result;
}

CharSet CharSet::without(const CharSet& other) const {
  auto outside = complement();
  outside.add(other);
  return outside.complement();
}

std::string CharSet::gbnf_class() const {
  std::string text = "[";
  for (const auto& range : ranges_) {
    append_class_char(text, range.first);
    if (range.first == range.last) continue;
    text += '-';
    append_class_char(text, range.last);
  }
  return text + "]";
}

std::string CharSet::gbnf_json_char() const {
  static const CharSet kEscaped = CharSet::of("\"\\").add(0, 0x1F);
  std::vector<std::string> ways;
  const auto raw = without(kEscaped);
  if (!raw.empty()) ways.push_back(raw.gbnf_class());
  for (const auto& [character, escape] : kShortEscapes)
    if (std::ranges::any_of(ranges_, [&](const auto& r) { return r.first <= character && character <= r.last; }))
      ways.emplace_back(escape);
  if (ways.empty()) return {};
  if (ways.size() == 1) return ways.front();
  std::string text = "(" + ways.front();
  for (std::size_t i = 1; i < ways.size(); ++i) text += " | " + ways[i];
  return text + ")";
}

}  // namespace hyprstream

#include "hub/link_header.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace hyprstream {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t'; }

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

class LinkParser {
 public:
  explicit LinkParser(std::string_view text) : text_(text) {}

  // The next link of the header: its target, and whether its relations name "next".
  struct Link {
    std::string target;
    bool is_next = false;
  };
  std::optional<Link> read() {
    skip([](char c) { return is_space(c) || c == ','; });
    if (!take('<')) return std::nullopt;
    const auto end = text_.find('>');
    if (end == std::string_view::npos) return std::nullopt;
    Link link{.target = std::string(text_.substr(0, end)), .is_next = false};
    text_.remove_prefix(end + 1);
    bool seen_relation = false;
    for (skip(is_space); take(';'); skip(is_space)) {
      skip(is_space);
      const std::string name = token();
      skip(is_space);
      if (!take('=')) continue;  // a parameter without a value
      skip(is_space);
      const std::string value = !text_.empty() && text_.front() == '"' ? quoted() : token();
      // The first "rel" counts.
      if (name == "rel" && !std::exchange(seen_relation, true)) link.is_next = names_next(value);
    }
    return link;
  }

 private:
  template <typename Predicate>
  void skip(Predicate predicate) {
    text_.remove_prefix(static_cast<std::size_t>(std::ranges::find_if_not(text_, predicate) - text_.begin()));
  }
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::string token() {
    std::string out;
    while (!text_.empty() && !is_space(text_.front()) && !std::string_view(";,=").contains(text_.front())) {
      out += lower(text_.front());
      text_.remove_prefix(1);
    }
    return out;
  }
  std::string quoted() {
    std::string out;
    text_.remove_prefix(1);
    while (!text_.empty() && text_.front() != '"') {
      if (text_.front() == '\\' && text_.size() > 1) text_.remove_prefix(1);
      out += lower(text_.front());
      text_.remove_prefix(1);
    }
    take('"');
    return out;
  }
  // Relations are separated by spaces.
  static bool names_next(std::string_view relations) {
    while (!relations.empty()) {
      const auto space = std::min(relations.find(' '), relations.size());
      if (relations.substr(0, space) == "next") return true;
      relations.remove_prefix(std::min(space + 1, relations.size()));
    }
    return false;
  }

  std::string_view text_;
};

}  // namespace

std::optional<std::string> next_page(std::string_view header) {
  LinkParser parser(header);
  while (auto link = parser.read())
    if (link->is_next) return std::move(link->target);
  return std::nullopt;
}

}  // namespace hyprstream

#include "base/json.hpp"

#include <algorithm>
#include <format>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

namespace hyprstream {
namespace {

// ordered_json looks for a key among all those of its object.
constexpr std::size_t kMaxOrderedKeys = 10'000;

// Sees the text as it is parsed; notes the first thing that our rules forbid.
template <typename Json>
class Rules {
 public:
  using Event = Json::parse_event_t;

  explicit Rules(std::size_t max_depth) : max_depth_(max_depth) {}

  bool operator()(int depth, Event event, const Json& value) {
    if (broken_) return false;
    switch (event) {
      case Event::object_start: keys_.emplace_back(); [[fallthrough]];
      case Event::array_start:
        if (static_cast<std::size_t>(depth) >= max_depth_)
          broken_ = std::format("is nested more than {} deep", max_depth_);
        break;
      case Event::object_end: keys_.pop_back(); break;
      case Event::key:
        if (!keys_.back().insert(value.template get<std::string>()).second)
          broken_ = std::format("has the key '{:.80}' twice in one object", value.template get<std::string>());
        if (std::is_same_v<Json, nlohmann::ordered_json> && keys_.back().size() > kMaxOrderedKeys)
          broken_ = std::format("has more than {} keys in one object", kMaxOrderedKeys);
        break;
      case Event::array_end:
      case Event::value: break;
    }
    return !broken_;
  }

  const std::optional<std::string>& broken() const noexcept { return broken_; }

 private:
  std::size_t max_depth_;
  std::vector<std::set<std::string>> keys_;  // of the objects that are open
  std::optional<std::string> broken_;
};

// "line 3, column 7" of a byte, both from 1; columns are bytes.
std::string place(std::string_view text, std::size_t byte) {
  const auto before = text.substr(0, byte);
  const auto line_start = before.rfind('\n');
  return std::format("line {}, column {}", 1 + std::ranges::count(before, '\n'),
                     before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1);
}

template <typename Json>
Result<Json> parse(std::string_view text, std::string_view what, std::size_t max_depth) {
  Rules<Json> rules(max_depth);
  try {
    auto value = Json::parse(text, [&](int depth, typename Json::parse_event_t event, const Json& parsed) {
      return rules(depth, event, parsed);
    });
    if (rules.broken()) return fail(ErrorCode::kCorrupt, std::format("{} {}", what, *rules.broken()));
    return value;
  } catch (const typename Json::parse_error& error) {
    if (rules.broken()) return fail(ErrorCode::kCorrupt, std::format("{} {}", what, *rules.broken()));
    // error.byte counts the byte at which it stopped; an unexpected end lies behind the last one.
    return fail(ErrorCode::kCorrupt,
                std::format("{} is not valid JSON at {}", what,
                            place(text, std::min(error.byte - std::min<std::size_t>(error.byte, 1), text.size()))));
  } catch (const typename Json::exception&) {
    return fail(ErrorCode::kCorrupt, std::format("{} holds a number or text that JSON cannot have", what));
  }
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, std::string_view what, std::size_t max_depth) {
  return parse<nlohmann::json>(text, what, max_depth);
}

Result<nlohmann::ordered_json> parse_ordered_json(std::string_view text, std::string_view what, std::size_t max_depth) {
  return parse<nlohmann::ordered_json>(text, what, max_depth);
}

}  // namespace hyprstream

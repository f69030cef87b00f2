#include "base/json.hpp"

#include <algorithm>
#include <format>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hyprstream {
namespace {

using Json = nlohmann::json;

// Sees the text as it is parsed; notes the first thing that our rules forbid.
class Rules {
 public:
  explicit Rules(std::size_t max_depth) : max_depth_(max_depth) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& value) {
    if (broken_) return false;
    switch (event) {
      case Json::parse_event_t::object_start: keys_.emplace_back(); [[fallthrough]];
      case Json::parse_event_t::array_start:
        if (static_cast<std::size_t>(depth) >= max_depth_)
          broken_ = std::format("is nested more than {} deep", max_depth_);
        break;
      case Json::parse_event_t::object_end: keys_.pop_back(); break;
      case Json::parse_event_t::key:
        if (!keys_.back().insert(value.get<std::string>()).second)
          broken_ = std::format("has the key '{:.80}' twice in one object", value.get<std::string>());
        break;
      case Json::parse_event_t::array_end:
      case Json::parse_event_t::value: break;
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

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, std::size_t max_depth) {
  Rules rules(max_depth);
  try {
    auto value = Json::parse(
        text, [&](int depth, Json::parse_event_t event, const Json& parsed) { return rules(depth, event, parsed); });
    if (rules.broken()) return fail(ErrorCode::kCorrupt, std::format("{} {}", what, *rules.broken()));
    return value;
  } catch (const Json::parse_error& error) {
    if (rules.broken()) return fail(ErrorCode::kCorrupt, std::format("{} {}", what, *rules.broken()));
    // error.byte counts the byte at which it stopped; an unexpected end lies behind the last one.
    return fail(ErrorCode::kCorrupt,
                std::format("{} is not valid JSON at {}", what,
                            place(text, std::min(error.byte - std::min<std::size_t>(error.byte, 1), text.size()))));
  } catch (const Json::exception&) {
    return fail(ErrorCode::kCorrupt, std::format("{} holds a number or text that JSON cannot have", what));
  }
}

}  // namespace hyprstream

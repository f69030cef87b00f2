#include <algorithm>
#include <array>
#include <format>
#include <string>

#include "structured_output/string_patterns.hpp"

namespace hyprstream {
namespace {

// As regular expressions that pattern_rule() takes, without ^ and $.

// Years of four digits; the 29th of February only where there is one.
constexpr std::string_view kDate =
    R"(([1-9]\d{3}-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8])))"
    R"(|([1-9]\d(0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29))";
// RFC 3339's full-time, without leap seconds.
constexpr std::string_view kTime = R"(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))";
// ISO 8601's in units that follow each other, as RFC 3339's appendix A has them.
constexpr std::string_view kDurationDate = R"((\d{1,4}Y(\d{1,4}M(\d{1,4}D)?)?|\d{1,4}M(\d{1,4}D)?|\d{1,4}D))";
constexpr std::string_view kDurationTime = R"(T(\d{1,4}H(\d{1,4}M(\d{1,4}S)?)?|\d{1,4}M(\d{1,4}S)?|\d{1,4}S))";
// Shorter than what DNS allows, which is 63 characters of a label and 253 in all.
constexpr std::string_view kLabel = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?";
constexpr std::string_view kUser = R"([A-Za-z0-9_+-]{1,30}(\.[A-Za-z0-9_+-]{1,30})?)";
constexpr std::string_view kByte = R"((\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]))";
constexpr std::string_view kUriRest =
    R"((:[1-9]\d{0,3})?(/[A-Za-z0-9._~-]*)*(\?[A-Za-z0-9._~=&-]*)?(#[A-Za-z0-9._~-]*)?)";

constexpr std::array<std::string_view, 10> kNames = {"date",     "time", "date-time", "duration", "email",
                                                     "hostname", "ipv4", "ipv6",      "uri",      "uuid"};

// Empty: not known.
std::string format_pattern(std::string_view name) {
  const auto host = [](int fewest_more) { return std::format(R"({0}(\.{0}){{{1},3}})", kLabel, fewest_more); };
  if (name == "date") return std::string(kDate);
  if (name == "time") return std::string(kTime);
  if (name == "date-time") return std::format("{}T{}", kDate, kTime);
  if (name == "duration") return std::format(R"(P(\d{{1,4}}W|{0}({1})?|{1}))", kDurationDate, kDurationTime);
  if (name == "email") return std::format("{}@{}", kUser, host(1));
  if (name == "hostname") return host(0);
  if (name == "ipv4") return std::format(R"({0}(\.{0}){{3}})", kByte);
  if (name == "ipv6") return "[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}";
  if (name == "uri") return std::format("https?://{}{}", host(0), kUriRest);
  if (name == "uuid") return "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
  return {};
}

}  // namespace

Result<std::string> format_rule(GbnfWriter& writer, std::string_view format) {
  if (const auto pattern = format_pattern(format); !pattern.empty()) {
    HYPRSTREAM_ASSIGN(const auto rule, pattern_rule(writer, std::format("^({})$", pattern)));
    return writer.add(format, rule);
  }
  std::string names;
  for (const auto name : kNames) names += (names.empty() ? "" : ", ") + std::string(name);
  return fail(ErrorCode::kUnsupported,
              std::format("the format '{:.80}' is not supported: use one of {}, or a pattern", format, names));
}

}  // namespace hyprstream

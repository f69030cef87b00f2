#include "command_line/argument_list.hpp"

#include <algorithm>
#include <charconv>
#include <format>
#include <ranges>
#include <utility>

#include "base/utf8.hpp"
#include "terminal/printable.hpp"

namespace hyprstream {
namespace {

std::vector<std::string> split_names(std::string_view names) {
  return names | std::views::split(',') | std::ranges::to<std::vector<std::string>>();
}

// "Threads" + "1 to 64" + "all" -> "Threads (1 to 64). Default: all."
std::string describe(std::string help, std::string_view range, std::string_view fallback) {
  if (!range.empty()) help += std::format(" ({})", range);
  help += '.';
  if (!fallback.empty()) help += std::format(" Default: {}.", fallback);
  return help;
}

template <typename T>
std::string describe(Range<T> range) {
  return std::format("{} to {}", range.least, range.most);
}

std::string describe_int(Range<int> range) {
  if (range.most == std::numeric_limits<int>::max()) return std::format("{} or more", range.least);
  return describe(range);
}

Result<void> require_text(std::string_view name, std::string_view value) {
  if (const auto invalid = find_invalid_utf8(value))
    return fail(ErrorCode::kInvalidArgument, std::format("{} is not valid UTF-8 at byte {}", name, *invalid));
  return {};
}

std::string enumerate(const std::vector<std::string>& choices) {
  return choices | std::views::join_with(std::string(", ")) | std::ranges::to<std::string>();
}

Result<void> require_choice(std::string_view name, std::string_view value, const std::vector<std::string>& choices) {
  if (std::ranges::contains(choices, value)) return {};
  return fail(ErrorCode::kInvalidArgument,
              std::format("{} must be one of {}, not {}", name, enumerate(choices), in_quotes(value)));
}

}  // namespace

Result<std::int64_t> parse_integer(std::string_view name, std::string_view text, Range<std::int64_t> range) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < range.least || value > range.most)
    return fail(ErrorCode::kInvalidArgument, std::format("{} must be a whole number from {} to {}, not {}", name,
                                                         range.least, range.most, in_quotes(text)));
  return value;
}

namespace {

template <typename T>
Result<T> parse_floating(std::string_view name, std::string_view text, Range<T> range) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // Written so that NaN, which from_chars reads, is out of range.
  const bool fits = value >= range.least && value <= range.most;
  if (error != std::errc() || end != text.data() + text.size() || !fits)
    return fail(ErrorCode::kInvalidArgument, std::format("{} must be a number from {} to {}, not {}", name, range.least,
                                                         range.most, in_quotes(text)));
  return value;
}

}  // namespace

Result<float> parse_number(std::string_view name, std::string_view text, Range<float> range) {
  return parse_floating(name, text, range);
}

Result<double> parse_double(std::string_view name, std::string_view text, Range<double> range) {
  return parse_floating(name, text, range);
}

OptionSpec& ArgumentList::add(std::string_view names, std::string value_name, ValueKind kind, std::string help) {
  options_.push_back({.names = split_names(names),
                      .value_name = std::move(value_name),
                      .help = std::move(help),
                      .section = section_,
                      .kind = kind,
                      .choices = {},
                      .repeatable = false,
                      .assign = {}});
  return options_.back();
}

void ArgumentList::flag(std::string_view names, bool& target, std::string help) {
  add(names, {}, ValueKind::kNone, describe(std::move(help), {}, {})).assign = [&target](std::string_view) {
    target = true;
    return Result<void>();
  };
}

void ArgumentList::text(std::string_view names, std::string value_name, std::string& target, std::string help) {
  auto& option = add(names, std::move(value_name), ValueKind::kText,
                     describe(std::move(help), {}, target.empty() ? "" : std::format("\"{}\"", target)));
  option.assign = [&target, name = option.main_name()](std::string_view value) -> Result<void> {
    HYPRSTREAM_TRY(require_text(name, value));
    target = value;
    return {};
  };
}

void ArgumentList::text(std::string_view names, std::string value_name, std::optional<std::string>& target,
                        std::string help, std::string_view unset_means) {
  auto& option = add(names, std::move(value_name), ValueKind::kText, describe(std::move(help), {}, unset_means));
  option.assign = [&target, name = option.main_name()](std::string_view value) -> Result<void> {
    HYPRSTREAM_TRY(require_text(name, value));
    target = value;
    return {};
  };
}

void ArgumentList::texts(std::string_view names, std::string value_name, std::vector<std::string>& target,
                         std::string help) {
  auto& option = add(names, std::move(value_name), ValueKind::kText, describe(std::move(help), {}, {}));
  option.repeatable = true;
  option.assign = [&target, name = option.main_name()](std::string_view value) -> Result<void> {
    HYPRSTREAM_TRY(require_text(name, value));
    if (value.empty()) return fail(ErrorCode::kInvalidArgument, name + " must not be empty");
    target.emplace_back(value);
    return {};
  };
}

void ArgumentList::file(std::string_view names, std::string value_name, std::optional<std::string>& target,
                        std::string help, std::string_view unset_means) {
  auto& option = add(names, std::move(value_name), ValueKind::kFile, describe(std::move(help), {}, unset_means));
  option.assign = [&target, name = option.main_name()](std::string_view value) -> Result<void> {
    if (value.empty()) return fail(ErrorCode::kInvalidArgument, name + " needs the path of a file, and is empty");
    target = value;
    return {};
  };
}

void ArgumentList::settings(std::optional<std::string>& target) {
  file("--config", "FILE", target,
       "Settings in TOML, each named as its option: port = 9000. The environment has them too, as HYPRSTREAM_PORT; the "
       "command line goes before the environment, and that before the file",
       "none");
  settings_file_ = &target;
}

void ArgumentList::integer(std::string_view names, int& target, Range<int> range, std::string help) {
  auto& option =
      add(names, "N", ValueKind::kNumber, describe(std::move(help), describe_int(range), std::to_string(target)));
  option.assign = [&target, range, name = option.main_name()](std::string_view value) -> Result<void> {
    HYPRSTREAM_ASSIGN(const auto number, parse_integer(name, value, {range.least, range.most}));
    target = static_cast<int>(number);
    return {};
  };
}

void ArgumentList::integer(std::string_view names, std::optional<int>& target, Range<int> range, std::string help,
                           std::string_view unset_means) {
  auto& option = add(names, "N", ValueKind::kNumber, describe(std::move(help), describe_int(range), unset_means));
  option.assign = [&target, range, name = option.main_name()](std::string_view value) -> Result<void> {
    HYPRSTREAM_ASSIGN(const auto number, parse_integer(name, value, {range.least, range.most}));
    target = static_cast<int>(number);
    return {};
  };
}

void ArgumentList::seed(std::string_view names, std::optional<std::uint32_t>& target, std::string help) {
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
  auto& option =
      add(names, "N", ValueKind::kNumber, describe(std::move(help), std::format("0 to {}", kMost), "a random one"));
  option.assign = [&target, name = option.main_name()](std::string_view value) -> Result<void> {
    HYPRSTREAM_ASSIGN(const auto number, parse_integer(name, value, {0, kMost}));
    target = static_cast<std::uint32_t>(number);
    return {};
  };
}

void ArgumentList::number(std::string_view names, float& target, Range<float> range, std::string help) {
  auto& option =
      add(names, "X", ValueKind::kNumber, describe(std::move(help), describe(range), std::format("{}", target)));
  option.assign = [&target, range, name = option.main_name()](std::string_view value) -> Result<void> {
    HYPRSTREAM_ASSIGN(target, parse_number(name, value, range));
    return {};
  };
}

void ArgumentList::number(std::string_view names, double& target, Range<double> range, std::string help) {
  auto& option =
      add(names, "X", ValueKind::kNumber, describe(std::move(help), describe(range), std::format("{}", target)));
  option.assign = [&target, range, name = option.main_name()](std::string_view value) -> Result<void> {
    HYPRSTREAM_ASSIGN(target, parse_double(name, value, range));
    return {};
  };
}

void ArgumentList::number(std::string_view names, std::optional<double>& target, Range<double> range, std::string help,
                          std::string_view unset_means) {
  auto& option = add(names, "X", ValueKind::kNumber, describe(std::move(help), describe(range), unset_means));
  option.assign = [&target, range, name = option.main_name()](std::string_view value) -> Result<void> {
    HYPRSTREAM_ASSIGN(target, parse_double(name, value, range));
    return {};
  };
}

void ArgumentList::fraction(std::string_view names, std::optional<double>& target, std::string help,
                            std::string_view unset_means) {
  auto& option = add(names, "X", ValueKind::kNumber, describe(std::move(help), "0 to below 1", unset_means));
  option.assign = [&target, name = option.main_name()](std::string_view value) -> Result<void> {
    const auto number = parse_double(name, value, {0, 1});
    if (!number || *number >= 1)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("{} must be a number from 0 to below 1, such as 0.99, not {}", name, in_quotes(value)));
    target = *number;
    return {};
  };
}

void ArgumentList::choice(std::string_view names, std::string value_name, std::string& target,
                          std::vector<std::string> choices, std::string help) {
  auto& option =
      add(names, std::move(value_name), ValueKind::kChoice, describe(std::move(help), enumerate(choices), target));
  option.choices = std::move(choices);
  option.assign = [&target, choices = option.choices,
                   name = option.main_name()](std::string_view value) -> Result<void> {
    HYPRSTREAM_TRY(require_choice(name, value, choices));
    target = value;
    return {};
  };
}

void ArgumentList::positional(std::string name, ValueKind kind, std::optional<std::string>& target, std::string help,
                              std::vector<std::string> choices) {
  options_.push_back({.names = {},
                      .value_name = std::move(name),
                      .help = describe(std::move(help), {}, {}),
                      .section = "Arguments",
                      .kind = kind,
                      .choices = std::move(choices),
                      .repeatable = false,
                      .assign = {}});
  auto& option = options_.back();
  option.assign = [&target, kind, choices = option.choices,
                   name = option.value_name](std::string_view value) -> Result<void> {
    if (kind == ValueKind::kText) HYPRSTREAM_TRY(require_text(name, value));
    if (kind == ValueKind::kChoice) HYPRSTREAM_TRY(require_choice(name, value, choices));
    target = value;
    return {};
  };
}

const OptionSpec* ArgumentList::find(std::string_view name) const noexcept {
  const auto found =
      std::ranges::find_if(options_, [&](const auto& o) { return std::ranges::contains(o.names, name); });
  return found == options_.end() ? nullptr : &*found;
}

}  // namespace hyprstream

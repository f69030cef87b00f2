// What a command takes: each option is described once, and that gives parsing, checking, --help
// and shell completion.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hyprstream {

// The heading of what every command takes.
inline constexpr std::string_view kCommonSection = "Common options";

enum class ValueKind : std::uint8_t { kNone, kText, kNumber, kFile, kChoice };

struct OptionSpec {
  std::vector<std::string> names;  // "--threads", "-t"; empty for a positional argument
  std::string value_name;          // "N", "GGUF"; empty for a flag
  std::string help;                // a sentence, with unit, range and default
  std::string section;             // heading in --help
  ValueKind kind = ValueKind::kNone;
  std::vector<std::string> choices;
  bool repeatable = false;
  // Takes one occurrence's value ("" for a flag). Errors: kInvalidArgument, naming the option.
  std::function<Result<void>(std::string_view)> assign;

  bool is_positional() const noexcept { return names.empty(); }
  // "--threads", or "MODEL" for a positional argument.
  const std::string& main_name() const noexcept { return is_positional() ? value_name : names.front(); }
};

template <typename T>
struct Range {
  T least;
  T most;
};

// The options of one command. The targets must outlive it. Not thread-safe.
class ArgumentList {
 public:
  // Options declared from now on stand under this heading.
  void begin_section(std::string title) { section_ = std::move(title); }

  // `names`: "--threads" or "--verbose,-v". What a target holds is the default that --help shows;
  // for an unset one `unset_means` says what happens then.
  void flag(std::string_view names, bool& target, std::string help);
  void text(std::string_view names, std::string value_name, std::string& target, std::string help);
  void text(std::string_view names, std::string value_name, std::optional<std::string>& target, std::string help,
            std::string_view unset_means = {});
  // Each occurrence adds one; an empty one is refused.
  void texts(std::string_view names, std::string value_name, std::vector<std::string>& target, std::string help);
  void file(std::string_view names, std::string value_name, std::optional<std::string>& target, std::string help,
            std::string_view unset_means = {});
  void integer(std::string_view names, int& target, Range<int> range, std::string help);
  void integer(std::string_view names, std::optional<int>& target, Range<int> range, std::string help,
               std::string_view unset_means);
  void seed(std::string_view names, std::optional<std::uint32_t>& target, std::string help);
  void number(std::string_view names, float& target, Range<float> range, std::string help);
  void number(std::string_view names, double& target, Range<double> range, std::string help);
  void number(std::string_view names, std::optional<double>& target, Range<double> range, std::string help,
              std::string_view unset_means);
  // A number from 0 to below 1.
  void fraction(std::string_view names, std::optional<double>& target, std::string help, std::string_view unset_means);
  void choice(std::string_view names, std::string value_name, std::string& target, std::vector<std::string> choices,
              std::string help);

  // Declares --config FILE, and lets every option stand in that file and in the environment (settings.hpp).
  void settings(std::optional<std::string>& file);
  // The target of --config; nullptr: there are no such settings.
  const std::optional<std::string>* settings_file() const noexcept { return settings_file_; }

  // In the order in which they are filled. `kind`: kText, kFile, or kChoice with `choices`.
  void positional(std::string name, ValueKind kind, std::optional<std::string>& target, std::string help,
                  std::vector<std::string> choices = {});

  std::span<const OptionSpec> options() const noexcept { return options_; }
  // By any of its names, "--threads" or "-t"; nullptr if there is none.
  const OptionSpec* find(std::string_view name) const noexcept;

 private:
  OptionSpec& add(std::string_view names, std::string value_name, ValueKind kind, std::string help);

  std::vector<OptionSpec> options_;
  std::string section_ = "Options";
  const std::optional<std::string>* settings_file_ = nullptr;
};

// The whole text as a number within the range. Errors: kInvalidArgument, beginning with `name`:
// "--threads must be a whole number from 1 to 1024, not 'x'".
Result<std::int64_t> parse_integer(std::string_view name, std::string_view text, Range<std::int64_t> range);
Result<float> parse_number(std::string_view name, std::string_view text, Range<float> range);
Result<double> parse_double(std::string_view name, std::string_view text, Range<double> range);

}  // namespace hyprstream

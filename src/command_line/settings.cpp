#include "command_line/settings.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <format>
#include <fstream>
#include <vector>

#include "base/nearest_match.hpp"
#include "terminal/printable.hpp"

namespace hyprstream {
namespace {

// Not what is asked of the program itself, such as --help.
bool is_setting(const OptionSpec& option) {
  return !option.is_positional() && option.main_name() != "--config" && option.section != kCommonSection;
}

std::optional<bool> parse_switch(std::string_view text) {
  for (const char* word : {"1", "true", "on", "yes"})
    if (text == word) return true;
  for (const char* word : {"0", "false", "off", "no", ""})
    if (text == word) return false;
  return std::nullopt;
}

Result<void> assign_value(const OptionSpec& option, std::string_view value, const std::string& where) {
  const auto named = [&](const Error& error) { return Error{error.code, where + ": " + error.message}; };
  if (option.kind != ValueKind::kNone) return option.assign(value).transform_error(named);
  const auto on = parse_switch(value);
  if (!on)
    return fail(ErrorCode::kInvalidArgument, std::format("{} must be true or false, not {}", where, in_quotes(value)));
  return *on ? option.assign({}) : Result<void>();
}

Result<std::vector<CLI::ConfigItem>> read_items(const std::filesystem::path& file) {
  errno = 0;
  std::ifstream in(file);
  if (!in || in.peek() == std::ifstream::traits_type::eof()) {
    if (errno != 0) return fail_errno(file.string(), errno);
    return std::vector<CLI::ConfigItem>();
  }
  try {
    return CLI::ConfigTOML().from_config(in);
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidArgument, std::format("{}: {}", file.string(), printable_line(error.what())));
  }
}

std::unexpected<Error> unknown_key(const std::filesystem::path& file, const std::string& key,
                                   const ArgumentList& known) {
  std::vector<std::string> names;
  for (const auto& option : known.options())
    if (is_setting(option)) names.push_back(option.main_name().substr(2));
  const auto nearest = nearest_match(key, names);
  return fail(ErrorCode::kInvalidArgument,
              std::format("{}: there is no setting {}{}", file.string(), in_quotes(key),
                          nearest ? std::format(": did you mean {}?", in_quotes(*nearest))
                                  : ": settings are named as the options are, without the dashes"));
}

}  // namespace

std::string environment_name(const OptionSpec& option) {
  std::string name = "HYPRSTREAM_";
  for (const char c : option.main_name().substr(2))
    name += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return name;
}

Result<void> assign_settings_file(const ArgumentList& arguments, const std::filesystem::path& file,
                                  const std::set<const OptionSpec*>& given, const ArgumentList& known) {
  HYPRSTREAM_ASSIGN(const auto items, read_items(file));
  for (const auto& item : items) {
    // CLI11's marks of where a section begins and ends.
    if (item.name == "++" || item.name == "--") continue;
    const auto* among_all = known.find("--" + item.name);
    if (!item.parents.empty() || among_all == nullptr || !is_setting(*among_all))
      return unknown_key(file, item.fullname(), known);
    const auto* option = arguments.find("--" + item.name);
    if (option == nullptr || given.contains(option)) continue;
    const auto where = std::format("{}: {}", file.string(), item.name);
    if (item.inputs.size() > 1 && !option->repeatable)
      return fail(ErrorCode::kInvalidArgument, where + " takes one value, not a list");
    for (const auto& value : item.inputs)
      if (value != "%%") HYPRSTREAM_TRY(assign_value(*option, value, where));
  }
  return {};
}

Result<void> assign_settings(const ArgumentList& arguments, std::set<const OptionSpec*> given) {
  const OptionSpec* file = arguments.find("--config");
  for (const auto& option : arguments.options()) {
    if ((!is_setting(option) && &option != file) || given.contains(&option)) continue;
    const auto name = environment_name(option);
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) continue;
    HYPRSTREAM_TRY(assign_value(option, value, name));
    given.insert(&option);
  }
  if (const auto* path = arguments.settings_file(); path != nullptr && *path)
    return assign_settings_file(arguments, **path, given, arguments);
  return {};
}

}  // namespace hyprstream

// Options from elsewhere than the command line: HYPRSTREAM_* variables, and a file in TOML.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "base/error.hpp"
#include "command_line/argument_list.hpp"

namespace hyprstream {

// "--api-key-file" -> "HYPRSTREAM_API_KEY_FILE".
std::string environment_name(const OptionSpec& option);

// Puts in place what `given`, the options of the command line, leaves open: first from the environment, then from the
// file that --config names. Errors: kInvalidArgument, naming the variable, or the file and its key; those of reading.
Result<void> assign_settings(const ArgumentList& arguments, std::set<const OptionSpec*> given);

// From the file alone. `known`: every key that may stand in it, for those that are none of `arguments`.
Result<void> assign_settings_file(const ArgumentList& arguments, const std::filesystem::path& file,
                                  const std::set<const OptionSpec*>& given, const ArgumentList& known);

}  // namespace hyprstream

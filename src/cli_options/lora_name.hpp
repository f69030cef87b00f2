// The argument NAME of the lora commands.
#pragma once

#include <optional>
#include <string>

#include "adapter_files/adapter_store.hpp"
#include "base/error.hpp"
#include "command_line/argument_list.hpp"

namespace hyprstream {

void declare_lora_name(ArgumentList& arguments, std::optional<std::string>& name);

// Errors: kInvalidArgument (none was given), those of AdapterStore::find().
Result<StoredVersion> find_named(const AdapterStore& store, const std::optional<std::string>& name);

}  // namespace hyprstream

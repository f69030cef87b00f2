#include "cli_options/lora_name.hpp"

namespace hyprstream {

void declare_lora_name(ArgumentList& arguments, std::optional<std::string>& name) {
  arguments.positional("NAME", ValueKind::kText, name,
                       "An adapter: NAME, NAME@VERSION, or the first 8 or more characters of its id");
}

Result<StoredVersion> find_named(const AdapterStore& store, const std::optional<std::string>& name) {
  if (!name) return fail(ErrorCode::kInvalidArgument, "NAME is missing: 'hyprstream lora list' shows the adapters");
  return store.find(*name);
}

}  // namespace hyprstream

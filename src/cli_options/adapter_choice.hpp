// What a user may write for adapters, and loading them: MODEL+NAME[@VERSION][:SCALE]+...
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapter_engine/adapter_list.hpp"
#include "adapter_files/adapter_store.hpp"
#include "base/error.hpp"
#include "terminal/console.hpp"

namespace hyprstream {

struct AdapterChoice {
  std::string reference;  // as AdapterStore::find() takes it
  float scale = 1;
};

// "NAME", "NAME@2", "NAME:0.5". Errors: kInvalidArgument (a scale that is no number).
Result<AdapterChoice> parse_adapter_choice(std::string_view text);

struct ModelAndAdapters {
  std::string model;  // empty: nothing stands before the first '+'
  std::vector<AdapterChoice> adapters;
};

// The text is the model alone if it names a file as it is, plus signs and all. Errors: as parse_adapter_choice().
Result<ModelAndAdapters> split_model_and_adapters(const std::string& text);

// An adapter on its way into an engine.
struct ChosenAdapter {
  StoredVersion version;
  AdapterUse use;
};

// Loads them from the user's store. What the user should know, such as an adapter that changes nothing, goes to
// the console's status. Errors: those of AdapterStore::find() and load(), and of check_fits().
Result<std::vector<ChosenAdapter>> load_adapters(std::span<const AdapterChoice> choices, const BaseModel& base,
                                                 Console& console);

// For LoraEngine.
AdapterList adapter_list(std::span<const ChosenAdapter> adapters);

// The path of the model that a stored adapter is to be used with: `flag` if given (a MODEL, pulled if need be), else
// where the manifest says that it was made, else the bundled model, provided that it is the same. Errors: kNotFound
// (naming --base).
Result<std::string> base_path_for(const AdapterManifest& manifest, const std::optional<std::string>& flag,
                                  Console& console);

}  // namespace hyprstream

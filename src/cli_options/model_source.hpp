// From what a user writes for a model to a file on this disk, fetched if need be.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "cli_options/pull_progress.hpp"
#include "command_line/argument_list.hpp"
#include "hub/hub_settings.hpp"
#include "hub/pull.hpp"
#include "hub/reference.hpp"
#include "terminal/console.hpp"
#include "terminal/interrupt.hpp"

namespace hyprstream {

// What `--help` says a MODEL may be.
inline constexpr std::string_view kModelForms =
    "a GGUF file, 'bundled', a name like qwen3-0.6b, org/repo[:QUANT], hf://org/repo@rev/file.gguf, or the https "
    "address "
    "of a GGUF";

// The options of every command that may use the network.
struct HubFlags {
  bool offline = false;

  void declare(ArgumentList& arguments);
  // The environment's settings, with the options over them. Errors: those of hub_settings_from_environment().
  Result<HubSettings> settings() const;
};

// Errors: those of load_aliases() and parse_reference().
Result<ModelReference> read_reference(const std::string& text, const HubSettings& settings);

// What the reference, of Kind kHub or kUrl, names in the cache. Asks nobody. Errors: kNotFound.
Result<PulledModel> find_pulled(const HubSettings& settings, const ModelReference& reference);

// Fetches it, shows how far it is, and lets Ctrl-C stop it. Errors: those of pull_model().
Result<PulledModel> pull_with_progress(const HubSettings& settings, const ModelReference& reference,
                                       PullProgressStyle style, Console& console, const InterruptScope& interrupt);

// The GGUF file of a reference: the bundled model if there is none. What is not there yet is pulled. A path is given
// back as it is. Errors: those of the above.
Result<std::string> local_model_path(const std::optional<std::string>& reference, const HubFlags& flags,
                                     Console& console, const InterruptScope& interrupt);
// The same for commands without options of their own for the hub; makes the InterruptScope.
Result<std::string> local_model_path(const std::optional<std::string>& reference, Console& console);

// The folder or file of an adapter: `text` as it is, or, for hf://org/repo[@revision], where its files were pulled to.
Result<std::string> local_adapter_path(const std::string& text, Console& console);

}  // namespace hyprstream

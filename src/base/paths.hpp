// Where things lie: the installation, and the user's data.
#pragma once

#include <filesystem>

namespace hyprstream {

// The directory of the installation: it holds models/. The launcher
// names it in HYPRSTREAM_PREFIX, because under a private loader /proc/self/exe is the loader;
// without that, it is taken to be two levels above the running program.
std::filesystem::path install_prefix();

// The GGUF that ships with hyprstream and stands in wherever no model is named.
std::filesystem::path bundled_model_path();

// The text that adapters are compared on if none is named.
std::filesystem::path comparison_text_path();

// The examples that `quick-start --learn` learns from if none are named.
std::filesystem::path voice_examples_path();

// Where the parts that are loaded on demand lie: $HYPRSTREAM_MODULES, else lib/ of the installation.
std::filesystem::path module_directory();

// $HYPRSTREAM_HOME, else $XDG_DATA_HOME/hyprstream, else ~/.local/share/hyprstream.
// It may not exist yet.
std::filesystem::path data_home();

}  // namespace hyprstream

// hyprstream --version.
#pragma once

#include <string>

namespace hyprstream {

// One line each for hyprstream and the libraries that this process runs with; DuckDB and Arrow
// through the SQL module. A module that cannot be loaded is said so: it is optional.
std::string render_versions();

}  // namespace hyprstream

#include "flight/arrow_version.hpp"

#include <arrow/config.h>

namespace hyprstream {

const char* arrow_runtime_version() noexcept { return arrow::GetBuildInfo().version_string.c_str(); }

}  // namespace hyprstream

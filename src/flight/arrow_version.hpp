// Which Arrow this process runs with.
#pragma once

namespace hyprstream {

// "25.0.0", as the loaded library says. Static storage; thread-safe.
const char* arrow_runtime_version() noexcept;

}  // namespace hyprstream

// How much memory this process may still take.
#pragma once

#include <cstddef>
#include <optional>

namespace hyprstream {

// Bytes that Linux can give without swapping (MemAvailable), cut to what the control group allows; nothing if the
// system does not say. A snapshot: others may take it meanwhile. Thread-safe.
std::optional<std::size_t> available_memory();

}  // namespace hyprstream

// Results as Arrow files (arrow.apache.org/docs/format/Columnar.html#ipc-file-format).
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

// All rows, over what is at `path`; their number. Errors: the stream's; kResourceExhausted (disk full), kIo,
// kUnsupported (a type that Arrow's library does not know).
Result<std::int64_t> write_arrow_file(ResultStream& stream, const std::string& path);

// A batch of such columns without rows. Errors: kUnsupported (a type that Arrow's library does not know).
Result<ArrowArrayHandle> no_rows(const ArrowSchema& schema);

}  // namespace hyprstream

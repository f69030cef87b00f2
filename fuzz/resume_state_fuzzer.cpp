// Any bytes as the record of an interrupted download.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "hub/resume_state.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = hyprstream::parse_resume_state(std::as_bytes(std::span(data, size)));
  if (!record) return 0;
  std::uint64_t total = 0;
  for (const auto bytes : record->progress) {
    if (bytes > record->segment_size) std::abort();
    total += bytes;
  }
  if (total > record->size) std::abort();
  return 0;
}

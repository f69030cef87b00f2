// Any bytes as an adapter file of our own.
#include <cstdint>
#include <span>

#include "adapter_files/adapter_file.hpp"
#include "memory_file.hpp"
#include "use_adapter.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyprstream;
  static MemoryFile memory;
  memory.write(std::as_bytes(std::span(data, size)));
  if (const auto adapter = read_adapter_file(memory.path())) use_adapter(*adapter);
  return 0;
}

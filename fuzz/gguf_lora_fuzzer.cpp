// Any bytes as a LoRA file of llama.cpp.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "adapter_files/gguf_lora_file.hpp"
#include "memory_file.hpp"
#include "small_base.hpp"
#include "use_adapter.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyprstream;
  static MemoryFile memory;
  static const BaseModel base = testing_support::small_base();
  memory.write(std::as_bytes(std::span(data, size)));
  if (const auto adapter = read_gguf_lora(memory.path(), base)) {
    if (!check_fits(*adapter, base)) std::abort();
    use_adapter(*adapter);
  }
  return 0;
}

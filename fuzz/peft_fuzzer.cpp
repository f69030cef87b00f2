// Any bytes as the two files of a PEFT adapter.
//
// Input: adapter_config.json up to the first NUL, then adapter_model.safetensors.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "adapter_files/peft_directory.hpp"
#include "memory_file.hpp"
#include "small_base.hpp"
#include "use_adapter.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyprstream;
  static MemoryFile config;
  static MemoryFile weights;
  static const BaseModel base = testing_support::small_base("llama");  // with rows to permute
  const auto input = std::as_bytes(std::span(data, size));
  const auto nul = static_cast<std::size_t>(std::ranges::find(input, std::byte{0}) - input.begin());
  config.write(input.first(nul));
  weights.write(input.subspan(std::min(nul + 1, size)));
  if (const auto adapter = read_peft_files(config.path(), weights.path(), base)) {
    if (!check_fits(*adapter, base)) std::abort();
    use_adapter(*adapter);
  }
  return 0;
}

// Any bytes as a GGUF file: the reader, the model's info and the check take them or refuse them.
#include <cstdint>
#include <span>

#include "gguf/gguf_file.hpp"
#include "gguf/model_check.hpp"
#include "gguf/model_info.hpp"
#include "memory_file.hpp"

namespace {

// Reads what a view points to, so that a wrong one is seen.
void touch(std::span<const std::byte> bytes) {
  static volatile unsigned sink = 0;
  for (const std::byte byte : bytes) sink = sink + std::to_integer<unsigned>(byte);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyprstream;
  static MemoryFile memory;
  memory.write(std::as_bytes(std::span(data, size)));
  const auto file = GgufFile::open(memory.path());
  if (!file) return 0;
  for (const std::string_view key : file->keys()) {
    touch(file->find(key)->bytes);
    (void)file->find_string(key);
    (void)file->find_uint(key);
    (void)file->find_float(key);
    (void)file->find_bool(key);
    (void)file->find_uints(key);
    if (const auto strings = file->find_strings(key); strings && *strings)
      for (const std::string_view text : **strings) touch(std::as_bytes(std::span(text)));
  }
  for (const GgufTensor& tensor : file->tensors()) touch(tensor.data);
  (void)read_model_info(*file);
  (void)check_model_file(*file);
  return 0;
}

// safetensors files: 8 bytes with the length of a JSON header, the header, the tensors' bytes.
//
// Format: https://github.com/huggingface/safetensors#format. Reading trusts nothing: tensors must follow one another
// without gap or overlap, in a file that ends where the last one does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "gguf/tensor_type.hpp"

namespace hyprstream {

struct SafeTensor {
  std::string name;
  std::string dtype;                 // as in the file: "F32", "BF16", ...
  std::vector<std::uint64_t> shape;  // the contiguous dimension last
  std::span<const std::byte> bytes;  // in the mapped file; not aligned

  // The dtypes that GGUF has too and that we read as floats; nothing for the others.
  std::optional<TensorType> float_type() const noexcept;
};

// Immutable after open(); const access is thread-safe. Views into it die with it.
class SafetensorsFile {
 public:
  // Errors: those of MappedFile::open(); kCorrupt (naming tensor and reason); kUnsupported (an unknown dtype).
  static Result<SafetensorsFile> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const noexcept { return path_; }
  std::span<const SafeTensor> tensors() const noexcept { return tensors_; }  // in the order of their bytes

 private:
  SafetensorsFile(std::filesystem::path path, MappedFile file) noexcept;
  Result<void> parse();

  std::filesystem::path path_;
  MappedFile file_;
  std::vector<SafeTensor> tensors_;
};

// A float32 tensor to be written.
struct SafeTensorPlan {
  std::string name;
  std::vector<std::uint64_t> shape;
};

// Writes F32 tensors in this order; `values` gives each one's when its turn comes. The file appears when it is whole.
// Errors: those of AtomicFile; kInternal (another number of values than the shape says).
Result<void> write_safetensors(const std::filesystem::path& path, std::span<const SafeTensorPlan> tensors,
                               const std::function<std::vector<float>(std::size_t index)>& values);

}  // namespace hyprstream

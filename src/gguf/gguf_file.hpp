// Reading a GGUF file without trusting it.
//
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little
// endian. Every length, count and offset is checked before it is used, so that a truncated or
// hostile file is an error and never a crash; ggml's own getters abort on a wrong type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "gguf/tensor_type.hpp"

namespace hyprstream {

enum class GgufValueType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

// A metadata value: points into the mapped file.
struct GgufValue {
  GgufValueType type = GgufValueType::kUint8;
  GgufValueType element_type = GgufValueType::kUint8;  // of an array
  std::uint64_t count = 1;                             // elements of an array
  std::span<const std::byte> bytes;                    // as in the file, without the type and count
};

struct GgufTensor {
  std::string_view name;
  std::vector<std::uint64_t> shape;  // ggml's order: the contiguous dimension first
  TensorType type = TensorType::kF32;
  std::uint64_t elements = 0;
  std::span<const std::byte> data;  // in the mapped file
};

// Immutable after open(); const access is thread-safe. Views into it die with it.
class GgufFile {
 public:
  // Reads the header only; arrays and tensors stay in the mapped file. Errors: those of
  // MappedFile::open; kCorrupt, naming what is wrong and where; kUnsupported (version, byte order,
  // tensor type, array of arrays).
  static Result<GgufFile> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const noexcept { return path_; }
  std::uint64_t file_size() const noexcept { return file_.bytes().size(); }
  std::uint32_t version() const noexcept { return version_; }
  // Everything before the tensors' data: metadata and tensor table.
  std::span<const std::byte> header() const noexcept { return file_.bytes().first(header_size_); }

  // ---- Metadata ----
  // In file order.
  std::span<const std::string_view> keys() const noexcept { return keys_; }
  const GgufValue* find(std::string_view key) const noexcept;
  // Nothing if the key is missing. Errors: kCorrupt (another type; out of range for the result).
  Result<std::optional<std::string_view>> find_string(std::string_view key) const;
  Result<std::optional<std::uint64_t>> find_uint(std::string_view key) const;  // any integer type, not negative
  Result<std::optional<double>> find_float(std::string_view key) const;        // f32 or f64
  Result<std::optional<bool>> find_bool(std::string_view key) const;
  Result<std::optional<std::vector<std::string_view>>> find_strings(std::string_view key) const;
  Result<std::optional<std::vector<std::uint64_t>>> find_uints(std::string_view key) const;

  // ---- Tensors ----
  std::span<const GgufTensor> tensors() const noexcept { return tensors_; }
  const GgufTensor* find_tensor(std::string_view name) const noexcept;

 private:
  GgufFile(std::filesystem::path path, MappedFile file) noexcept;

  Result<void> parse();
  Result<void> parse_tensors(std::uint64_t begin, std::uint64_t count, std::uint64_t alignment);

  std::filesystem::path path_;
  MappedFile file_;
  std::uint32_t version_ = 0;
  std::size_t header_size_ = 0;
  std::vector<std::string_view> keys_;
  std::unordered_map<std::string_view, GgufValue> values_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string_view, std::size_t> tensor_index_;
};

}  // namespace hyprstream

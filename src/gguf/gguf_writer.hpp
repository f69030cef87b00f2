// Writing a GGUF file (version 3, alignment 32): metadata first, then each tensor as it is made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "gguf/gguf_file.hpp"
#include "gguf/tensor_type.hpp"

namespace hyprstream {

// Takes the bytes of one tensor, in any number of pieces. Not thread-safe.
class TensorSink {
 public:
  TensorSink(AtomicFile& file, std::uint64_t expected) noexcept : file_(file), remaining_(expected) {}

  // Errors: kResourceExhausted (disk full), kIo, kInternal (more bytes than the tensor has).
  Result<void> write(std::span<const std::byte> bytes);
  std::uint64_t remaining() const noexcept { return remaining_; }

 private:
  AtomicFile& file_;
  std::uint64_t remaining_;
};

// Collects metadata and the list of tensors in memory; tensor data only passes through finish().
// Setting a key again replaces its value. Not thread-safe.
class GgufWriter {
 public:
  // Called for each tensor in the order of add_tensor(); must write all of its bytes.
  using TensorSource = std::function<Result<void>(std::size_t index, TensorSink& sink)>;

  void set_string(std::string_view key, std::string_view value);
  void set_bool(std::string_view key, bool value);
  void set_uint32(std::string_view key, std::uint32_t value);
  void set_uint64(std::string_view key, std::uint64_t value);
  void set_float32(std::string_view key, float value);
  void set_float64(std::string_view key, double value);
  void set_strings(std::string_view key, std::span<const std::string> values);
  void set_int32s(std::string_view key, std::span<const std::int32_t> values);
  void set_uint32s(std::string_view key, std::span<const std::uint32_t> values);
  void set_float32s(std::string_view key, std::span<const float> values);
  // Any value of another file, as it is.
  void set_value(std::string_view key, const GgufValue& value);

  // `shape` with the contiguous dimension first. Errors: kInvalidArgument (a name that is taken,
  // empty or longer than 63 bytes; no or more than 4 dimensions; a row that is not whole blocks).
  Result<void> add_tensor(std::string_view name, std::span<const std::uint64_t> shape, TensorType type);

  // Writes the file; it appears at `path` only when it is whole. Errors: those of AtomicFile and of
  // `source`; kInvalidArgument (a key that is empty or longer than 65535 bytes).
  Result<void> finish(const std::filesystem::path& path, const TensorSource& source) const;

 private:
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> shape;
    TensorType type;
    std::uint64_t bytes;
  };

  void set(std::string_view key, GgufValueType type, std::string_view encoded);
  template <typename T>
  void set_array(std::string_view key, GgufValueType element_type, std::span<const T> values);
  std::string header() const;

  std::vector<std::pair<std::string, std::string>> values_;  // key, type and value as in the file
  std::vector<Tensor> tensors_;
  std::unordered_set<std::string> tensor_names_;
};

}  // namespace hyprstream

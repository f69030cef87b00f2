// A GGUF in pieces, which can be changed into anything, valid or not, and written out again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/gguf_file.hpp"

namespace hyprstream {

struct DraftValue {
  std::string key;
  std::uint32_t type = 0;
  bool is_array = false;
  std::vector<std::string> elements;  // bytes as in the file; one if it is no array; strings without their length
};

struct DraftTensor {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::uint32_t type = 0;
};

struct ModelDraft {
  std::vector<DraftValue> values;
  std::vector<DraftTensor> tensors;

  static ModelDraft from(const GgufFile& file);

  DraftValue* find(std::string_view key);
  void set_string(std::string_view key, std::string_view text);
  void set_uint32(std::string_view key, std::uint32_t number);

  // The bytes of the file: tensors one after the other, filled with a fixed pattern. Nothing if
  // they would take more than `most` bytes.
  std::optional<std::string> serialize(std::size_t most) const;
};

// Bytes of an element of a GGUF type of fixed size; 0 for the others.
std::size_t element_size(std::uint32_t type) noexcept;

}  // namespace hyprstream

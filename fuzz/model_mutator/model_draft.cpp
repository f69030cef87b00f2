#include "model_mutator/model_draft.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "gguf/tensor_type.hpp"

namespace hyprstream {
namespace {

constexpr auto kString = static_cast<std::uint32_t>(GgufValueType::kString);
constexpr auto kArray = static_cast<std::uint32_t>(GgufValueType::kArray);

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

void put_value(std::string& out, const DraftValue& value) {
  put_text(out, value.key);
  put(out, value.is_array ? kArray : value.type);
  if (value.is_array) {
    put(out, value.type);
    put(out, static_cast<std::uint64_t>(value.elements.size()));
  }
  for (const std::string& element : value.elements) {
    if (value.type == kString)
      put_text(out, element);
    else
      out += element;
  }
}

}  // namespace

std::size_t element_size(std::uint32_t type) noexcept {
  constexpr std::array<std::size_t, 13> kSizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < kSizes.size() ? kSizes[type] : 0;
}

ModelDraft ModelDraft::from(const GgufFile& file) {
  ModelDraft draft;
  for (const std::string_view key : file.keys()) {
    const GgufValue& source = *file.find(key);
    DraftValue value;
    value.key = key;
    value.is_array = source.type == GgufValueType::kArray;
    value.type = static_cast<std::uint32_t>(source.element_type);
    std::string_view bytes(reinterpret_cast<const char*>(source.bytes.data()), source.bytes.size());
    for (std::uint64_t i = 0; i < source.count; ++i) {
      std::size_t size = element_size(value.type);
      if (value.type == kString) {
        size = 0;
        std::copy_n(bytes.data(), sizeof(std::uint64_t), reinterpret_cast<char*>(&size));
        bytes.remove_prefix(sizeof(std::uint64_t));
      }
      value.elements.emplace_back(bytes.substr(0, size));
      bytes.remove_prefix(size);
    }
    draft.values.push_back(std::move(value));
  }
  for (const GgufTensor& tensor : file.tensors())
    draft.tensors.push_back({std::string(tensor.name), tensor.shape, static_cast<std::uint32_t>(tensor.type)});
  return draft;
}

DraftValue* ModelDraft::find(std::string_view key) {
  const auto found = std::ranges::find(values, key, &DraftValue::key);
  return found == values.end() ? nullptr : &*found;
}

void ModelDraft::set_string(std::string_view key, std::string_view text) {
  if (find(key) == nullptr) values.push_back({.key = std::string(key), .elements = {}});
  DraftValue& value = *find(key);
  value.type = kString;
  value.is_array = false;
  value.elements = {std::string(text)};
}

void ModelDraft::set_uint32(std::string_view key, std::uint32_t number) {
  if (find(key) == nullptr) values.push_back({.key = std::string(key), .elements = {}});
  DraftValue& value = *find(key);
  value.type = static_cast<std::uint32_t>(GgufValueType::kUint32);
  value.is_array = false;
  value.elements = {std::string()};
  put(value.elements[0], number);
}

std::optional<std::string> ModelDraft::serialize(std::size_t most) const {
  std::string out = "GGUF";
  put(out, std::uint32_t{3});
  put(out, static_cast<std::uint64_t>(tensors.size()));
  put(out, static_cast<std::uint64_t>(values.size()));
  for (const DraftValue& value : values) put_value(out, value);
  std::uint64_t data_size = 0;
  for (const DraftTensor& tensor : tensors) {
    put_text(out, tensor.name);
    put(out, static_cast<std::uint32_t>(tensor.shape.size()));
    for (const std::uint64_t size : tensor.shape) put(out, size);
    put(out, tensor.type);
    put(out, data_size);
    const auto type = tensor_type_from_number(tensor.type);
    const std::uint64_t bytes = type ? tensor_bytes(*type, tensor.shape).value_or(0) : 0;
    if (bytes > most || data_size > most) return std::nullopt;
    data_size += (bytes + 31) / 32 * 32;
  }
  out.resize((out.size() + 31) / 32 * 32);
  if (out.size() + data_size > most) return std::nullopt;
  // 0x3c3c is 1.05 in half precision and 0x3c3c3c3c is 0.01 in single: harmless in every type.
  out.append(data_size, '\x3c');
  return out;
}

}  // namespace hyprstream

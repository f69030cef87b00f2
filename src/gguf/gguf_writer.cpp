#include "gguf/gguf_writer.hpp"

#include <algorithm>
#include <type_traits>

namespace hyprstream {
namespace {

constexpr std::uint64_t kAlignment = 32;
constexpr std::size_t kMaxKeyBytes = 65535;
constexpr std::size_t kMaxTensorNameBytes = 63;

std::uint64_t padded(std::uint64_t size) noexcept { return (size + kAlignment - 1) / kAlignment * kAlignment; }

template <typename T>
  requires std::is_trivially_copyable_v<T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void append_string(std::string& out, std::string_view text) {
  append(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

void append_type(std::string& out, GgufValueType type) { append(out, static_cast<std::uint32_t>(type)); }

}  // namespace

Result<void> TensorSink::write(std::span<const std::byte> bytes) {
  if (bytes.size() > remaining_)
    return fail(ErrorCode::kInternal, "a tensor was given more bytes than its shape and type have");
  HYPRSTREAM_TRY(file_.write(bytes));
  remaining_ -= bytes.size();
  return {};
}

void GgufWriter::set(std::string_view key, GgufValueType type, std::string_view encoded) {
  std::string value;
  append_type(value, type);
  value += encoded;
  const auto found = std::ranges::find(values_, key, [](const auto& entry) { return std::string_view(entry.first); });
  if (found != values_.end())
    found->second = std::move(value);
  else
    values_.emplace_back(key, std::move(value));
}

void GgufWriter::set_string(std::string_view key, std::string_view value) {
  std::string encoded;
  append_string(encoded, value);
  set(key, GgufValueType::kString, encoded);
}

void GgufWriter::set_bool(std::string_view key, bool value) {
  set(key, GgufValueType::kBool, std::string(1, value ? '\1' : '\0'));
}

void GgufWriter::set_uint32(std::string_view key, std::uint32_t value) {
  std::string encoded;
  append(encoded, value);
  set(key, GgufValueType::kUint32, encoded);
}

void GgufWriter::set_uint64(std::string_view key, std::uint64_t value) {
  std::string encoded;
  append(encoded, value);
  set(key, GgufValueType::kUint64, encoded);
}

void GgufWriter::set_float32(std::string_view key, float value) {
  std::string encoded;
  append(encoded, value);
  set(key, GgufValueType::kFloat32, encoded);
}

void GgufWriter::set_strings(std::string_view key, std::span<const std::string> values) {
  std::string encoded;
  append_type(encoded, GgufValueType::kString);
  append(encoded, static_cast<std::uint64_t>(values.size()));
  for (const std::string& value : values) append_string(encoded, value);
  set(key, GgufValueType::kArray, encoded);
}

template <typename T>
void GgufWriter::set_array(std::string_view key, GgufValueType element_type, std::span<const T> values) {
  std::string encoded;
  append_type(encoded, element_type);
  append(encoded, static_cast<std::uint64_t>(values.size()));
  encoded.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  set(key, GgufValueType::kArray, encoded);
}

void GgufWriter::set_int32s(std::string_view key, std::span<const std::int32_t> values) {
  set_array(key, GgufValueType::kInt32, values);
}

void GgufWriter::set_uint32s(std::string_view key, std::span<const std::uint32_t> values) {
  set_array(key, GgufValueType::kUint32, values);
}

void GgufWriter::set_float64(std::string_view key, double value) {
  std::string encoded;
  append(encoded, value);
  set(key, GgufValueType::kFloat64, encoded);
}

void GgufWriter::set_float32s(std::string_view key, std::span<const float> values) {
  set_array(key, GgufValueType::kFloat32, values);
}

void GgufWriter::set_value(std::string_view key, const GgufValue& value) {
  std::string encoded;
  if (value.type == GgufValueType::kArray) {
    append_type(encoded, value.element_type);
    append(encoded, value.count);
  }
  encoded.append(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
  set(key, value.type, encoded);
}

Result<void> GgufWriter::add_tensor(std::string_view name, std::span<const std::uint64_t> shape, TensorType type) {
  const std::string label = "tensor '" + std::string(name) + "'";
  if (name.empty() || name.size() > kMaxTensorNameBytes || name.find('\0') != std::string_view::npos)
    return fail(ErrorCode::kInvalidArgument, label + " needs a name of 1 to 63 bytes");
  if (shape.empty() || shape.size() > 4)
    return fail(ErrorCode::kInvalidArgument, label + " needs 1 to 4 dimensions, not " + std::to_string(shape.size()));
  const auto bytes = tensor_bytes(type, shape);
  if (!bytes || *bytes == 0)
    return fail(ErrorCode::kInvalidArgument, label + " cannot have this shape as " +
                                                 std::string(tensor_type_name(type)) +
                                                 ": it is empty, too large, or a row is not a multiple of " +
                                                 std::to_string(block_elements(type)) + " elements");
  if (!tensor_names_.emplace(name).second) return fail(ErrorCode::kInvalidArgument, label + " was added twice");
  tensors_.push_back({std::string(name), {shape.begin(), shape.end()}, type, *bytes});
  return {};
}

std::string GgufWriter::header() const {
  std::string out = "GGUF";
  append(out, std::uint32_t{3});
  append(out, static_cast<std::uint64_t>(tensors_.size()));
  append(out, static_cast<std::uint64_t>(values_.size()));
  for (const auto& [key, value] : values_) {
    append_string(out, key);
    out += value;
  }
  std::uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    append_string(out, tensor.name);
    append(out, static_cast<std::uint32_t>(tensor.shape.size()));
    for (const std::uint64_t size : tensor.shape) append(out, size);
    append(out, static_cast<std::uint32_t>(tensor.type));
    append(out, offset);
    offset += padded(tensor.bytes);
  }
  out.resize(padded(out.size()));
  return out;
}

Result<void> GgufWriter::finish(const std::filesystem::path& path, const TensorSource& source) const {
  for (const auto& [key, value] : values_)
    if (key.empty() || key.size() > kMaxKeyBytes)
      return fail(ErrorCode::kInvalidArgument, "a metadata key is empty or longer than 65535 bytes");
  HYPRSTREAM_ASSIGN(AtomicFile file, AtomicFile::create(path));
  HYPRSTREAM_TRY(file.write(header()));
  const std::string zeros(kAlignment, '\0');
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    TensorSink sink(file, tensors_[i].bytes);
    HYPRSTREAM_TRY(source(i, sink));
    if (sink.remaining() != 0)
      return fail(ErrorCode::kInternal,
                  "tensor '" + tensors_[i].name + "' was given " + std::to_string(sink.remaining()) + " bytes too few");
    const std::uint64_t padding = padded(tensors_[i].bytes) - tensors_[i].bytes;
    HYPRSTREAM_TRY(file.write(std::string_view(zeros).substr(0, padding)));
  }
  return file.publish();
}

}  // namespace hyprstream

#include "gguf/gguf_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstring>
#include <limits>
#include <utility>

namespace hyprstream {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF values are used as they lie in the file");

constexpr std::uint64_t kMaxKeyBytes = 65535;      // by the format
constexpr std::uint64_t kMaxTensorNameBytes = 63;  // GGML_MAX_NAME with its final zero
constexpr std::uint32_t kMaxDimensions = 4;        // GGML_MAX_DIMS
constexpr std::uint64_t kDefaultAlignment = 32;
// The least that a key with its value, or a tensor's entry, takes: bounds what a count may reserve.
constexpr std::uint64_t kMinKeyEntryBytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t kMinTensorEntryBytes = 8 + 4 + 4 + 8;

// Bytes of a value of fixed size; 0 for strings, arrays and numbers that are no type.
std::uint64_t fixed_size(GgufValueType type) noexcept {
  switch (type) {
    case GgufValueType::kUint8:
    case GgufValueType::kInt8:
    case GgufValueType::kBool: return 1;
    case GgufValueType::kUint16:
    case GgufValueType::kInt16: return 2;
    case GgufValueType::kUint32:
    case GgufValueType::kInt32:
    case GgufValueType::kFloat32: return 4;
    case GgufValueType::kUint64:
    case GgufValueType::kInt64:
    case GgufValueType::kFloat64: return 8;
    case GgufValueType::kString:
    case GgufValueType::kArray: break;
  }
  return 0;
}

template <typename T>
T load(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

// A name from the file inside a message: hostile bytes must not reach a terminal.
std::string quoted(std::string_view name) {
  std::string text = "'";
  for (const char c : name.substr(0, 80)) text += std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '?';
  return text + (name.size() > 80 ? "...'" : "'");
}

// Reads forward through the mapped bytes and never past their end.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  std::uint64_t offset() const noexcept { return offset_; }
  std::uint64_t remaining() const noexcept { return bytes_.size() - offset_; }

  bool take(std::uint64_t count, std::span<const std::byte>& out) noexcept {
    if (count > remaining()) return false;
    out = bytes_.subspan(offset_, count);
    offset_ += count;
    return true;
  }

  template <typename T>
  bool read(T& out) noexcept {
    std::span<const std::byte> raw;
    if (!take(sizeof(T), raw)) return false;
    out = load<T>(raw.data());
    return true;
  }

  bool read_string(std::string_view& out) noexcept {
    std::uint64_t length = 0;
    std::span<const std::byte> raw;
    if (!read(length) || !take(length, raw)) return false;
    out = {reinterpret_cast<const char*>(raw.data()), raw.size()};
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t offset_ = 0;
};

std::unexpected<Error> corrupt(const std::filesystem::path& path, const std::string& what) {
  return fail(ErrorCode::kCorrupt, path.string() + " is damaged: " + what + "; get the file again");
}

std::unexpected<Error> truncated(const std::filesystem::path& path, const std::string& what) {
  return fail(ErrorCode::kCorrupt, path.string() + " is truncated: " + what + "; get the file again");
}

// Its head, with anything that is not printable shown as hexadecimal.
std::string first_bytes(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes.first(std::min<std::size_t>(4, bytes.size()))) {
    const auto c = std::to_integer<unsigned char>(byte);
    constexpr std::string_view kDigits = "0123456789abcdef";
    if (std::isprint(c) != 0)
      text += static_cast<char>(c);
    else
      text += {'\\', 'x', kDigits[c >> 4], kDigits[c & 15]};
  }
  return text;
}

std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : " x ") + std::to_string(shape[i]);
  return text + "]";
}

Result<GgufValue> read_value(Cursor& cursor, std::string_view key, const std::filesystem::path& path) {
  const auto ends_early = [&] { return truncated(path, "it ends inside the value of key " + quoted(key)); };
  std::uint32_t type_number = 0;
  if (!cursor.read(type_number)) return ends_early();
  GgufValue value;
  value.type = static_cast<GgufValueType>(type_number);
  value.element_type = value.type;
  if (value.type == GgufValueType::kArray) {
    std::uint32_t element_number = 0;
    if (!cursor.read(element_number) || !cursor.read(value.count)) return ends_early();
    value.element_type = static_cast<GgufValueType>(element_number);
    if (value.element_type == GgufValueType::kArray)
      return fail(ErrorCode::kUnsupported, path.string() + " cannot be read: key " + quoted(key) +
                                               " holds an array of arrays, which no known model needs");
  }
  if (value.element_type == GgufValueType::kString) {
    const Cursor start = cursor;
    std::string_view skipped;
    // Each string takes 8 bytes at least, so a false count ends at the end of the file.
    for (std::uint64_t i = 0; i < value.count; ++i)
      if (!cursor.read_string(skipped)) return ends_early();
    Cursor again = start;
    again.take(cursor.offset() - start.offset(), value.bytes);
    return value;
  }
  const std::uint64_t size = fixed_size(value.element_type);
  if (size == 0)
    return corrupt(path, "key " + quoted(key) + " has the unknown type " +
                             std::to_string(static_cast<std::uint32_t>(value.element_type)));
  if (value.count > cursor.remaining() / size) return ends_early();
  cursor.take(value.count * size, value.bytes);
  return value;
}

struct Head {
  std::uint32_t version = 0;
  std::uint64_t tensor_count = 0;
  std::uint64_t key_count = 0;
};

Result<Head> read_head(Cursor& cursor, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  constexpr std::array kMagic = {std::byte{'G'}, std::byte{'G'}, std::byte{'U'}, std::byte{'F'}};
  if (bytes.empty()) return fail(ErrorCode::kCorrupt, path.string() + " is empty: give a model in GGUF format");
  std::span<const std::byte> magic;
  if (!cursor.take(4, magic) || !std::ranges::equal(magic, kMagic))
    return fail(ErrorCode::kCorrupt, path.string() + " is not a GGUF file (it begins with '" + first_bytes(bytes) +
                                         "'): give a model in GGUF format");
  Head head;
  if (!cursor.read(head.version)) return truncated(path, "it ends inside the header");
  if (head.version != 0 && (head.version & 0xffffU) == 0)
    return fail(ErrorCode::kUnsupported, path.string() + " is a big-endian GGUF file: convert it to little-endian");
  if (head.version != 2 && head.version != 3)
    return fail(ErrorCode::kUnsupported, path.string() + " has GGUF version " + std::to_string(head.version) +
                                             ", and only 2 and 3 can be read: convert the model again");
  if (!cursor.read(head.tensor_count) || !cursor.read(head.key_count))
    return truncated(path, "it ends inside the header");
  if (head.key_count > cursor.remaining() / kMinKeyEntryBytes ||
      head.tensor_count > cursor.remaining() / kMinTensorEntryBytes)
    return truncated(path, "its header promises " + std::to_string(head.key_count) + " keys and " +
                               std::to_string(head.tensor_count) + " tensors, more than " +
                               std::to_string(bytes.size()) + " bytes can hold");
  return head;
}

// One entry of the tensor list; `offset` is relative to the data that follows it.
Result<GgufTensor> read_tensor(Cursor& cursor, std::uint64_t& offset, const std::filesystem::path& path) {
  GgufTensor tensor;
  std::uint32_t dimensions = 0;
  std::uint32_t type_number = 0;
  const auto ends_early = [&] { return truncated(path, "it ends inside the list of tensors"); };
  if (!cursor.read_string(tensor.name) || !cursor.read(dimensions)) return ends_early();
  const std::string name = "tensor " + quoted(tensor.name);
  if (tensor.name.empty() || tensor.name.size() > kMaxTensorNameBytes ||
      tensor.name.find('\0') != std::string_view::npos)
    return corrupt(path, name + " has a name that is empty, has a zero byte or is longer than 63 bytes");
  if (dimensions > kMaxDimensions)
    return corrupt(path, name + " has " + std::to_string(dimensions) + " dimensions, and at most 4 are allowed");
  tensor.shape.resize(dimensions);
  for (std::uint64_t& size : tensor.shape)
    if (!cursor.read(size)) return ends_early();
  if (!cursor.read(type_number) || !cursor.read(offset)) return ends_early();
  const auto type = tensor_type_from_number(type_number);
  if (!type)
    return fail(ErrorCode::kUnsupported, path.string() + " cannot be read: " + name + " has type " +
                                             std::to_string(type_number) +
                                             ", which is unknown here: convert the model to a type such as Q8_0");
  tensor.type = *type;
  const auto elements = tensor_elements(tensor.shape);
  if (!elements || !tensor_bytes(tensor.type, tensor.shape))
    return corrupt(path, name + " has the impossible shape " + shape_text(tensor.shape) + " for type " +
                             std::string(tensor_type_name(tensor.type)));
  tensor.elements = *elements;
  return tensor;
}

std::unexpected<Error> wrong_type(const std::filesystem::path& path, std::string_view key, const char* wanted) {
  return corrupt(path, "key " + quoted(key) + " is not " + wanted);
}

// Any integer type but bool; nothing if the type is another or the number is negative.
std::optional<std::uint64_t> load_uint(GgufValueType type, const std::byte* at) noexcept {
  const auto positive = [](std::int64_t value) -> std::optional<std::uint64_t> {
    if (value < 0) return std::nullopt;
    return static_cast<std::uint64_t>(value);
  };
  switch (type) {
    case GgufValueType::kUint8: return load<std::uint8_t>(at);
    case GgufValueType::kInt8: return positive(load<std::int8_t>(at));
    case GgufValueType::kUint16: return load<std::uint16_t>(at);
    case GgufValueType::kInt16: return positive(load<std::int16_t>(at));
    case GgufValueType::kUint32: return load<std::uint32_t>(at);
    case GgufValueType::kInt32: return positive(load<std::int32_t>(at));
    case GgufValueType::kUint64: return load<std::uint64_t>(at);
    case GgufValueType::kInt64: return positive(load<std::int64_t>(at));
    default: return std::nullopt;
  }
}

}  // namespace

GgufFile::GgufFile(std::filesystem::path path, MappedFile file) noexcept
    : path_(std::move(path)), file_(std::move(file)) {}

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
  HYPRSTREAM_ASSIGN(MappedFile mapped, MappedFile::open(path));
  GgufFile file(path, std::move(mapped));
  HYPRSTREAM_TRY(file.parse());
  return file;
}

Result<void> GgufFile::parse() {
  const std::span<const std::byte> bytes = file_.bytes();
  Cursor cursor(bytes);
  HYPRSTREAM_ASSIGN(const Head head, read_head(cursor, bytes, path_));
  version_ = head.version;

  keys_.reserve(head.key_count);
  values_.reserve(head.key_count);
  for (std::uint64_t i = 0; i < head.key_count; ++i) {
    std::string_view key;
    if (!cursor.read_string(key)) return truncated(path_, "it ends inside its metadata");
    if (key.empty() || key.size() > kMaxKeyBytes || key.find('\0') != std::string_view::npos)
      return corrupt(path_, "a metadata key is empty, has a zero byte or is longer than 65535 bytes");
    HYPRSTREAM_ASSIGN(const GgufValue value, read_value(cursor, key, path_));
    if (!values_.emplace(key, value).second) return corrupt(path_, "key " + quoted(key) + " is there twice");
    keys_.push_back(key);
  }

  std::uint64_t alignment = kDefaultAlignment;
  if (const GgufValue* value = find("general.alignment")) {
    // ggml aborts on any other type.
    if (value->type != GgufValueType::kUint32) return wrong_type(path_, "general.alignment", "a 32-bit number");
    alignment = load<std::uint32_t>(value->bytes.data());
    if (!std::has_single_bit(alignment)) return corrupt(path_, "general.alignment is not a power of two");
  }
  return parse_tensors(cursor.offset(), head.tensor_count, alignment);
}

Result<void> GgufFile::parse_tensors(std::uint64_t begin, std::uint64_t count, std::uint64_t alignment) {
  const std::span<const std::byte> bytes = file_.bytes();
  Cursor cursor(bytes.subspan(begin));
  tensors_.reserve(count);
  tensor_index_.reserve(count);
  std::vector<std::uint64_t> offsets(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    HYPRSTREAM_ASSIGN(GgufTensor tensor, read_tensor(cursor, offsets[i], path_));
    if (!tensor_index_.emplace(tensor.name, i).second)
      return corrupt(path_, "tensor " + quoted(tensor.name) + " is there twice");
    tensors_.push_back(std::move(tensor));
  }
  header_size_ = begin + cursor.offset();
  // No overflow: the offset is at most the file's size, the alignment below 2^32.
  const std::uint64_t data_begin = (begin + cursor.offset() + alignment - 1) / alignment * alignment;
  for (std::uint64_t i = 0; i < count; ++i) {
    GgufTensor& tensor = tensors_[i];
    const std::uint64_t size = *tensor_bytes(tensor.type, tensor.shape);
    if (offsets[i] % alignment != 0)
      return corrupt(path_, "tensor " + quoted(tensor.name) + " begins at " + std::to_string(offsets[i]) +
                                ", which is not a multiple of " + std::to_string(alignment));
    if (offsets[i] > std::numeric_limits<std::uint64_t>::max() - data_begin - size)
      return corrupt(
          path_, "tensor " + quoted(tensor.name) + " begins at the impossible offset " + std::to_string(offsets[i]));
    const std::uint64_t tensor_begin = data_begin + offsets[i];
    if (tensor_begin + size > bytes.size())
      return truncated(path_, "tensor " + quoted(tensor.name) + " ends at byte " + std::to_string(tensor_begin + size) +
                                  ", the file has " + std::to_string(bytes.size()));
    tensor.data = bytes.subspan(tensor_begin, size);
  }
  return {};
}

const GgufValue* GgufFile::find(std::string_view key) const noexcept {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

Result<std::optional<std::string_view>> GgufFile::find_string(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufValueType::kString) return wrong_type(path_, key, "text");
  const auto text = value->bytes.subspan(sizeof(std::uint64_t));
  return std::string_view(reinterpret_cast<const char*>(text.data()), text.size());
}

Result<std::optional<std::uint64_t>> GgufFile::find_uint(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto number = load_uint(value->type, value->bytes.data());
  if (!number) return wrong_type(path_, key, "a whole number from 0 on");
  return number;
}

Result<std::optional<double>> GgufFile::find_float(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type == GgufValueType::kFloat32) return load<float>(value->bytes.data());
  if (value->type == GgufValueType::kFloat64) return load<double>(value->bytes.data());
  return wrong_type(path_, key, "a floating-point number");
}

Result<std::optional<bool>> GgufFile::find_bool(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufValueType::kBool) return wrong_type(path_, key, "a boolean");
  return value->bytes[0] != std::byte{0};
}

Result<std::optional<std::vector<std::string_view>>> GgufFile::find_strings(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufValueType::kArray || value->element_type != GgufValueType::kString)
    return wrong_type(path_, key, "a list of texts");
  std::vector<std::string_view> strings(value->count);
  Cursor cursor(value->bytes);
  for (std::string_view& text : strings) cursor.read_string(text);  // walked whole by open()
  return strings;
}

Result<std::optional<std::vector<std::uint64_t>>> GgufFile::find_uints(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufValueType::kArray) return wrong_type(path_, key, "a list of whole numbers");
  const std::uint64_t size = fixed_size(value->element_type);
  std::vector<std::uint64_t> numbers;
  numbers.reserve(size == 0 ? 0 : value->count);
  for (std::uint64_t i = 0; i < value->count; ++i) {
    const auto number = load_uint(value->element_type, value->bytes.data() + i * size);
    if (!number) return wrong_type(path_, key, "a list of whole numbers from 0 on");
    numbers.push_back(*number);
  }
  return numbers;
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const noexcept {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace hyprstream

#include "adapter_files/safetensors.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <format>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/json.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLengthBytes = 8;
// 100,000 tensors and more. The format allows 100 MB, which no adapter comes near.
constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{16} << 20;
constexpr std::size_t kMaxDimensions = 8;
constexpr std::string_view kMetadata = "__metadata__";

struct Dtype {
  std::string_view name;
  std::uint64_t bits;
};
constexpr std::array<Dtype, 16> kDtypes{{{"BOOL", 8},
                                         {"U8", 8},
                                         {"I8", 8},
                                         {"F8_E4M3", 8},
                                         {"F8_E5M2", 8},
                                         {"F8_E8M0", 8},
                                         {"I16", 16},
                                         {"U16", 16},
                                         {"F16", 16},
                                         {"BF16", 16},
                                         {"I32", 32},
                                         {"U32", 32},
                                         {"F32", 32},
                                         {"I64", 64},
                                         {"U64", 64},
                                         {"F64", 64}}};

// A tensor before its bytes are looked at.
struct Entry {
  SafeTensor tensor;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

std::optional<std::vector<std::uint64_t>> unsigned_list(const Json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_array()) return std::nullopt;
  std::vector<std::uint64_t> numbers;
  for (const auto& value : *at) {
    if (!value.is_number_unsigned()) return std::nullopt;
    numbers.push_back(value.get<std::uint64_t>());
  }
  return numbers;
}

// Bytes that the shape takes; nothing if that overflows.
std::optional<std::uint64_t> size_of(std::span<const std::uint64_t> shape, std::uint64_t bits) {
  std::uint64_t size = bits / 8;
  for (const std::uint64_t dimension : shape) {
    if (dimension != 0 && size > std::numeric_limits<std::uint64_t>::max() / dimension) return std::nullopt;
    size *= dimension;
  }
  return size;
}

Result<Entry> parse_entry(const std::string& name, const Json& value) {
  const auto corrupt = [&](std::string_view what) {
    return fail(ErrorCode::kCorrupt, std::format("tensor {:.200}: {}", name, what));
  };
  if (!value.is_object()) return corrupt("its entry in the header is no object");
  const auto dtype = value.find("dtype");
  auto shape = unsigned_list(value, "shape");
  const auto offsets = unsigned_list(value, "data_offsets");
  if (dtype == value.end() || !dtype->is_string() || !shape || !offsets || offsets->size() != 2)
    return corrupt("it has no dtype, shape or data_offsets, or they are of the wrong form");
  if (shape->size() > kMaxDimensions) return corrupt(std::format("it has {} dimensions", shape->size()));
  const auto type_name = dtype->get<std::string>();
  const auto* type = std::ranges::find(kDtypes, type_name, &Dtype::name);
  if (type == kDtypes.end())
    return fail(ErrorCode::kUnsupported, std::format("tensor {:.200}: its dtype {:.40} is not known", name, type_name));
  const auto size = size_of(*shape, type->bits);
  const std::uint64_t begin = (*offsets)[0];
  const std::uint64_t end = (*offsets)[1];
  if (end < begin || !size || *size != end - begin)
    return corrupt(std::format("its data_offsets {} to {} are not what its shape and dtype take", begin, end));
  return Entry{.tensor = {.name = name, .dtype = type_name, .shape = std::move(*shape), .bytes = {}},
               .begin = begin,
               .end = end};
}

}  // namespace

std::optional<TensorType> SafeTensor::float_type() const noexcept {
  if (dtype == "F32") return TensorType::kF32;
  if (dtype == "F16") return TensorType::kF16;
  if (dtype == "BF16") return TensorType::kBF16;
  return std::nullopt;
}

SafetensorsFile::SafetensorsFile(std::filesystem::path path, MappedFile file) noexcept
    : path_(std::move(path)), file_(std::move(file)) {}

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  HYPRSTREAM_ASSIGN(auto mapped, MappedFile::open(path));
  SafetensorsFile file(path, std::move(mapped));
  if (auto parsed = file.parse(); !parsed) {
    const auto* what = parsed.error().code == ErrorCode::kCorrupt ? " is not a sound safetensors file" : "";
    return fail(parsed.error().code, std::format("{}{}: {}", path.string(), what, parsed.error().message));
  }
  return file;
}

Result<void> SafetensorsFile::parse() {
  const auto bytes = file_.bytes();
  const auto corrupt = [](std::string message) { return fail(ErrorCode::kCorrupt, std::move(message)); };
  if (bytes.size() < kLengthBytes) return corrupt(std::format("it has {} bytes", bytes.size()));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > bytes.size() - kLengthBytes)
    return corrupt(std::format("its header shall have {} bytes, and the file has {}", length, bytes.size()));
  if (length > kMaxHeaderBytes)
    return corrupt(std::format("its header of {} bytes is larger than {}", length, kMaxHeaderBytes));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
  HYPRSTREAM_ASSIGN(const auto header, parse_json(text, "its header"));
  if (!header.is_object()) return corrupt("its header is no JSON object");

  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadata) continue;
    HYPRSTREAM_ASSIGN(auto entry, parse_entry(name, value));
    entries.push_back(std::move(entry));
  }
  // By name where tensors are empty, so that the order is the same in every run.
  std::ranges::sort(entries, {},
                    [](const Entry& entry) { return std::tie(entry.begin, entry.end, entry.tensor.name); });
  const auto data = bytes.subspan(kLengthBytes + length);
  std::uint64_t at = 0;
  for (auto& entry : entries) {
    if (entry.begin != at)
      return corrupt(std::format("tensor {:.200} begins at {}, and the one before it ends at {}", entry.tensor.name,
                                 entry.begin, at));
    if (entry.end > data.size())
      return corrupt(
          std::format("tensor {:.200} ends at {}, and the data at {}", entry.tensor.name, entry.end, data.size()));
    entry.tensor.bytes = data.subspan(entry.begin, entry.end - entry.begin);
    at = entry.end;
    tensors_.push_back(std::move(entry.tensor));
  }
  if (at != data.size()) return corrupt(std::format("{} bytes follow its last tensor", data.size() - at));
  return {};
}

Result<void> write_safetensors(const std::filesystem::path& path, std::span<const SafeTensorPlan> tensors,
                               const std::function<std::vector<float>(std::size_t index)>& values) {
  Json header{{kMetadata, {{"format", "pt"}}}};  // transformers asks for it
  std::vector<std::uint64_t> sizes;
  std::uint64_t at = 0;
  for (const auto& [name, shape] : tensors) {
    const auto size = size_of(shape, 32);
    if (!size) return fail(ErrorCode::kInternal, "the size of " + name + " overflows");
    header[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {at, at + *size}}};
    sizes.push_back(*size);
    at += *size;
  }
  std::string text = header.dump();
  text.resize((text.size() + kLengthBytes - 1) / kLengthBytes * kLengthBytes, ' ');  // aligns the data
  const std::uint64_t length = text.size();
  HYPRSTREAM_ASSIGN(auto file, AtomicFile::create(path));
  HYPRSTREAM_TRY(file.write(std::as_bytes(std::span(&length, 1))));
  HYPRSTREAM_TRY(file.write(text));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto tensor = values(i);
    if (tensor.size() * sizeof(float) != sizes[i])
      return fail(ErrorCode::kInternal, std::format("{} has {} values", tensors[i].name, tensor.size()));
    HYPRSTREAM_TRY(file.write(std::as_bytes(std::span(tensor))));
  }
  return file.publish();
}

}  // namespace hyprstream

#include "adapter_files/import.hpp"

#include <algorithm>
#include <format>
#include <string_view>

#include "adapter_files/adapter_file.hpp"
#include "adapter_files/gguf_lora_file.hpp"
#include "adapter_files/peft_directory.hpp"
#include "base/mapped_file.hpp"
#include "gguf/gguf_file.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kWanted =
    "an adapter is a file of hyprstream, a LoRA GGUF of llama.cpp, or a PEFT directory with adapter_config.json and "
    "adapter_model.safetensors";

std::unexpected<Error> not_an_adapter(const std::filesystem::path& path, std::string_view what) {
  return fail(ErrorCode::kUnsupported, std::format("{} {}: {}", path.string(), what, kWanted));
}

bool is_there(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

Result<LoraAdapter> import_directory(const std::filesystem::path& path, const BaseModel& base) {
  if (!is_there(path / kPeftConfig)) return not_an_adapter(path, "has no adapter_config.json");
  if (!is_there(path / kPeftWeights)) {
    if (is_there(path / "adapter_model.bin"))
      return fail(ErrorCode::kUnsupported, std::format("{} keeps its weights in adapter_model.bin, which can hold "
                                                       "programs and is not read: save it with safe_serialization=True",
                                                       path.string()));
    return not_an_adapter(path, "has no adapter_model.safetensors");
  }
  return read_peft_directory(path, base);
}

Result<LoraAdapter> import_gguf(const std::filesystem::path& path, const BaseModel& base) {
  HYPRSTREAM_ASSIGN(const auto file, GgufFile::open(path));
  if (is_adapter_file(file)) {
    HYPRSTREAM_ASSIGN(auto adapter, read_adapter_file(path));
    if (auto fits = check_fits(adapter, base); !fits)
      return fail(fits.error().code, std::format("{}: {}", path.string(), fits.error().message));
    return adapter;
  }
  const auto type = file.find_string("general.type");
  if (type && *type == "adapter") return read_gguf_lora(path, base);
  return not_an_adapter(path, "is a model and not an adapter");
}

}  // namespace

Result<LoraAdapter> import_adapter(const std::filesystem::path& path, const BaseModel& base) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return import_directory(path, base);
  constexpr std::string_view kMagic = "GGUF";
  bool is_gguf = false;
  {
    HYPRSTREAM_ASSIGN(const auto file, MappedFile::open(path));
    is_gguf = file.bytes().size() >= kMagic.size() &&
              std::ranges::equal(file.bytes().first(kMagic.size()), std::as_bytes(std::span(kMagic)));
  }
  if (is_gguf) return import_gguf(path, base);
  if (path.filename() == kPeftConfig)
    return import_directory(path.parent_path().empty() ? "." : path.parent_path(), base);
  if (path.extension() == ".safetensors") {
    const auto config = path.parent_path() / kPeftConfig;
    if (!is_there(config)) return not_an_adapter(path, "has no adapter_config.json beside it");
    return read_peft_files(config, path, base);
  }
  return not_an_adapter(path, "is no adapter");
}

}  // namespace hyprstream

#include "gguf/split_files.hpp"

#include <cstdio>
#include <string>
#include <system_error>

namespace hyprstream {
namespace {

constexpr std::uint64_t kMaxParts = 99999;  // the file names have five digits

std::string part_suffix(std::uint64_t number, std::uint64_t count) {
  char text[64];
  std::snprintf(text, sizeof text, "-%05llu-of-%05llu.gguf", static_cast<unsigned long long>(number),
                static_cast<unsigned long long>(count));
  return text;
}

}  // namespace

Result<std::vector<std::filesystem::path>> further_parts(const GgufFile& first) {
  std::vector<std::filesystem::path> parts;
  HYPRSTREAM_ASSIGN(const auto count, first.find_uint("split.count"));
  HYPRSTREAM_ASSIGN(const auto index, first.find_uint("split.no"));
  if (count.value_or(0) <= 1) return parts;
  const std::string name = first.path().filename().string();
  const std::uint64_t own_index = index.value_or(0);
  if (*count > kMaxParts || own_index >= *count)
    return fail(ErrorCode::kCorrupt, first.path().string() + " is damaged: it says that it is part " +
                                         std::to_string(own_index) + " of " + std::to_string(*count) +
                                         ", counted from 0; get the file again");
  const std::string suffix = part_suffix(own_index + 1, *count);
  if (!name.ends_with(suffix))
    return fail(ErrorCode::kCorrupt, first.path().string() + " is part " + std::to_string(own_index + 1) + " of " +
                                         std::to_string(*count) + " of a model, so its name must end in '" + suffix +
                                         "': rename it");
  const std::string stem = name.substr(0, name.size() - suffix.size());
  const auto part_path = [&](std::uint64_t number) {
    return first.path().parent_path() / (stem + part_suffix(number, *count));
  };
  if (own_index != 0)
    return fail(ErrorCode::kInvalidArgument, first.path().string() + " is part " + std::to_string(own_index + 1) +
                                                 " of " + std::to_string(*count) + " of a model: give the first, " +
                                                 part_path(1).string());
  for (std::uint64_t number = 2; number <= *count; ++number) {
    parts.push_back(part_path(number));
    std::error_code ignored;
    if (!std::filesystem::exists(parts.back(), ignored))
      return fail(ErrorCode::kNotFound, parts.back().string() + " is missing: the model of " + first.path().string() +
                                            " has " + std::to_string(*count) + " parts, put all of them in one place");
  }
  return parts;
}

}  // namespace hyprstream

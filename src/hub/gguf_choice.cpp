#include "hub/gguf_choice.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <format>
#include <numeric>
#include <unordered_map>

namespace hyprstream {
namespace {

constexpr std::string_view kExtension = ".gguf";

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Without folder and extension, upper-case.
std::string stem_of(std::string_view path) {
  path.remove_prefix(path.rfind('/') + 1);
  return upper(path.substr(0, path.size() - std::min(path.size(), kExtension.size())));
}

bool is_gguf(std::string_view path) { return upper(path).ends_with(upper(kExtension)); }

struct Split {
  std::string_view stem;  // without the number
  std::uint64_t number = 1;
  std::uint64_t count = 1;
};

// "X-00001-OF-00003"
Split split_of(std::string_view stem) {
  constexpr std::size_t kLength = 15;
  if (stem.size() <= kLength) return {.stem = stem};
  const auto tail = stem.substr(stem.size() - kLength);
  const auto number = [&](std::size_t at) {
    std::uint64_t value = 0;
    const auto digits = tail.substr(at, 5);
    if (std::ranges::all_of(digits, is_digit)) std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  };
  const Split split{.stem = stem.substr(0, stem.size() - kLength), .number = number(1), .count = number(10)};
  const bool is_split =
      tail[0] == '-' && tail.substr(6, 4) == "-OF-" && split.number >= 1 && split.number <= split.count;
  return is_split ? split : Split{.stem = stem};
}

// "Q4_K_M", "IQ3_XXS", "TQ1_0", "MXFP4_MOE", "BF16"
bool is_label(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kPlain{"F16", "F32", "BF16", "FP16", "FP32", "MXFP4", "NVFP4"};
  if (std::ranges::contains(kPlain, text) || text == "MXFP4_MOE") return true;
  if (text.starts_with('I') || text.starts_with('T')) text.remove_prefix(1);
  if (text.size() < 4 || text[0] != 'Q' || !is_digit(text[1]) || text[2] != '_') return false;
  return std::ranges::all_of(text.substr(3), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

// The last part of a name between '-' or '.' that is a label, or ends in one after '_'.
std::string label_in(std::string_view stem) {
  while (!stem.empty()) {
    const auto separator = stem.find_last_of("-. ");
    auto part = separator == std::string_view::npos ? stem : stem.substr(separator + 1);
    for (;;) {
      if (is_label(part)) return std::string(part);
      const auto underscore = part.find('_');
      if (underscore == std::string_view::npos) break;
      part.remove_prefix(underscore + 1);
    }
    if (separator == std::string_view::npos) break;
    stem = stem.substr(0, separator);
  }
  return {};
}

// Whether the user's word is this model's: its label, or how its name ends ("UD-Q4_K_XL").
bool matches(const GgufVariant& variant, std::string_view wanted) {
  if (variant.quantization == wanted) return true;
  const std::string stem = stem_of(variant.files.front().path);
  const auto name = split_of(stem).stem;
  if (!name.ends_with(wanted) || name.size() == wanted.size()) return name == wanted;
  return std::string_view("-._").contains(name[name.size() - wanted.size() - 1]);
}

std::string list_of(std::span<const GgufVariant> variants) {
  std::string out;
  for (const auto& variant : variants.first(std::min<std::size_t>(variants.size(), 20))) {
    if (!out.empty()) out += ", ";
    out += variant.quantization.empty() ? variant.files.front().path : variant.quantization;
  }
  return variants.size() > 20 ? out + ", ..." : out;
}

std::unexpected<Error> no_gguf(std::span<const RepositoryFile> files, std::string_view repository) {
  std::string names;
  for (const auto& file : files.first(std::min<std::size_t>(files.size(), 10)))
    names += (names.empty() ? "" : ", ") + file.path;
  if (files.size() > 10) names += std::format(" and {} more", files.size() - 10);
  return fail(ErrorCode::kNotFound,
              std::format("{} has no GGUF file, it has {}: look for one that has with hyprstream model search",
                          repository, names.empty() ? "no files at all" : names));
}

}  // namespace

std::uint64_t GgufVariant::size() const noexcept {
  return std::accumulate(files.begin(), files.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const RepositoryFile& file) { return sum + file.size; });
}

std::string quantization_of(std::string_view path) {
  const std::string stem = stem_of(path);
  if (auto label = label_in(split_of(stem).stem); !label.empty()) return label;
  // Some repositories have a folder per quantization.
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return {};
  const auto folder = path.substr(0, slash);
  return label_in(upper(folder.substr(folder.rfind('/') + 1)));
}

std::vector<GgufVariant> group_variants(std::span<const RepositoryFile> files) {
  std::unordered_map<std::string, const RepositoryFile*> by_name;  // upper-case, with its folder
  for (const auto& file : files) by_name.emplace(upper(file.path), &file);
  std::vector<GgufVariant> variants;
  for (const auto& file : files) {
    const std::string stem = stem_of(file.path);
    if (!is_gguf(file.path) || stem.starts_with("MMPROJ") || stem.contains("IMATRIX")) continue;
    const auto split = split_of(stem);
    if (split.number != 1) continue;
    GgufVariant variant{.quantization = quantization_of(file.path), .files = {file}};
    const auto folder = file.path.substr(0, file.path.rfind('/') + 1);
    for (std::uint64_t number = 2; number <= split.count; ++number) {
      const auto part =
          by_name.find(std::format("{}{}-{:05}-OF-{:05}.GGUF", upper(folder), split.stem, number, split.count));
      if (part == by_name.end()) break;
      variant.files.push_back(*part->second);
    }
    if (variant.files.size() == split.count) variants.push_back(std::move(variant));
  }
  return variants;
}

Result<GgufVariant> choose_variant(std::span<const RepositoryFile> files,
                                   const std::optional<std::string>& quantization, std::string_view repository) {
  auto variants = group_variants(files);
  if (variants.empty()) return no_gguf(files, repository);
  const auto find = [&](std::string_view wanted) {
    return std::ranges::find_if(variants, [&](const GgufVariant& variant) { return matches(variant, wanted); });
  };
  if (quantization) {
    const auto found = find(upper(*quantization));
    if (found != variants.end()) return std::move(*found);
    return fail(ErrorCode::kNotFound,
                std::format("{} has no {}: it has {}", repository, upper(*quantization), list_of(variants)));
  }
  for (const std::string_view preferred : {"Q4_K_M", "Q8_0"})
    if (const auto found = find(preferred); found != variants.end()) return std::move(*found);
  return std::move(variants.front());
}

Result<GgufVariant> choose_file(std::span<const RepositoryFile> files, std::string_view path,
                                std::string_view repository) {
  for (auto& variant : group_variants(files))
    if (variant.files.front().path == path) return std::move(variant);
  const auto file = std::ranges::find(files, path, &RepositoryFile::path);
  if (file == files.end()) {
    const auto variants = group_variants(files);
    return variants.empty() ? no_gguf(files, repository)
                            : fail(ErrorCode::kNotFound,
                                   std::format("{} has no file {}: it has {}", repository, path, list_of(variants)));
  }
  if (!is_gguf(path))
    return fail(ErrorCode::kUnsupported, std::format("{} of {} is no GGUF file: name one that is", path, repository));
  return GgufVariant{.quantization = quantization_of(path), .files = {*file}};
}

}  // namespace hyprstream

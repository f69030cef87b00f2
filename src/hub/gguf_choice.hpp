// Which files of a repository are one model, and which model is meant.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "hub/repository_file.hpp"

namespace hyprstream {

// A model: one GGUF, or all parts of a split one.
struct GgufVariant {
  std::string quantization;           // from the file name, upper-case: "Q4_K_M"; empty if it says none
  std::vector<RepositoryFile> files;  // the parts in order

  std::uint64_t size() const noexcept;
};

// "Q4_K_M" from "sub/model-Q4_K_M-00001-of-00002.gguf"; empty if the name has no quantization in it.
std::string quantization_of(std::string_view path);

// The models among the files, in their order. Projectors (mmproj-*) and importance matrices are none. A split
// model whose parts are not all there is left out.
std::vector<GgufVariant> group_variants(std::span<const RepositoryFile> files);

// With a quantization, the model that has it, whatever its case; without one Q4_K_M, else Q8_0, else the
// first. `repository` is for messages. Errors: kNotFound: none, or not that one; says what there is.
Result<GgufVariant> choose_variant(std::span<const RepositoryFile> files,
                                   const std::optional<std::string>& quantization, std::string_view repository);
// The model that the file is of: all parts, if it is the first of several. Errors: kNotFound.
Result<GgufVariant> choose_file(std::span<const RepositoryFile> files, std::string_view path,
                                std::string_view repository);

}  // namespace hyprstream

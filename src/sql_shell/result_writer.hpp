// Results on their way to a file, a pipe or a person.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "catalog/session.hpp"
#include "catalog/text_result.hpp"

namespace hyprstream {

enum class ResultFormat : std::uint8_t { kBox, kMarkdown, kCsv, kJson, kJsonl, kArrow, kParquet };

inline constexpr std::array<std::string_view, 7> kResultFormats{"box",   "markdown", "csv",    "json",
                                                                "jsonl", "arrow",    "parquet"};

ResultFormat result_format(std::string_view name) noexcept;  // one of kResultFormats

// Whether a file of it holds one result and no more.
constexpr bool is_binary(ResultFormat format) noexcept {
  return format == ResultFormat::kArrow || format == ResultFormat::kParquet;
}

using TextSink = std::function<Result<void>(std::string_view)>;

// Writes one result. Not for kArrow and kParquet. `width`: of the terminal; 0: no limit.
// Errors: the stream's, the sink's.
Result<void> write_result(ResultStream& stream, ResultFormat format, TextFormatter& formatter, std::size_t width,
                          const TextSink& sink);

}  // namespace hyprstream

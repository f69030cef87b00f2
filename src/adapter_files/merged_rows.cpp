#include "adapter_files/merged_rows.hpp"

#include <algorithm>
#include <cstring>
#include <format>
#include <system_error>
#include <thread>
#include <vector>

#include "base/cpu.hpp"
#include "runtime/quantization.hpp"

namespace hyprstream {
namespace {

// Fewer values than this are not worth a thread.
constexpr std::size_t kValuesPerThread = std::size_t{64} << 10;

std::size_t bytes_of_row(TensorType type, std::size_t width) noexcept {
  return width / block_elements(type) * block_bytes(type);
}

}  // namespace

MergedRows::MergedRows(const GgufTensor& tensor, const WeightDelta& delta, TensorType type) noexcept
    : tensor_(tensor), delta_(delta), type_(type), row_bytes_(bytes_of_row(type, delta.in())) {}

Result<void> MergedRows::write(std::size_t first, std::span<std::byte> out) const {
  const std::size_t count = out.size() / row_bytes_;
  const std::size_t slices = std::clamp<std::size_t>(count * delta_.in() / kValuesPerThread, 1,
                                                     std::min(count, static_cast<std::size_t>(usable_cores())));
  std::vector<Result<void>> results(slices);
  const auto run = [&](std::size_t slice) noexcept {
    const std::size_t begin = count * slice / slices, end = count * (slice + 1) / slices;
    results[slice] = write_slice(first + begin, out.subspan(begin * row_bytes_, (end - begin) * row_bytes_));
  };
  {
    std::vector<std::jthread> threads;
    threads.reserve(slices - 1);
    for (std::size_t slice = 1; slice < slices; ++slice) {
      try {
        threads.emplace_back(run, slice);
      } catch (const std::system_error&) {  // no more threads here
        run(slice);
      }
    }
    run(0);
  }
  for (auto& result : results) HYPRSTREAM_TRY(std::move(result));
  return {};
}

Result<void> MergedRows::write_slice(std::size_t first, std::span<std::byte> out) const {
  const std::size_t width = delta_.in(), original_bytes = bytes_of_row(tensor_.type, width);
  const bool same_type = type_ == tensor_.type;
  std::vector<float> values(width);
  std::vector<double> change(width);
  for (std::size_t o = first; !out.empty(); ++o, out = out.subspan(row_bytes_)) {
    const auto original = tensor_.data.subspan(o * original_bytes, original_bytes);
    const auto row = out.first(row_bytes_);
    if (same_type && !delta_.touches(o)) {
      std::ranges::copy(original, row.begin());
      continue;
    }
    HYPRSTREAM_TRY(dequantize(tensor_.type, original, values));
    delta_.row(o, change);
    for (std::size_t i = 0; i < width; ++i) values[i] = static_cast<float>(static_cast<double>(values[i]) + change[i]);
    if (const auto done = quantize(type_, width, values, row); !done)
      return fail(done.error().code,
                  std::format("row {} of {} cannot be merged: {}", o, tensor_.name, done.error().message));
    if (same_type) restore_untouched_blocks(original, change, row);
  }
  return {};
}

// What is read and quantized again is not always what it was.
void MergedRows::restore_untouched_blocks(std::span<const std::byte> original, std::span<const double> delta,
                                          std::span<std::byte> row) const noexcept {
  const std::size_t elements = block_elements(type_), bytes = block_bytes(type_);
  for (std::size_t block = 0; block * elements < delta.size(); ++block) {
    const auto of_block = delta.subspan(block * elements, elements);
    if (std::ranges::all_of(of_block, [](double value) { return value == 0; }))
      std::memcpy(row.data() + block * bytes, original.data() + block * bytes, bytes);
  }
}

}  // namespace hyprstream

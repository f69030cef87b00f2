// Bytes become a list of changes to a model: a fuzzer that mutates the bytes then mutates the
// metadata and the tensors, and not just the file's framing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model_mutator/model_draft.hpp"

namespace hyprstream {

// Reads numbers from bytes; zeros once they are used up. Not thread-safe.
class ByteSource {
 public:
  explicit ByteSource(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  bool empty() const noexcept { return bytes_.empty(); }
  std::uint8_t byte() noexcept;
  // In [0, count); 0 if count is 0.
  std::size_t pick(std::size_t count) noexcept;
  // Often one that lies at the border of something.
  std::uint64_t number() noexcept;

 private:
  std::span<const std::byte> bytes_;
};

// The first byte chooses one of `bases`, the rest up to 4 changes. Each input gives the same draft
// again.
ModelDraft mutate_model(const std::vector<ModelDraft>& bases, ByteSource source);

}  // namespace hyprstream

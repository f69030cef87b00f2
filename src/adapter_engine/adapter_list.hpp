// The adapters that act on a sequence.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

struct AdapterUse {
  std::shared_ptr<const LoraAdapter> adapter;
  float scale = 1;  // beside the adapter's own scaling

  // The very same adapter in memory: another version, or the same one loaded twice, is another.
  friend bool operator==(const AdapterUse&, const AdapterUse&) = default;
};

// Their deltas add up. Empty: the base model.
using AdapterList = std::vector<AdapterUse>;

inline bool uses_adapter(const AdapterList& list, const LoraAdapter& adapter) {
  return std::ranges::any_of(list, [&](const AdapterUse& use) { return use.adapter.get() == &adapter; });
}

}  // namespace hyprstream

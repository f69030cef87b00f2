// llama.cpp's own LoRA adapters: dense, and the same for all sequences of a step.
#pragma once

#include <memory>

namespace hyprstream {

// A loaded one. Must not outlive its engine.
class NativeAdapter {
 public:
  virtual ~NativeAdapter() = default;
};

struct NativeAdapterUse {
  const NativeAdapter* adapter = nullptr;
  float scale = 1;  // beside alpha / rank
};

}  // namespace hyprstream

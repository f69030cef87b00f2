// RAII for handles of C libraries.
#pragma once

#include <memory>

namespace hyprstream {

// A deleter that calls the C function `Free`.
template <auto Free>
struct CDeleter {
  template <typename T>
  void operator()(T* handle) const noexcept {
    Free(handle);
  }
};

// CHandle<llama_model, llama_model_free> owns a llama_model*.
template <typename T, auto Free>
using CHandle = std::unique_ptr<T, CDeleter<Free>>;

}  // namespace hyprstream

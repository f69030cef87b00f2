// The Arrow C data interface (arrow.apache.org/docs/format/CDataInterface.html): the form in which rows leave and enter
// the catalog, so that whoever reads them needs no library for it.
#pragma once

#include <cstdint>
#include <utility>

// Under the specification's own guard, so that Arrow's headers may be included too.
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

extern "C" {

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};
}

#endif

namespace hyprstream {

// Owns an ArrowSchema or an ArrowArray. Not thread-safe.
template <typename T>
class ArrowHandle {
 public:
  ArrowHandle() noexcept = default;
  explicit ArrowHandle(T value) noexcept : value_(value) {}
  ArrowHandle(ArrowHandle&& other) noexcept : value_(other.release()) {}
  ArrowHandle& operator=(ArrowHandle&& other) noexcept {
    if (this != &other) {
      reset();
      value_ = other.release();
    }
    return *this;
  }
  ~ArrowHandle() { reset(); }

  // Whether there is something: a released or moved structure is none.
  explicit operator bool() const noexcept { return value_.release != nullptr; }
  const T* operator->() const noexcept { return &value_; }
  const T& operator*() const noexcept { return value_; }
  T* get() noexcept { return &value_; }
  // To be filled by a C function.
  T* out() noexcept {
    reset();
    return &value_;
  }
  // The caller owns it from now on.
  T release() noexcept { return std::exchange(value_, T{}); }
  void reset() noexcept {
    if (value_.release != nullptr) value_.release(&value_);
    value_ = T{};
  }

 private:
  T value_{};
};

using ArrowSchemaHandle = ArrowHandle<ArrowSchema>;
using ArrowArrayHandle = ArrowHandle<ArrowArray>;

}  // namespace hyprstream

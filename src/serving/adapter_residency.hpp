// Which adapters are in memory: loaded on first use, dropped again when they take too much of it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/base_model.hpp"
#include "adapter_files/adapter_store.hpp"
#include "base/error.hpp"
#include "serving/request.hpp"

namespace hyprstream {

struct ResidentAdapter {
  ServedAdapter adapter;
  std::size_t bytes = 0;
  bool pinned = false;
  bool in_use = false;  // by a request in flight
};

struct ResidencyState {
  std::vector<ResidentAdapter> adapters;  // most recently used first
  std::size_t bytes = 0;
  std::size_t budget = 0;
  std::size_t loads = 0;      // from disk, so far
  std::size_t evictions = 0;  // so far
};

// Thread-safe. Reads the disk on the caller's thread; two callers of one adapter load it once.
class AdapterResidency {
 public:
  // `budget`: most bytes of adapters kept; those pinned or used by requests may exceed it.
  AdapterResidency(AdapterStore store, BaseModel base, std::size_t budget);
  ~AdapterResidency();

  const AdapterStore& store() const noexcept;

  // Told of every adapter that is dropped from memory. Before anything else; it must return at once.
  void on_drop(std::function<void(const std::shared_ptr<const LoraAdapter>&)> told);

  // `reference` as AdapterStore::find() takes it. Without a version: the newest in the store now, so that a version
  // published a moment ago is used by the next request.
  // Errors: those of AdapterStore::find() and load(), of check_fits(); kNotFound for a hidden name.
  Result<ServedAdapter> get(std::string_view reference);
  // The same, and keeps it in memory whatever else comes, in place of the version that the name stood for before; one
  // that was asked for by its number stays. Shows a name that was hidden.
  Result<ServedAdapter> pin(std::string_view reference);
  // Drops it from memory; requests in flight keep theirs. `hide`: get() knows the name no more until pin() or show().
  // Errors: kNotFound (it is not in memory, or not in the store).
  Result<void> unload(std::string_view name, bool hide);
  // The same for one version; that it is not in memory is no error.
  void drop(std::string_view name, int version);
  void show(std::string_view name);
  bool is_hidden(std::string_view name) const;

  ResidencyState state() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyprstream

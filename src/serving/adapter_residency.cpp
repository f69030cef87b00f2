#include "serving/adapter_residency.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <format>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace hyprstream {
namespace {

using VersionKey = std::pair<std::string, int>;

struct Entry {
  // Evicted, but used by a request still: found again instead of loaded twice.
  std::weak_ptr<const LoraAdapter> alive;
  std::shared_ptr<const LoraAdapter> kept;
  std::size_t bytes = 0;
  std::uint64_t used = 0;
  bool pinned = false;
  bool by_number = false;  // pinned as NAME@VERSION
};

}  // namespace

struct AdapterResidency::Impl {
  Impl(AdapterStore adapter_store, BaseModel base_model, std::size_t most_bytes)
      : store(std::move(adapter_store)), base(std::move(base_model)), budget(most_bytes) {}

  Result<ServedAdapter> load(const StoredVersion& version);
  void keep(Entry& entry, std::shared_ptr<const LoraAdapter> weights);
  void evict();
  void drop(Entry& entry);
  std::size_t kept_bytes() const;
  bool is_hidden(std::string_view name) const { return hidden.contains(name); }

  const AdapterStore store;
  const BaseModel base;
  const std::size_t budget;

  mutable std::mutex mutex;
  std::condition_variable loaded;
  std::map<VersionKey, Entry> entries;
  std::set<VersionKey> loading;
  std::set<std::string, std::less<>> hidden;
  std::uint64_t now = 0;
  std::size_t loads = 0;
  std::size_t evictions = 0;
  std::function<void(const std::shared_ptr<const LoraAdapter>&)> dropped;
};

std::size_t AdapterResidency::Impl::kept_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [key, entry] : entries)
    if (entry.kept != nullptr) bytes += entry.bytes;
  return bytes;
}

void AdapterResidency::Impl::drop(Entry& entry) {
  entry.pinned = entry.by_number = false;
  const auto weights = std::exchange(entry.kept, nullptr);
  if (weights != nullptr && dropped) dropped(weights);
}

void AdapterResidency::Impl::evict() {
  std::erase_if(entries,
                [](const auto& entry) { return entry.second.kept == nullptr && entry.second.alive.expired(); });
  while (kept_bytes() > budget) {
    Entry* oldest = nullptr;
    for (auto& [key, entry] : entries)
      if (entry.kept != nullptr && !entry.pinned && (oldest == nullptr || entry.used < oldest->used)) oldest = &entry;
    // The newest stays, or an adapter larger than the budget would be loaded for every request.
    if (oldest == nullptr || oldest->used == now) return;
    drop(*oldest);
    ++evictions;
  }
}

void AdapterResidency::Impl::keep(Entry& entry, std::shared_ptr<const LoraAdapter> weights) {
  entry.bytes = weights->bytes();
  entry.alive = weights;
  entry.kept = std::move(weights);
  entry.used = ++now;
  evict();
}

Result<ServedAdapter> AdapterResidency::Impl::load(const StoredVersion& version) {
  const VersionKey key{version.name, version.version};
  std::unique_lock lock(mutex);
  loaded.wait(lock, [&] { return !loading.contains(key); });
  if (const auto found = entries.find(key); found != entries.end()) {
    if (auto weights = found->second.alive.lock()) {
      keep(found->second, weights);
      return ServedAdapter{version.name, version.version, std::move(weights)};
    }
  }
  loading.insert(key);
  lock.unlock();
  auto read = [&]() -> Result<LoraAdapter> {
    HYPRSTREAM_ASSIGN(auto adapter, store.load(version));
    HYPRSTREAM_TRY(check_fits(adapter, base));
    return adapter;
  }();
  lock.lock();
  loading.erase(key);
  loaded.notify_all();
  if (!read) return std::unexpected(std::move(read).error());
  auto weights = std::make_shared<const LoraAdapter>(std::move(*read));
  ++loads;
  keep(entries[key], weights);
  return ServedAdapter{version.name, version.version, std::move(weights)};
}

AdapterResidency::AdapterResidency(AdapterStore store, BaseModel base, std::size_t budget)
    : impl_(std::make_unique<Impl>(std::move(store), std::move(base), budget)) {}

AdapterResidency::~AdapterResidency() = default;

const AdapterStore& AdapterResidency::store() const noexcept { return impl_->store; }

Result<ServedAdapter> AdapterResidency::get(std::string_view reference) {
  HYPRSTREAM_ASSIGN(const auto version, impl_->store.find(reference));
  if (is_hidden(version.name))
    return fail(ErrorCode::kNotFound, std::format("adapter '{}' was unloaded: load it again to use it", version.name));
  return impl_->load(version);
}

Result<ServedAdapter> AdapterResidency::pin(std::string_view reference) {
  HYPRSTREAM_ASSIGN(const auto version, impl_->store.find(reference));
  HYPRSTREAM_ASSIGN(auto adapter, impl_->load(version));
  const std::scoped_lock lock(impl_->mutex);
  impl_->hidden.erase(version.name);
  const bool by_number = reference.contains('@');
  for (auto& [key, other] : impl_->entries)
    if (key.first == version.name && !by_number && !other.by_number) other.pinned = false;
  auto& entry = impl_->entries[{version.name, version.version}];
  entry.kept = adapter.weights;
  entry.pinned = true;
  entry.by_number |= by_number;
  impl_->evict();
  return adapter;
}

Result<void> AdapterResidency::unload(std::string_view name, bool hide) {
  const bool stored = !impl_->store.versions(name).empty();
  const std::scoped_lock lock(impl_->mutex);
  bool dropped = false;
  for (auto& [key, entry] : impl_->entries) {
    if (key.first != name || entry.kept == nullptr) continue;
    impl_->drop(entry);
    dropped = true;
  }
  const bool newly_hidden = hide && stored && impl_->hidden.insert(std::string(name)).second;
  if (dropped || newly_hidden) return {};
  return fail(ErrorCode::kNotFound, std::format("adapter '{}' is not loaded", name));
}

void AdapterResidency::drop(std::string_view name, int version) {
  const std::scoped_lock lock(impl_->mutex);
  const auto found = impl_->entries.find({std::string(name), version});
  if (found != impl_->entries.end()) impl_->drop(found->second);
}

void AdapterResidency::on_drop(std::function<void(const std::shared_ptr<const LoraAdapter>&)> told) {
  const std::scoped_lock lock(impl_->mutex);
  impl_->dropped = std::move(told);
}

void AdapterResidency::show(std::string_view name) {
  const std::scoped_lock lock(impl_->mutex);
  if (const auto found = impl_->hidden.find(name); found != impl_->hidden.end()) impl_->hidden.erase(found);
}

bool AdapterResidency::is_hidden(std::string_view name) const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->is_hidden(name);
}

ResidencyState AdapterResidency::state() const {
  const std::scoped_lock lock(impl_->mutex);
  ResidencyState state{
      .adapters = {}, .bytes = 0, .budget = impl_->budget, .loads = impl_->loads, .evictions = impl_->evictions};
  std::vector<std::pair<std::uint64_t, ResidentAdapter>> ordered;
  for (const auto& [key, entry] : impl_->entries) {
    auto weights = entry.alive.lock();
    if (weights == nullptr) continue;
    const auto holders = weights.use_count() - 1 - (entry.kept != nullptr ? 1 : 0);
    state.bytes += entry.bytes;
    ordered.push_back({entry.used,
                       {.adapter = {key.first, key.second, std::move(weights)},
                        .bytes = entry.bytes,
                        .pinned = entry.pinned,
                        .in_use = holders > 0}});
  }
  std::ranges::sort(ordered, std::greater<>(), [](const auto& entry) { return entry.first; });
  for (auto& [used, adapter] : ordered) state.adapters.push_back(std::move(adapter));
  return state;
}

}  // namespace hyprstream

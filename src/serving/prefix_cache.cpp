#include "serving/prefix_cache.hpp"

#include <algorithm>
#include <utility>

namespace hyprstream {
namespace {

std::size_t common_length(std::span<const Token> a, std::span<const Token> b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

std::optional<PrefixMatch> PrefixCache::find(std::span<const Token> tokens, const PrefixScope& scope) {
  Entry* best = nullptr;
  std::size_t length = 0;
  for (auto& entry : entries_) {
    if (entry.scope != scope) continue;
    const std::size_t common = common_length(tokens, entry.tokens);
    if (common > length) length = common, best = &entry;
  }
  if (best == nullptr) return std::nullopt;
  best->used = ++now_;
  return PrefixMatch{best->sequence, static_cast<int>(length)};
}

std::vector<SequenceId> PrefixCache::insert(SequenceId sequence, std::vector<Token> tokens, PrefixScope scope) {
  std::vector<SequenceId> closed;
  if (capacity_ == 0) return {sequence};
  for (const auto& entry : entries_)
    if (entry.scope == scope && entry.tokens.size() >= tokens.size() &&
        common_length(entry.tokens, tokens) == tokens.size())
      return {sequence};
  // What is the beginning of the new one has nothing that the new one has not.
  std::erase_if(entries_, [&](const Entry& entry) {
    const bool covered = entry.scope == scope && common_length(entry.tokens, tokens) == entry.tokens.size();
    if (covered) closed.push_back(entry.sequence);
    return covered;
  });
  while (entries_.size() >= capacity_) closed.push_back(*evict());
  entries_.push_back({sequence, std::move(tokens), std::move(scope), ++now_});
  return closed;
}

std::optional<SequenceId> PrefixCache::evict() {
  const auto oldest = std::ranges::min_element(entries_, {}, &Entry::used);
  if (oldest == entries_.end()) return std::nullopt;
  const SequenceId sequence = oldest->sequence;
  entries_.erase(oldest);
  return sequence;
}

std::vector<SequenceId> PrefixCache::evict(const LoraAdapter& adapter) {
  std::vector<SequenceId> closed;
  std::erase_if(entries_, [&](const Entry& entry) {
    const bool uses = uses_adapter(entry.scope.adapters, adapter);
    if (uses) closed.push_back(entry.sequence);
    return uses;
  });
  return closed;
}

bool PrefixCache::take(SequenceId sequence) {
  return std::erase_if(entries_, [&](const Entry& entry) { return entry.sequence == sequence; }) > 0;
}

std::vector<SequenceId> PrefixCache::sequences() const {
  std::vector<const Entry*> by_use;
  for (const auto& entry : entries_) by_use.push_back(&entry);
  std::ranges::sort(by_use, {}, &Entry::used);
  std::vector<SequenceId> all;
  for (const Entry* entry : by_use) all.push_back(entry->sequence);
  return all;
}

}  // namespace hyprstream

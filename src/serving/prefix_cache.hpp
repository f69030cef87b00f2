// Finished sequences that are kept in the KV cache, so that a prompt that begins alike is not computed again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapter_engine/adapter_list.hpp"
#include "runtime/sequence.hpp"

namespace hyprstream {

// What a prefix is valid for: the KV cache of a token depends on the adapters, in their very versions; and clients
// with different salts must not learn from the time an answer takes what others have asked.
struct PrefixScope {
  AdapterList adapters;
  std::string salt;
  friend bool operator==(const PrefixScope&, const PrefixScope&) = default;
};

struct PrefixMatch {
  SequenceId sequence{};
  int length = 0;  // tokens in common, at least one
};

// The index alone: whoever owns the engine shares and closes the sequences. Not thread-safe.
class PrefixCache {
 public:
  // `capacity`: sequences kept at most.
  explicit PrefixCache(std::size_t capacity) : capacity_(capacity) {}

  // The longest beginning of `tokens` that a sequence of this scope holds; it counts as used now.
  std::optional<PrefixMatch> find(std::span<const Token> tokens, const PrefixScope& scope);

  // Takes a sequence that holds just these tokens. Gives back those that are to be closed: what is no longer worth
  // keeping beside it, or itself if it is worth nothing.
  std::vector<SequenceId> insert(SequenceId sequence, std::vector<Token> tokens, PrefixScope scope);

  // The least recently used one, to be closed; none: the cache is empty.
  std::optional<SequenceId> evict();
  // Those that were computed with the adapter, to be closed.
  std::vector<SequenceId> evict(const LoraAdapter& adapter);
  // Forgets a sequence, which is the caller's again; false: it is not here.
  bool take(SequenceId sequence);

  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t capacity() const noexcept { return capacity_; }
  // Sequences that are kept, the least recently used one first.
  std::vector<SequenceId> sequences() const;

 private:
  struct Entry {
    SequenceId sequence;
    std::vector<Token> tokens;
    PrefixScope scope;
    std::uint64_t used;
  };

  std::size_t capacity_;
  std::vector<Entry> entries_;
  std::uint64_t now_ = 0;  // counts uses
};

}  // namespace hyprstream

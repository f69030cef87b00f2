// Which adapters the tokens of a sequence were computed under.
#pragma once

#include <vector>

#include "adapter_engine/adapter_list.hpp"

namespace hyprstream {

// The KV cache of a token depends on the adapters of its step, and on all tokens before it. Not thread-safe.
class AdapterHistory {
 public:
  const AdapterList& current() const noexcept { return current_; }
  void set_current(AdapterList adapters) { current_ = std::move(adapters); }

  // Tokens from position `begin` on were computed under the current list.
  void extend(int begin);
  // Forgets all positions from `length` on.
  void truncate(int length);
  // Whether every token before position `length` was computed under this list.
  bool is_pure(const AdapterList& adapters, int length) const;

 private:
  struct Segment {
    int begin;
    AdapterList adapters;
  };
  AdapterList current_;
  std::vector<Segment> segments_;  // ascending; each goes up to the next
};

}  // namespace hyprstream

// How many cells of the KV cache are taken, while sequences share prefixes.
#pragma once

#include <map>

#include "runtime/sequence.hpp"

namespace hyprstream {

// libllama does not say how full its cache is; this counts along. Pure. Not thread-safe.
class KvLedger {
 public:
  // `to`, new, holds the first `length` tokens of `from`, in the same cells.
  void share(SequenceId from, SequenceId to, int length);
  // The sequence holds this many tokens more.
  void extend(SequenceId sequence, int tokens) { entries_[sequence].length += tokens; }
  // Its cells are free, but for those that others share.
  void close(SequenceId sequence);

  int length(SequenceId sequence) const;
  // Cells in use; a shared one counts once.
  int cells() const noexcept;
  // Cells that the sequence does not share with the one that it began from.
  int own_cells(SequenceId sequence) const;

 private:
  struct Entry {
    int length = 0;
    // Its first `shared` tokens are counted at `parent`.
    SequenceId parent{-1};
    int shared = 0;
  };
  std::map<SequenceId, Entry> entries_;
};

}  // namespace hyprstream

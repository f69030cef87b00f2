#include "serving/kv_ledger.hpp"

#include <algorithm>

namespace hyprstream {

void KvLedger::share(SequenceId from, SequenceId to, int length) {
  if (length > 0) entries_[to] = {.length = length, .parent = from, .shared = length};
}

void KvLedger::close(SequenceId sequence) {
  const auto found = entries_.find(sequence);
  if (found == entries_.end()) return;
  const Entry gone = found->second;
  entries_.erase(found);

  // Its children go to its own parent as far as that holds their cells. Of the others, the one that shares most of
  // its cells owns them from now on.
  auto heir = entries_.end();
  for (auto child = entries_.begin(); child != entries_.end(); ++child) {
    if (child->second.parent != sequence) continue;
    if (child->second.shared <= gone.shared)
      child->second.parent = gone.parent;
    else if (heir == entries_.end() || child->second.shared > heir->second.shared)
      heir = child;
  }
  if (heir == entries_.end()) return;
  for (auto& [id, child] : entries_)
    if (child.parent == sequence && id != heir->first) child.parent = heir->first;
  heir->second.parent = gone.parent;
  heir->second.shared = gone.shared;
}

int KvLedger::length(SequenceId sequence) const {
  const auto found = entries_.find(sequence);
  return found == entries_.end() ? 0 : found->second.length;
}

int KvLedger::cells() const noexcept {
  int cells = 0;
  for (const auto& [id, entry] : entries_) cells += entry.length - entry.shared;
  return cells;
}

int KvLedger::own_cells(SequenceId sequence) const {
  const auto found = entries_.find(sequence);
  return found == entries_.end() ? 0 : found->second.length - found->second.shared;
}

}  // namespace hyprstream

#include "adapter_engine/adapter_history.hpp"

#include <algorithm>

namespace hyprstream {

void AdapterHistory::extend(int begin) {
  if (segments_.empty() || segments_.back().adapters != current_) segments_.push_back({begin, current_});
}

void AdapterHistory::truncate(int length) {
  std::erase_if(segments_, [length](const Segment& segment) { return segment.begin >= length; });
}

bool AdapterHistory::is_pure(const AdapterList& adapters, int length) const {
  return std::ranges::all_of(
      segments_, [&](const Segment& segment) { return segment.begin >= length || segment.adapters == adapters; });
}

}  // namespace hyprstream

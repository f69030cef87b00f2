// How many processors this process may use.
#pragma once

namespace hyprstream {

// Physical cores among the CPUs that the affinity mask allows, cut to the control group's CPU
// quota (rounded up): hyper-threads share one core's arithmetic, and threads past a quota only
// wait for each other. At least 1. Read once.
int usable_cores() noexcept;

}  // namespace hyprstream

// Running work on untrusted data in a child process with limits: what crashes, hangs or eats
// memory there costs the caller an error and nothing else.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace hyprstream {

struct SandboxLimits {
  std::chrono::milliseconds timeout{2000};            // wall clock, from the fork to the last byte
  std::size_t memory_bytes = std::size_t{256} << 20;  // address space on top of what the process has mapped
  std::size_t output_bytes = std::size_t{8} << 20;    // longest result
};

// Calls `function` in a forked child and gives back what it returns, its error included.
// `what` names the work in messages: "the chat template".
//
// Errors: the function's own; kCorrupt (it ran into a limit, threw, or died of a signal: the data
// is taken to be hostile); kResourceExhausted, kUnavailable or kIo (the system had no process or
// pipe to give).
//
// The child has this thread only, all memory as it was, and of the files just standard input,
// output and error; it can open no file, start no process and write no core. It takes no signals
// (Ctrl-C is the caller's business) and ends with _exit: no destructors of static objects, no
// atexit, no flush. `function` may allocate (glibc makes malloc safe after a fork), compute and
// throw. It must not wait for a lock, a condition or a thread: whoever held or served it is not
// there any more, and the child would stand still until its time is up. That goes for locks in
// libraries too: no logging, no first use of a static object that other threads may be building.
//
// Under AddressSanitizer and ThreadSanitizer, which need both for themselves, neither memory nor
// opening files is limited.
//
// Thread-safe. A fork copies the page tables: under 1 ms, and 30 ms more per GB of memory in use.
// SandboxServer is for what is done often.
Result<std::string> run_in_sandbox(std::string_view what, const std::function<Result<std::string>()>& function,
                                   const SandboxLimits& limits = {});

}  // namespace hyprstream

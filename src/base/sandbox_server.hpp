// A sandbox for work that is done again and again: prepared once, in a process that is forked
// while this one is still small, and run in a fresh child of that process each time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/sandbox.hpp"

namespace hyprstream {

// Why not run_in_sandbox() each time: a fork of a process that uses much memory is slow (30 ms a
// GB), leaves every page to be copied when it is next written, and would repeat the preparation.
// A call costs a fork of the server instead, about 1 ms whatever this process has become. Start
// it before loading what is large: the server keeps the memory that this process had then.
//
// Every call runs on memory as the preparation left it: calls cannot see or harm each other. What
// functions may do in the processes is said at run_in_sandbox(); standard input, output and error
// are closed to them.
//
// The server ends with this object, or with this process. Thread-safe; calls run side by side.
class SandboxServer {
 public:
  using Handler = std::function<Result<std::string>(std::string_view request)>;

  // Returns at once; `prepare` runs in the server. `what` names the work in messages. `limits`
  // hold for each call, those of memory also for the preparation, which has `prepare_timeout`.
  // Errors: kResourceExhausted, kUnavailable or kIo (no process or socket to be had).
  static Result<std::unique_ptr<SandboxServer>> start(std::string what, std::function<Result<Handler>()> prepare,
                                                      const SandboxLimits& limits,
                                                      std::chrono::milliseconds prepare_timeout);
  SandboxServer(const SandboxServer&) = delete;
  SandboxServer& operator=(const SandboxServer&) = delete;
  ~SandboxServer();

  // Waits for the preparation. Errors: its own; kCorrupt (it ran into a limit, threw or crashed).
  Result<void> wait_ready();

  // What the handler makes of `request`. Waits for the preparation first. Errors: those of
  // wait_ready() and of run_in_sandbox(); kUnavailable if the server is gone (killed by somebody).
  Result<std::string> call(std::string_view request);

 private:
  struct State;
  explicit SandboxServer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace hyprstream

// What sandbox.cpp and sandbox_server.cpp share: a child's side and its parent's. Not for others.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "base/sandbox.hpp"

namespace hyprstream::sandbox {

using Clock = std::chrono::steady_clock;

// What a child sends: this, then `length` bytes. Both ends are the same program.
struct Header {
  enum Kind : std::uint8_t { kValue, kError, kTooLong, kNoMemory, kThrew };
  std::uint64_t length = 0;
  Kind kind = kValue;
  std::uint8_t error_code = 0;  // of kError
};

inline constexpr std::size_t kLongestMessage = 4096;

// ---- In the child, which must have been forked with all signals blocked ----

// Leaves no files but `keep` and the standard ones, and no handlers. Ends the process with the
// thread `parent` forked it from, if there is a parent given (else 0).
void enter_child(pid_t parent, int keep);
void limit_memory(const SandboxLimits& limits);
// Processor time, and nothing else to be had: files, processes, core dumps.
void limit_rest(const SandboxLimits& limits);
// The result of `function`, whatever becomes of it, as header and payload in one.
std::string run_to_reply(const std::function<Result<std::string>()>& function, const SandboxLimits& limits);
bool write_all(int fd, std::string_view bytes);
bool read_all(int fd, char* bytes, std::size_t length);

// ---- In the parent ----

// All signals are blocked in this thread while it lives, so that no handler runs in a child
// forked meanwhile.
class SignalsBlocked {
 public:
  SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked();

 private:
  sigset_t previous_{};
};

FileDescriptor open_process(pid_t pid);
void kill_process(const FileDescriptor& process);

// A running child; killed and reaped at the latest when this goes.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid), process_(open_process(pid)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { end(); }

  // Readable once the child has ended; -1 if the kernel has no such thing.
  int handle() const noexcept { return process_.get(); }

  // Kills it unless it has ended, and reaps it. The signal that ended it; 0 if none did or if
  // somebody else reaped it (SIGCHLD ignored).
  int end() noexcept;

 private:
  pid_t pid_;
  FileDescriptor process_;
};

enum class ReplyEnd : std::uint8_t { kWhole, kTimedOut, kEnded };

struct Reply {
  ReplyEnd end = ReplyEnd::kEnded;
  Header header;
  std::string payload;
};

// Sends `request` over the socket (non-blocking) and reads a reply until it is whole, the process
// behind `process` (-1: unknown) has ended, or the time is up.
Reply exchange(int socket, int process, std::string_view request, Clock::time_point deadline,
               const SandboxLimits& limits);
// Splits what run_to_reply() made.
bool parse_reply(std::string_view bytes, Reply& reply);
// The reply as the caller sees it. `signal`: what ended the child, 0 if unknown.
Result<std::string> to_result(const std::string& what, Reply reply, int signal, const SandboxLimits& limits);
// "did not come to an end within 2 s".
std::unexpected<Error> fail_timed_out(const std::string& what, std::chrono::milliseconds timeout);

// Two connected sockets, the first non-blocking.
struct SocketPair {
  FileDescriptor parent;
  FileDescriptor child;
};
Result<SocketPair> open_sockets(int type, const std::string& what);
// An error for a fork that failed.
std::unexpected<Error> fail_fork(const std::string& what, int errno_value);

}  // namespace hyprstream::sandbox

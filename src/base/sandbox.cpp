#include "base/sandbox.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <optional>

#include "base/file_descriptor.hpp"
#include "base/utf8.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HYPRSTREAM_RESERVES_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HYPRSTREAM_RESERVES_MEMORY 1
#endif
#endif

namespace hyprstream {
namespace {

using Clock = std::chrono::steady_clock;

// What the child writes: this, then `length` bytes.
struct Header {
  enum Kind : std::uint8_t { kValue, kError, kTooLong, kNoMemory, kThrew };
  std::uint64_t length = 0;
  Kind kind = kValue;
  std::uint8_t error_code = 0;  // of kError
};

constexpr std::size_t kLongestMessage = 4096;

// ---- In the child ----

void set_limit(int resource, rlim_t value) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max = std::min(value, limit.rlim_max);
  ::setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

#ifndef HYPRSTREAM_RESERVES_MEMORY
// Bytes of address space that this process has mapped; nothing if /proc does not say.
std::optional<std::size_t> mapped_bytes() {
  const FileDescriptor file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  std::array<char, 128> text{};
  if (!file || ::read(file.get(), text.data(), text.size() - 1) <= 0) return std::nullopt;
  unsigned long pages = 0;
  if (std::sscanf(text.data(), "%lu", &pages) != 1 || pages == 0) return std::nullopt;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}
#endif

void apply_limits(const SandboxLimits& limits) {
#ifndef HYPRSTREAM_RESERVES_MEMORY
  if (const auto mapped = mapped_bytes()) set_limit(RLIMIT_AS, *mapped + limits.memory_bytes);
#endif
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_FSIZE, 0);
  set_limit(RLIMIT_NOFILE, 0);
  set_limit(RLIMIT_NPROC, 0);
  // The parent keeps the time; this is for when it is gone.
  set_limit(RLIMIT_CPU, static_cast<rlim_t>(limits.timeout.count() / 1000) + 1);
}

bool write_all(int fd, const void* data, std::size_t length) {
  const auto* bytes = static_cast<const char*>(data);
  while (length > 0) {
    const auto written = ::write(fd, bytes, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    length -= static_cast<std::size_t>(written);
  }
  return true;
}

std::string_view shortened(std::string_view message) {
  message = message.substr(0, kLongestMessage);
  message.remove_suffix(incomplete_utf8_suffix(message));
  return message;
}

void send(int fd, Header header, std::string_view payload) {
  header.length = payload.size();
  if (write_all(fd, &header, sizeof header)) write_all(fd, payload.data(), payload.size());
}

[[noreturn]] void run_child(int output, pid_t parent, const std::function<Result<std::string>()>& function,
                            const SandboxLimits& limits) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  // Every signal is blocked since before the fork. What the processor raises kills all the same;
  // abort() unblocks its own, and someone's handler must not run here.
  ::signal(SIGABRT, SIG_DFL);
  std::set_terminate([] { ::_exit(1); });
  // Above standard error nothing but the pipe.
  if (output > STDERR_FILENO + 1) ::close_range(STDERR_FILENO + 1, static_cast<unsigned>(output) - 1, 0);
  ::close_range(static_cast<unsigned>(output) + 1, UINT_MAX, 0);
  apply_limits(limits);
  try {
    const auto result = function();
    if (!result) {
      const auto& error = result.error();
      send(output, {0, Header::kError, static_cast<std::uint8_t>(error.code)}, shortened(error.message));
    } else if (result->size() > limits.output_bytes) {
      send(output, {0, Header::kTooLong, 0}, {});
    } else {
      send(output, {0, Header::kValue, 0}, *result);
    }
  } catch (const std::bad_alloc&) {
    send(output, {0, Header::kNoMemory, 0}, {});
  } catch (const std::exception& error) {
    send(output, {0, Header::kThrew, 0}, shortened(error.what()));
  } catch (...) {
    send(output, {0, Header::kThrew, 0}, "an exception of unknown type");
  }
  ::_exit(0);
}

// ---- In the parent ----

// All signals blocked in this thread, so that no handler of the caller's runs in the child.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &previous_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }

 private:
  sigset_t previous_{};
};

// A running child; killed and reaped at the latest when this goes.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid), handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { end(); }

  // Readable once the child has ended; -1 if the kernel has no such thing.
  int handle() const noexcept { return handle_.get(); }

  // Kills it unless it has ended, and reaps it. The signal that ended it, 0 if none did or if
  // somebody else reaped it (SIGCHLD ignored).
  int end() noexcept {
    if (pid_ < 0) return 0;
    // Its process id is not given to another before it is reaped, and the handle never is.
    if (handle_)
      ::syscall(SYS_pidfd_send_signal, handle_.get(), SIGKILL, nullptr, 0);
    else
      ::kill(pid_, SIGKILL);
    int status = 0;
    pid_t reaped = 0;
    do reaped = ::waitpid(pid_, &status, 0);
    while (reaped < 0 && errno == EINTR);
    pid_ = -1;
    return reaped > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }

 private:
  pid_t pid_;
  FileDescriptor handle_;
};

enum class ReadEnd : std::uint8_t { kWhole, kTimedOut, kEnded };

struct Reply {
  Header header;
  std::string payload;
};

// Reads the child's reply until it is whole, the child has ended, or the time is up.
ReadEnd read_reply(const FileDescriptor& input, const Child& child, Clock::time_point deadline,
                   const SandboxLimits& limits, Reply& reply) {
  std::string bytes;
  std::array<char, 65536> buffer;
  bool ended = false;
  for (;;) {
    const auto got = ::read(input.get(), buffer.data(), buffer.size());
    if (got > 0) {
      bytes.append(buffer.data(), static_cast<std::size_t>(got));
      if (bytes.size() < sizeof(Header)) continue;
      std::memcpy(&reply.header, bytes.data(), sizeof(Header));
      if (reply.header.length > std::max(limits.output_bytes, kLongestMessage)) return ReadEnd::kEnded;
      if (bytes.size() < sizeof(Header) + reply.header.length) continue;
      reply.payload = bytes.substr(sizeof(Header), reply.header.length);
      return ReadEnd::kWhole;
    }
    if (got == 0) return ReadEnd::kEnded;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || ended) return ReadEnd::kEnded;

    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return ReadEnd::kTimedOut;
    std::array<pollfd, 2> watched = {pollfd{input.get(), POLLIN, 0}, pollfd{child.handle(), POLLIN, 0}};
    const auto wait = static_cast<int>(std::min<long long>(left, INT_MAX));
    if (::poll(watched.data(), watched.size(), wait) < 0 && errno != EINTR) return ReadEnd::kEnded;
    // Another child forked meanwhile may hold the pipe open: its own end counts, not the pipe's.
    ended = watched[1].revents != 0;
  }
}

std::string seconds_text(std::chrono::milliseconds time) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g s", static_cast<double>(time.count()) / 1000);
  return text.data();
}

std::string megabytes_text(std::size_t bytes) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g MB", static_cast<double>(bytes) / (1 << 20));
  return text.data();
}

}  // namespace

Result<std::string> run_in_sandbox(std::string_view what, const std::function<Result<std::string>()>& function,
                                   const SandboxLimits& limits) {
  const std::string name(what);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("no pipe to run " + name + " in a process of its own", errno);
  const FileDescriptor input(ends[0]);
  FileDescriptor output(ends[1]);
  ::fcntl(input.get(), F_SETFL, O_NONBLOCK);

  const auto deadline = Clock::now() + limits.timeout;
  const pid_t parent = ::getpid();
  pid_t pid = 0;
  {
    const SignalsBlocked blocked;
    pid = ::fork();
    if (pid == 0) run_child(output.get(), parent, function, limits);
    if (pid < 0 && errno == EAGAIN)
      return fail(ErrorCode::kUnavailable, "cannot run " + name + " in a process of its own: too many processes");
    if (pid < 0) return fail_errno("cannot run " + name + " in a process of its own", errno);
  }
  output.reset();
  Child child(pid);
  Reply reply;
  const auto end = read_reply(input, child, deadline, limits, reply);
  const int signal = child.end();

  if (end == ReadEnd::kTimedOut)
    return fail(ErrorCode::kCorrupt, name + " did not come to an end within " + seconds_text(limits.timeout));
  if (end == ReadEnd::kEnded)
    return fail(ErrorCode::kCorrupt,
                name + " crashed" + (signal > 0 ? " (signal " + std::to_string(signal) + ")" : std::string()));
  switch (reply.header.kind) {
    case Header::kValue: return std::move(reply.payload);
    case Header::kError: {
      const auto code = std::min(reply.header.error_code, static_cast<std::uint8_t>(ErrorCode::kInternal));
      return fail(static_cast<ErrorCode>(code), std::move(reply.payload));
    }
    case Header::kTooLong:
      return fail(ErrorCode::kCorrupt, name + " gave more than " + megabytes_text(limits.output_bytes));
    case Header::kNoMemory:
      return fail(ErrorCode::kCorrupt, name + " needed more than " + megabytes_text(limits.memory_bytes) + " of memory");
    case Header::kThrew: return fail(ErrorCode::kCorrupt, name + " failed: " + reply.payload);
  }
  return fail(ErrorCode::kCorrupt, name + " crashed");
}

}  // namespace hyprstream

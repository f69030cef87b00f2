#include "base/sandbox_child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "base/utf8.hpp"

// The sanitizers' run-time libraries reserve terabytes and open pipes to probe addresses.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HYPRSTREAM_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HYPRSTREAM_SANITIZED 1
#endif
#endif

namespace hyprstream::sandbox {
namespace {

void set_limit(__rlimit_resource resource, rlim_t value) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max = std::min(value, limit.rlim_max);
  ::setrlimit(resource, &limit);
}

// Bytes of address space that this process has mapped; nothing if /proc does not say.
std::optional<std::size_t> mapped_bytes() {
  const FileDescriptor file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  std::array<char, 128> text{};
  if (!file || ::read(file.get(), text.data(), text.size() - 1) <= 0) return std::nullopt;
  unsigned long pages = 0;
  if (std::sscanf(text.data(), "%lu", &pages) != 1 || pages == 0) return std::nullopt;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string make_reply(Header header, std::string_view payload) {
  header.length = payload.size();
  std::string bytes(sizeof header, '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes += payload;
}

std::string_view shortened(std::string_view message) {
  message = message.substr(0, kLongestMessage);
  message.remove_suffix(incomplete_utf8_suffix(message));
  return message;
}

std::string number_text(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", number);
  return text.data();
}

std::string megabytes_text(std::size_t bytes) { return number_text(static_cast<double>(bytes) / (1 << 20)) + " MB"; }

}  // namespace

void enter_child(pid_t parent, int keep) {
  if (parent != 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
  }
  // What the processor raises kills although it is blocked; abort() unblocks its own signal, and
  // somebody's handler must not run here.
  ::signal(SIGABRT, SIG_DFL);
  std::set_terminate([] { ::_exit(1); });
  if (keep > STDERR_FILENO + 1) ::close_range(STDERR_FILENO + 1, static_cast<unsigned>(keep) - 1, 0);
  ::close_range(static_cast<unsigned>(std::max(keep, STDERR_FILENO)) + 1, UINT_MAX, 0);
}

void limit_memory(const SandboxLimits& limits) {
#ifdef HYPRSTREAM_SANITIZED
  static_cast<void>(limits);
  static_cast<void>(mapped_bytes);
#else
  if (const auto mapped = mapped_bytes()) set_limit(RLIMIT_AS, *mapped + limits.memory_bytes);
#endif
}

void limit_rest(const SandboxLimits& limits) {
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_FSIZE, 0);
#ifndef HYPRSTREAM_SANITIZED
  set_limit(RLIMIT_NOFILE, 0);
#endif
  set_limit(RLIMIT_NPROC, 0);
  // The parent keeps the time; this is for when it is gone.
  set_limit(RLIMIT_CPU, static_cast<rlim_t>(limits.timeout.count() / 1000) + 1);
}

std::string run_to_reply(const std::function<Result<std::string>()>& function, const SandboxLimits& limits) {
  try {
    const auto result = function();
    if (!result) {
      const auto& error = result.error();
      return make_reply({0, Header::kError, static_cast<std::uint8_t>(error.code)}, shortened(error.message));
    }
    if (result->size() > limits.output_bytes) return make_reply({0, Header::kTooLong, 0}, {});
    return make_reply({0, Header::kValue, 0}, *result);
  } catch (const std::bad_alloc&) {
    return make_reply({0, Header::kNoMemory, 0}, {});
  } catch (const std::exception& error) {
    return make_reply({0, Header::kThrew, 0}, shortened(error.what()));
  } catch (...) {
    return make_reply({0, Header::kThrew, 0}, "an exception of unknown type");
  }
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool read_all(int fd, char* bytes, std::size_t length) {
  while (length > 0) {
    const auto got = ::read(fd, bytes, length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    length -= static_cast<std::size_t>(got);
  }
  return true;
}

SignalsBlocked::SignalsBlocked() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &previous_);
}

SignalsBlocked::~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }

// By number: glibc 2.42's <sys/pidfd.h> does not declare its functions for C++.
FileDescriptor open_process(pid_t pid) { return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

void kill_process(const FileDescriptor& process) {
  ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
}

int Child::end() noexcept {
  if (pid_ < 0) return 0;
  // Its process id is not given to another before it is reaped; a handle cannot be mistaken at all.
  if (process_)
    kill_process(process_);
  else
    ::kill(pid_, SIGKILL);
  int status = 0;
  pid_t reaped = 0;
  do reaped = ::waitpid(pid_, &status, 0);
  while (reaped < 0 && errno == EINTR);
  pid_ = -1;
  return reaped > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

bool parse_reply(std::string_view bytes, Reply& reply) {
  if (bytes.size() < sizeof(Header)) return false;
  std::memcpy(&reply.header, bytes.data(), sizeof(Header));
  if (bytes.size() - sizeof(Header) < reply.header.length) return false;
  reply.payload = bytes.substr(sizeof(Header), reply.header.length);
  reply.end = ReplyEnd::kWhole;
  return true;
}

Reply exchange(int socket, int process, std::string_view request, Clock::time_point deadline,
               const SandboxLimits& limits) {
  Reply reply;
  std::string bytes;
  std::string buffer(65536, '\0');
  bool ended = false;
  for (;;) {
    while (!request.empty()) {
      const auto sent = ::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) break;
      if (sent < 0 && errno == EINTR) continue;
      // A child that is gone may have said why: the rest of the request is of no use to it.
      request.remove_prefix(sent < 0 ? request.size() : static_cast<std::size_t>(sent));
    }
    const auto got = ::read(socket, buffer.data(), buffer.size());
    if (got > 0) {
      bytes.append(buffer.data(), static_cast<std::size_t>(got));
      if (parse_reply(bytes, reply)) return reply;
      if (bytes.size() > sizeof(Header) + std::max(limits.output_bytes, kLongestMessage)) return reply;
      continue;
    }
    if (got == 0) return reply;
    if (errno == EINTR) continue;
    if (errno != EAGAIN || ended) return reply;

    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      reply.end = ReplyEnd::kTimedOut;
      return reply;
    }
    const auto wanted = static_cast<short>(request.empty() ? POLLIN : POLLIN | POLLOUT);
    std::array<pollfd, 2> watched = {pollfd{socket, wanted, 0}, pollfd{process, POLLIN, 0}};
    const auto wait = static_cast<int>(std::min<long long>(left, INT_MAX));
    if (::poll(watched.data(), watched.size(), wait) < 0 && errno != EINTR) return reply;
    // Another child forked meanwhile may hold the socket open: this child's end counts, not that.
    ended = watched[1].revents != 0;
  }
}

std::unexpected<Error> fail_timed_out(const std::string& what, std::chrono::milliseconds timeout) {
  return fail(ErrorCode::kCorrupt, what + " did not come to an end within " +
                                       number_text(static_cast<double>(timeout.count()) / 1000) + " s");
}

Result<std::string> to_result(const std::string& what, Reply reply, int signal, const SandboxLimits& limits) {
  if (reply.end == ReplyEnd::kTimedOut) return fail_timed_out(what, limits.timeout);
  if (reply.end == ReplyEnd::kWhole) {
    switch (reply.header.kind) {
      case Header::kValue: return std::move(reply.payload);
      case Header::kError: {
        const auto code = std::min(reply.header.error_code, static_cast<std::uint8_t>(ErrorCode::kInternal));
        return fail(static_cast<ErrorCode>(code), std::move(reply.payload));
      }
      case Header::kTooLong:
        return fail(ErrorCode::kCorrupt, what + " gave more than " + megabytes_text(limits.output_bytes));
      case Header::kNoMemory:
        return fail(ErrorCode::kCorrupt,
                    what + " needed more than " + megabytes_text(limits.memory_bytes) + " of memory");
      case Header::kThrew: return fail(ErrorCode::kCorrupt, what + " failed: " + reply.payload);
    }
  }
  const bool killed = signal != 0 && signal != SIGKILL;
  return fail(ErrorCode::kCorrupt,
              what + " crashed" + (killed ? " (signal " + std::to_string(signal) + ")" : std::string()));
}

Result<SocketPair> open_sockets(int type, const std::string& what) {
  int ends[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0)
    return fail_errno("no socket to run " + what + " in a process of its own", errno);
  SocketPair pair{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  ::fcntl(pair.parent.get(), F_SETFL, O_RDWR | O_NONBLOCK);
  return pair;
}

std::unexpected<Error> fail_fork(const std::string& what, int errno_value) {
  const auto text = "cannot run " + what + " in a process of its own";
  // EAGAIN: the user's or the system's limit of processes.
  if (errno_value == EAGAIN) return fail(ErrorCode::kUnavailable, text + ": too many processes are running");
  return fail_errno(text, errno_value);
}

}  // namespace hyprstream::sandbox

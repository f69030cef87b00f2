#include "base/sandbox_server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/file_descriptor.hpp"
#include "base/sandbox_child.hpp"

// On the control socket, a packet each: the reply of the preparation; then for every call a
// socket to the server, and the process of the child it forked, as descriptors, back.

namespace hyprstream {
namespace {

using sandbox::Clock;

enum class Packet : char { kCall = 'c', kForked = 'f', kNoProcess = 'n' };

bool send_packet(int control, Packet packet, int descriptor) {
  iovec data{&packet, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  for (;;) {
    if (::sendmsg(control, &message, MSG_NOSIGNAL) == 1) return true;
    if (errno != EINTR) return false;
  }
}

struct Received {
  ssize_t length = -1;  // 0: the other side is gone; -1: errno says
  Packet packet{};
  FileDescriptor descriptor;
};

Received receive_packet(int control) {
  Received received;
  iovec data{&received.packet, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  do received.length = ::recvmsg(control, &message, MSG_CMSG_CLOEXEC);
  while (received.length < 0 && errno == EINTR);
  if (received.length <= 0) return received;
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    received.descriptor.reset(descriptor);
  }
  return received;
}

// ---- In the server ----

void close_standard_streams() {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (nothing >= 0 && nothing != fd) ::dup2(nothing, fd);
  if (nothing > STDERR_FILENO) ::close(nothing);
}

// In a child of the server: one call.
[[noreturn]] void run_call(pid_t server, int socket, const SandboxServer::Handler& handler,
                           const SandboxLimits& limits) {
  sandbox::enter_child(server, socket);
  sandbox::limit_rest(limits);
  const auto reply = sandbox::run_to_reply(
      [&]() -> Result<std::string> {
        std::uint64_t length = 0;
        if (!sandbox::read_all(socket, reinterpret_cast<char*>(&length), sizeof length)) ::_exit(1);
        std::string request(length, '\0');
        if (!sandbox::read_all(socket, request.data(), length)) ::_exit(1);
        return handler(request);
      },
      limits);
  sandbox::write_all(socket, reply);
  ::_exit(0);
}

[[noreturn]] void serve(int control, const std::function<Result<SandboxServer::Handler>()>& prepare,
                        const SandboxLimits& limits) {
  // Not tied to the thread that forked it; it ends when the control socket does.
  sandbox::enter_child(0, control);
  close_standard_streams();
  ::prctl(PR_SET_NAME, "sandbox");
  sandbox::limit_memory(limits);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::signal(SIGCHLD, SIG_IGN);  // the children are reaped by the kernel

  SandboxServer::Handler handler;
  const auto ready = sandbox::run_to_reply(
      [&]() -> Result<std::string> {
        HYPRSTREAM_ASSIGN(handler, prepare());
        return std::string();
      },
      limits);
  if (!sandbox::write_all(control, ready) || !handler) ::_exit(0);
  const pid_t server = ::getpid();
  for (;;) {
    auto call = receive_packet(control);
    if (call.length <= 0) ::_exit(0);
    if (!call.descriptor) continue;
    const pid_t pid = ::fork();
    if (pid == 0) run_call(server, call.descriptor.get(), handler, limits);
    // A child that has ended already has no process to name, and needs none.
    const auto process = pid > 0 ? sandbox::open_process(pid) : FileDescriptor();
    send_packet(control, pid > 0 ? Packet::kForked : Packet::kNoProcess, process.get());
  }
}

// Waits until the socket can be read. False: the time is up.
bool wait_readable(int fd, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd watched{fd, POLLIN, 0};
    const int count = ::poll(&watched, 1, static_cast<int>(std::clamp<long long>(left, 0, INT_MAX)));
    if (count > 0) return true;
    if (count == 0 && left <= 0) return false;
    if (count < 0 && errno != EINTR) return true;  // reading will say
  }
}

}  // namespace

// ---- In the parent ----

struct SandboxServer::State {
  State(std::string what_, const SandboxLimits& limits_, std::chrono::milliseconds timeout, FileDescriptor control_,
        pid_t pid)
      : what(std::move(what_)),
        limits(limits_),
        prepare_timeout(timeout),
        ready_by(Clock::now() + timeout),
        control(std::move(control_)),
        server(pid) {}

  Result<void> wait_ready();
  std::unexpected<Error> gone() {
    server.end();
    lost = true;
    return fail(ErrorCode::kUnavailable, "the process that runs " + what + " is gone");
  }
  // The child that serves a call over `socket`.
  Result<FileDescriptor> fork_child(int socket, Clock::time_point deadline);

  const std::string what;
  const SandboxLimits limits;
  const std::chrono::milliseconds prepare_timeout;
  const Clock::time_point ready_by;

  std::mutex mutex;  // of all that follows
  FileDescriptor control;
  sandbox::Child server;
  std::optional<Result<void>> ready;  // once known
  bool lost = false;
};

Result<void> SandboxServer::State::wait_ready() {
  if (ready) return *ready;
  if (!wait_readable(control.get(), ready_by)) {
    server.end();
    ready = sandbox::fail_timed_out(what, prepare_timeout);
    return *ready;
  }
  std::string bytes(sizeof(sandbox::Header) + sandbox::kLongestMessage, '\0');
  ssize_t got = 0;
  do got = ::read(control.get(), bytes.data(), bytes.size());
  while (got < 0 && errno == EINTR);
  sandbox::Reply reply;
  const bool whole = got > 0 && parse_reply({bytes.data(), static_cast<std::size_t>(got)}, reply);
  const int signal = whole ? 0 : server.end();
  const auto result = to_result(what, std::move(reply), signal, limits);
  ready = result ? Result<void>() : std::unexpected(result.error());
  return *ready;
}

Result<FileDescriptor> SandboxServer::State::fork_child(int socket, Clock::time_point deadline) {
  if (lost || !send_packet(control.get(), Packet::kCall, socket)) return gone();
  if (!wait_readable(control.get(), deadline)) return gone();
  auto answer = receive_packet(control.get());
  if (answer.length <= 0) return gone();
  if (answer.packet != Packet::kForked) return sandbox::fail_fork(what, EAGAIN);
  return std::move(answer.descriptor);
}

Result<std::unique_ptr<SandboxServer>> SandboxServer::start(std::string what, std::function<Result<Handler>()> prepare,
                                                            const SandboxLimits& limits,
                                                            std::chrono::milliseconds prepare_timeout) {
  HYPRSTREAM_ASSIGN(auto sockets, sandbox::open_sockets(SOCK_SEQPACKET, what));
  pid_t pid = 0;
  {
    const sandbox::SignalsBlocked blocked;
    pid = ::fork();
    if (pid == 0) serve(sockets.child.get(), prepare, limits);
    if (pid < 0) return sandbox::fail_fork(what, errno);
  }
  return std::unique_ptr<SandboxServer>(new SandboxServer(
      std::make_unique<State>(std::move(what), limits, prepare_timeout, std::move(sockets.parent), pid)));
}

SandboxServer::SandboxServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
SandboxServer::~SandboxServer() = default;

Result<void> SandboxServer::wait_ready() {
  const std::scoped_lock lock(state_->mutex);
  return state_->wait_ready();
}

Result<std::string> SandboxServer::call(std::string_view request) {
  FileDescriptor socket;
  FileDescriptor process;
  Clock::time_point deadline;
  {
    const std::scoped_lock lock(state_->mutex);
    HYPRSTREAM_TRY(state_->wait_ready());
    deadline = Clock::now() + state_->limits.timeout;
    HYPRSTREAM_ASSIGN(auto sockets, sandbox::open_sockets(SOCK_STREAM, state_->what));
    HYPRSTREAM_ASSIGN(process, state_->fork_child(sockets.child.get(), deadline));
    socket = std::move(sockets.parent);
  }
  const std::uint64_t length = request.size();
  std::string message(sizeof length, '\0');
  std::memcpy(message.data(), &length, sizeof length);
  message += request;
  auto reply = sandbox::exchange(socket.get(), process.get(), message, deadline, state_->limits);
  if (process) sandbox::kill_process(process);
  return sandbox::to_result(state_->what, std::move(reply), 0, state_->limits);
}

}  // namespace hyprstream

#include "base/sandbox.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/sandbox_child.hpp"

namespace hyprstream {

Result<std::string> run_in_sandbox(std::string_view what, const std::function<Result<std::string>()>& function,
                                   const SandboxLimits& limits) {
  const std::string name(what);
  HYPRSTREAM_ASSIGN(auto sockets, sandbox::open_sockets(SOCK_STREAM, name));
  const auto deadline = sandbox::Clock::now() + limits.timeout;
  const pid_t parent = ::getpid();
  pid_t pid = 0;
  {
    const sandbox::SignalsBlocked blocked;
    pid = ::fork();
    if (pid == 0) {
      const int output = sockets.child.get();
      sandbox::enter_child(parent, output);
      sandbox::limit_memory(limits);
      sandbox::limit_rest(limits);
      sandbox::write_all(output, sandbox::run_to_reply(function, limits));
      ::_exit(0);
    }
    if (pid < 0) return sandbox::fail_fork(name, errno);
  }
  sockets.child.reset();
  sandbox::Child child(pid);
  auto reply = sandbox::exchange(sockets.parent.get(), child.handle(), {}, deadline, limits);
  const int signal = child.end();
  return sandbox::to_result(name, std::move(reply), signal, limits);
}

}  // namespace hyprstream

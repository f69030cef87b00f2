#include "terminal/console.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

// 0, or the errno of what failed.
int write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // Somebody else made the shared terminal or pipe non-blocking.
      pollfd waiting{fd, POLLOUT, 0};
      ::poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

Result<void> Console::write(std::string_view text) {
  const int error = write_all(STDOUT_FILENO, text);
  if (error == 0) return {};
  reader_gone_ = error == EPIPE;
  return fail_errno("cannot write to standard output", error);
}

Result<void> Console::write_model_text(std::string_view text) {
  return is_terminal(STDOUT_FILENO) ? write(printable_text(text)) : write(text);
}

void Console::status(std::string_view line) noexcept {
  std::string text(line);
  text += '\n';
  write_all(STDERR_FILENO, text);
}

void prepare_standard_streams() noexcept {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number, so this is `fd`. The wrong direction: using it stays an error.
    [[maybe_unused]] const int opened =
        ::open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_NOCTTY);  // NOLINT
  }
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace hyprstream

#include "http/connection.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

constexpr auto kLinger = 200ms;
constexpr std::size_t kMostLingering = 1 << 20;

void address_of(const sockaddr_storage& address, std::string& ip, int& port) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &four.sin_addr, text.data(), text.size());
    port = ntohs(four.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &six.sin6_addr, text.data(), text.size());
    port = ntohs(six.sin6_port);
  }
  ip = text.data();
}

int clamp_to_int(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

Connection::Connection(FileDescriptor socket, std::shared_ptr<const TlsContext> tls,
                       std::chrono::milliseconds write_timeout)
    : socket_(std::move(socket)), tls_(std::move(tls)), session_(nullptr, SSL_free), write_timeout_(write_timeout) {
  ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (tls_ == nullptr) return;
  session_.reset(SSL_new(tls_->get()));
  if (session_ != nullptr) SSL_set_fd(session_.get(), socket_.get());
}

Connection::~Connection() = default;

void Connection::begin_request(Clock::time_point deadline) {
  deadline_ = deadline;
  late_ = false;
  received_ = end_ - begin_;
  sent_ = 0;
}

void Connection::expect_end() { deadline_ = std::min(deadline_, Clock::now() + kLinger); }

bool Connection::wait_for(Wait wait, Clock::time_point deadline) const {
  pollfd poll{.fd = socket_.get(), .events = static_cast<short>(wait == Wait::kRead ? POLLIN : POLLOUT), .revents = 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left <= 0ms) return false;
    const int ready = ::poll(&poll, 1, clamp_to_int(static_cast<std::size_t>(left.count())));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

Connection::Wait Connection::tls_wait(int result) const {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ: return Wait::kRead;
    case SSL_ERROR_WANT_WRITE: return Wait::kWrite;
    default: return Wait::kFailed;
  }
}

bool Connection::handshake() {
  if (tls_ == nullptr || shaken_hands_) return true;
  if (session_ == nullptr) return false;
  for (;;) {
    ERR_clear_error();
    const int result = SSL_accept(session_.get());
    if (result == 1) return shaken_hands_ = true;
    const Wait wait = tls_wait(result);
    if (wait == Wait::kFailed || !wait_for(wait, deadline_)) return false;
  }
}

ssize_t Connection::receive(char* to, size_t size, Wait& wait) {
  wait = Wait::kRead;
  if (session_ != nullptr) {
    ERR_clear_error();
    const int result = SSL_read(session_.get(), to, clamp_to_int(size));
    if (result > 0) return result;
    if (SSL_get_error(session_.get(), result) == SSL_ERROR_ZERO_RETURN) return 0;
    wait = tls_wait(result);
    return -1;
  }
  ssize_t result = 0;
  do result = ::recv(socket_.get(), to, size, 0);
  while (result < 0 && errno == EINTR);
  if (result < 0 && errno != EAGAIN && errno != EWOULDBLOCK) wait = Wait::kFailed;
  return result;
}

ssize_t Connection::send(const char* from, size_t size, Wait& wait) {
  wait = Wait::kWrite;
  if (session_ != nullptr) {
    ERR_clear_error();
    const int result = SSL_write(session_.get(), from, clamp_to_int(size));
    if (result > 0) return result;
    wait = tls_wait(result);
    return -1;
  }
  ssize_t result = 0;
  do result = ::send(socket_.get(), from, size, MSG_NOSIGNAL);
  while (result < 0 && errno == EINTR);
  if (result < 0 && errno != EAGAIN && errno != EWOULDBLOCK) wait = Wait::kFailed;
  return result;
}

ssize_t Connection::read(char* to, size_t size) {
  while (!has_buffered()) {
    Wait wait{};
    const ssize_t count = receive(buffer_.data(), buffer_.size(), wait);
    if (count == 0) return 0;
    if (count > 0) {
      begin_ = 0;
      end_ = static_cast<std::size_t>(count);
      received_ += end_;
    } else if (wait == Wait::kFailed) {
      error_ = httplib::Error::Read;
      return -1;
    } else if (!wait_for(wait, deadline_)) {
      late_ = Clock::now() >= deadline_;
      error_ = httplib::Error::Timeout;
      return -1;
    }
  }
  const auto count = std::min(size, end_ - begin_);
  std::memcpy(to, buffer_.data() + begin_, count);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t Connection::write(const char* from, size_t size) {
  if (size == 0) return 0;
  for (;;) {
    Wait wait{};
    const ssize_t count = send(from, size, wait);
    if (count > 0) {
      sent_ += static_cast<std::size_t>(count);
      return count;
    }
    if (wait == Wait::kFailed || !wait_for(wait, Clock::now() + write_timeout_)) {
      error_ = httplib::Error::Write;
      return -1;
    }
  }
}

bool Connection::wait_readable() const { return has_buffered() || wait_for(Wait::kRead, deadline_); }
bool Connection::wait_writable() const { return wait_for(Wait::kWrite, Clock::now() + write_timeout_); }

bool Connection::is_peer_alive() const {
  pollfd poll{.fd = socket_.get(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&poll, 1, 0) >= 0 && (poll.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) == 0;
}

void Connection::finish() {
  if (session_ != nullptr && shaken_hands_) {
    ERR_clear_error();
    SSL_shutdown(session_.get());
  }
  ::shutdown(socket_.get(), SHUT_WR);
  const auto deadline = Clock::now() + kLinger;
  for (std::size_t taken = 0; taken < kMostLingering && wait_for(Wait::kRead, deadline);) {
    const ssize_t count = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
    if (count <= 0) break;
    taken += static_cast<std::size_t>(count);
  }
}

void Connection::end() noexcept { ::shutdown(socket_.get(), SHUT_RDWR); }

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0) address_of(address, ip, port);
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0) address_of(address, ip, port);
}

}  // namespace hyprstream

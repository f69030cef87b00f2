#include "http/connection.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

constexpr auto kLinger = 200ms;
constexpr std::chrono::milliseconds kLookWhetherHurried = 200ms;
constexpr std::size_t kPiece = 16384;
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

void Connection::expect_request(Clock::time_point deadline) {
  deadline_ = deadline;
  late_ = hurried_ = may_ask_ = false;
  received_ = sent_ = 0;
  head_ = {};
  head_state_ = HeadState::kIncomplete;
  const std::scoped_lock lock(ask_mutex_);
  asked_ = false;
}

Connection::Arrival Connection::take_in(Clock::duration patience) {
  if (!handshake(awaited_)) return awaited_ == Wait::kFailed ? Arrival::kEnded : Arrival::kWaiting;
  for (;;) {
    if (has_buffered()) {
      if (received_ == 0) deadline_ = Clock::now() + patience;
      received_ = end_ - begin_;
      head_state_ = head_.look({buffer_.data() + begin_, received_});
      if (head_state_ == HeadState::kComplete) return Arrival::kComplete;
      if (head_state_ != HeadState::kIncomplete) return Arrival::kRefused;
    } else {
      std::vector<char>().swap(buffer_);  // one that is idle costs little
      begin_ = end_ = 0;
    }
    const ssize_t count = fill(awaited_);
    if (count > 0) continue;
    if (count < 0 && awaited_ != Wait::kFailed) return Arrival::kWaiting;
    // What has broken off will not be complete.
    head_state_ = HeadState::kMalformed;
    return count == 0 && has_begun() ? Arrival::kRefused : Arrival::kEnded;
  }
}

std::uint32_t Connection::awaited_events() const noexcept { return awaited_ == Wait::kWrite ? EPOLLOUT : EPOLLIN; }

void Connection::expect_end() { deadline_ = std::min(deadline_, Clock::now() + kLinger); }

bool Connection::wait_for(Wait wait, Clock::time_point deadline) const {
  pollfd poll{.fd = socket_.get(), .events = static_cast<short>(wait == Wait::kRead ? POLLIN : POLLOUT), .revents = 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left <= 0ms || (wait == Wait::kRead && hurried_)) return false;
    const auto moment = wait == Wait::kRead ? std::min(left, kLookWhetherHurried) : left;
    const int ready = ::poll(&poll, 1, clamp_to_int(static_cast<std::size_t>(moment.count())));
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

bool Connection::handshake(Wait& wait) {
  if (tls_ == nullptr || shaken_hands_) return true;
  wait = Wait::kFailed;
  if (session_ == nullptr) return false;
  ERR_clear_error();
  const int result = SSL_accept(session_.get());
  if (result == 1) return shaken_hands_ = true;
  wait = tls_wait(result);
  return false;
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

ssize_t Connection::fill(Wait& wait) {
  if (!has_buffered()) begin_ = end_ = 0;
  if (buffer_.size() < end_ + kPiece) buffer_.resize(end_ + kPiece);
  const ssize_t count = receive(buffer_.data() + end_, kPiece, wait);
  if (count > 0) end_ += static_cast<std::size_t>(count);
  return count;
}

ssize_t Connection::read(char* to, size_t size) {
  while (!has_buffered()) {
    Wait wait{};
    const ssize_t count = fill(wait);
    if (count == 0) return 0;
    if (count > 0) continue;
    if (wait == Wait::kFailed) {
      error_ = httplib::Error::Read;
      return -1;
    }
    if (!wait_for(wait, deadline_)) {
      late_ = hurried_ || Clock::now() >= deadline_;
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
  {
    const std::scoped_lock lock(ask_mutex_);
    asked_ = true;
  }
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
  if (::poll(&poll, 1, 0) < 0 || (poll.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return false;
  if ((poll.revents & POLLRDHUP) == 0) return true;
  // TLS is never half closed.
  if (session_ != nullptr) return false;
  ask_whether_alive();
  return true;
}

// A client that has closed both sides looks like one that has closed its own, until something is sent to it: then its
// system says so.
void Connection::ask_whether_alive() const {
  const std::scoped_lock lock(ask_mutex_);
  if (asked_ || !may_ask_) return;
  asked_ = true;
  constexpr std::string_view kInterim = "HTTP/1.1 100 Continue\r\n\r\n";
  (void)!::send(socket_.get(), kInterim.data(), kInterim.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Connection::finish() {
  if (session_ != nullptr && shaken_hands_) {
    ERR_clear_error();
    SSL_shutdown(session_.get());
  }
  ::shutdown(socket_.get(), SHUT_WR);
  buffer_.resize(kPiece);
  begin_ = end_ = 0;
  hurried_ = false;
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

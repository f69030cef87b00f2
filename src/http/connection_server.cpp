#include "http/connection_server.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <format>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "http/error_response.hpp"

namespace hyprstream {
namespace {

constexpr int kLookForOverdue = 250;  // ms

thread_local Connection* current = nullptr;
thread_local bool must_close = false;
thread_local bool answering = false;

// How many connections may be open, after asking the system for as many descriptors as that takes.
std::size_t affordable(std::size_t connections) {
  constexpr rlim_t kForOthers = 128;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return connections;
  const rlim_t wanted = connections + kForOthers;
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= wanted) return connections;
  const auto fewer = static_cast<std::size_t>(std::max<rlim_t>(limit.rlim_cur, kForOthers + 1) - kForOthers);
  log_line(LogLevel::kWarning,
           std::format("the system lets this process open {} files: no more than {} connections are taken",
                       limit.rlim_cur, fewer));
  return fewer;
}

// Connections are told apart at once, on the thread that accepts them.
class InlineQueue final : public httplib::TaskQueue {
 public:
  bool enqueue(std::function<void()> task) override {
    task();
    return true;
  }
  void shutdown() override {}
};

void write_all(Connection& connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = connection.write(text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

ConnectionServer::ConnectionServer(const ConnectionLimits& limits, TlsProvider tls, std::function<void(int)> refused)
    : limits_(limits),
      tls_(std::move(tls)),
      refused_(std::move(refused)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      pool_(limits.requests) {
  limits_.connections = affordable(limits.connections);
  new_task_queue = [] { return new InlineQueue; };
  epoll_event event{.events = EPOLLIN, .data = {.fd = wake_.get()}};
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
  watcher_ = std::thread([this] { watch_parked(); });
}

ConnectionServer::~ConnectionServer() { end_connections(); }

void ConnectionServer::lengthen_backlog() { ::listen(svr_sock_, SOMAXCONN); }

void ConnectionServer::begin_answer(bool interim) {
  if (interim && current != nullptr) current->may_ask();
  const std::scoped_lock lock(mutex_);
  answering = true;
  ++answering_;
}

bool ConnectionServer::wait_until_answered(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return answered_.wait_for(lock, timeout, [&] { return answering_ == 0; });
}

ConnectionServer::BodyScope::BodyScope(ConnectionServer& server) : server_(server) {
  const std::scoped_lock lock(server.mutex_);
  auto& reading = server.reading_;
  reading.push_back(current);
  const std::size_t most = std::max<std::size_t>(1, server.limits_.requests - server.limits_.requests / 4);
  if (reading.size() <= most) return;
  reading.front()->hurry();
  reading.pop_front();
}

ConnectionServer::BodyScope::~BodyScope() {
  const std::scoped_lock lock(server_.mutex_);
  server_.reading_.remove(current);
}

std::function<bool()> ConnectionServer::client_has_gone() {
  return [connection = current] { return !connection->is_peer_alive(); };
}

bool ConnectionServer::is_request_late() { return current != nullptr && current->is_late(); }

void ConnectionServer::close_after_answer() {
  must_close = true;
  // httplib reads what is left of a body, however long that takes.
  if (current != nullptr) current->expect_end();
}

bool ConnectionServer::process_and_close_socket(socket_t socket) {
  auto connection = std::make_shared<Connection>(FileDescriptor(socket), tls_(), limits_.write);
  bool full = false;
  {
    const std::scoped_lock lock(mutex_);
    full = ending_ || open_.size() >= limits_.connections;
    if (!full) open_.insert(connection);
  }
  if (!full) {
    connection->expect_request(Clock::now() + limits_.request);
    park(std::move(connection));
    return true;
  }
  // Its request is not waited for; under TLS there is nobody to say it to yet.
  if (tls_() == nullptr)
    refuse(*connection, {503, "server_error",
                         std::format("{} connections are open, and no more are taken: try later", limits_.connections),
                         "overloaded", ""});
  connection->finish();
  return true;
}

// An answer where httplib gives none.
void ConnectionServer::refuse(Connection& connection, const HttpError& error) {
  const auto body = error_body(error);
  refused_(error.status);
  write_all(connection, std::format("HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}"
                                    "Connection: close\r\n\r\n{}",
                                    error.status, httplib::status_message(error.status), body.size(),
                                    error.status == 503 ? "Retry-After: 1\r\n" : "", body));
}

void ConnectionServer::park(std::shared_ptr<Connection> connection) {
  const int socket = connection->socket();
  const std::uint32_t events = connection->awaited_events() | EPOLLRDHUP | EPOLLONESHOT;
  const std::scoped_lock lock(mutex_);
  if (ending_) return;
  parked_[socket] = std::move(connection);
  // Once is enough: whoever serves it parks it again.
  epoll_event event{.events = events, .data = {.fd = socket}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket, &event) != 0)
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket, &event);
}

void ConnectionServer::watch_parked() {
  std::array<epoll_event, 64> events;
  auto looked = Clock::now();
  while (!ending_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), kLookForOverdue);
    for (int i = 0; i < count; ++i)
      if (events[static_cast<std::size_t>(i)].data.fd != wake_.get())
        take_ready(events[static_cast<std::size_t>(i)].data.fd);
    if (Clock::now() - looked < std::chrono::milliseconds(kLookForOverdue)) continue;
    looked = Clock::now();
    close_overdue();
  }
}

void ConnectionServer::take_ready(int socket) {
  std::shared_ptr<Connection> connection;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = parked_.find(socket);
    if (found == parked_.end()) return;
    connection = std::move(found->second);
    parked_.erase(found);
  }
  pool_.run([this, connection = std::move(connection)] { serve(connection); });
}

void ConnectionServer::close_overdue() {
  std::vector<std::shared_ptr<Connection>> overdue;
  {
    const std::scoped_lock lock(mutex_);
    const auto now = Clock::now();
    std::erase_if(parked_, [&](auto& entry) {
      if (entry.second->deadline() > now) return false;
      overdue.push_back(std::move(entry.second));
      return true;
    });
  }
  for (const auto& connection : overdue) {
    if (!connection->has_begun()) {
      forget(connection);
      continue;
    }
    pool_.run([this, connection] {
      refuse(*connection, request_too_slow());
      end(connection);
    });
  }
}

void ConnectionServer::serve(const std::shared_ptr<Connection>& connection) {
  for (;;) {
    const auto arrival = connection->take_in(limits_.request);
    if (arrival == Connection::Arrival::kWaiting && !ending_) {
      if (!connection->has_begun() || connection->deadline() > Clock::now()) return park(connection);
      // Who sends a byte now and then is often not parked when overdue ones are looked for.
      refuse(*connection, request_too_slow());
      return end(connection);
    }
    if (arrival == Connection::Arrival::kRefused) refuse(*connection, head_error(connection->head_state()));
    if (ending_ || arrival != Connection::Arrival::kComplete || !serve_one(*connection)) return end(connection);
    connection->expect_request(Clock::now() + limits_.idle);
  }
}

void ConnectionServer::end(const std::shared_ptr<Connection>& connection) {
  connection->finish();
  forget(connection);
}

bool ConnectionServer::serve_one(Connection& connection) {
  std::string remote;
  std::string local;
  int remote_port = 0;
  int local_port = 0;
  connection.get_remote_ip_and_port(remote, remote_port);
  connection.get_local_ip_and_port(local, local_port);
  bool closed = false;
  current = &connection;
  must_close = false;
  const bool good =
      process_request(connection, remote, remote_port, local, local_port, /*close_connection=*/false, closed, nullptr);
  current = nullptr;
  if (std::exchange(answering, false)) {
    const std::scoped_lock lock(mutex_);
    if (--answering_ == 0) answered_.notify_all();
  }
  if (!good && connection.is_late() && !connection.was_answered()) refuse(connection, request_too_slow());
  return good && !closed && !must_close;
}

void ConnectionServer::forget(const std::shared_ptr<Connection>& connection) {
  const std::scoped_lock lock(mutex_);
  open_.erase(connection);
}

void ConnectionServer::end_connections() {
  if (ending_.exchange(true)) return;
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  watcher_.join();
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& connection : open_) connection->end();
  }
  pool_.finish();
  const std::scoped_lock lock(mutex_);
  parked_.clear();
  open_.clear();
}

}  // namespace hyprstream

// Who serves which connection, and how long each may take. Internal to http.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "base/file_descriptor.hpp"
#include "http/connection.hpp"
#include "http/worker_pool.hpp"

namespace hyprstream {

struct ConnectionLimits {
  std::size_t connections = 4096;       // open at once; one more gets 503
  std::size_t requests = 1024;          // answered at once, each on a thread; others wait
  std::chrono::milliseconds request{};  // for a request to arrive as a whole
  std::chrono::milliseconds write{};    // for a reader that takes nothing
  std::chrono::milliseconds idle{};     // between requests
};

// httplib's server parses and answers; connections are ours: one that is idle takes no thread, and one that sends its
// request too slowly loses it to a deadline.
class ConnectionServer final : public httplib::Server {
 public:
  using TlsProvider = std::function<std::shared_ptr<const TlsContext>()>;

  // `tls` is asked for each new connection; null: plain HTTP.
  ConnectionServer(const ConnectionLimits& limits, TlsProvider tls);
  ~ConnectionServer() override;

  // Ends every connection, and waits for their threads. After stop(), and after its listening has returned.
  void end_connections();

  // Of the request that this thread is at: whether it has met its deadline.
  static bool is_request_late();
  // And that its connection is closed behind the answer: what comes next on it may be a rest of this request.
  static void close_after_answer();

 private:
  using Clock = Connection::Clock;
  struct Parked {
    std::shared_ptr<Connection> connection;
    Clock::time_point deadline;
  };

  bool process_and_close_socket(socket_t socket) override;
  void serve(const std::shared_ptr<Connection>& connection);
  bool serve_one(Connection& connection);  // whether the connection goes on
  void park(std::shared_ptr<Connection> connection, Clock::duration patience);
  void watch_parked();
  void take_ready(int socket);
  void close_overdue();
  void forget(const std::shared_ptr<Connection>& connection);

  ConnectionLimits limits_;
  TlsProvider tls_;
  std::atomic<bool> ending_ = false;
  FileDescriptor epoll_;
  FileDescriptor wake_;
  std::mutex mutex_;
  std::map<int, Parked> parked_;                // by socket
  std::set<std::shared_ptr<Connection>> open_;  // parked or served
  WorkerPool pool_;
  std::thread watcher_;
};

}  // namespace hyprstream

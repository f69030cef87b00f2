// Who serves which connection, and how long each may take. Internal to http.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "base/file_descriptor.hpp"
#include "http/connection.hpp"
#include "http/error_response.hpp"
#include "http/worker_pool.hpp"

namespace hyprstream {

struct ConnectionLimits {
  std::size_t connections = 4096;       // open at once; one more gets 503
  std::size_t requests = 1024;          // answered at once, each on a thread; others wait
  std::chrono::milliseconds request{};  // for a request to arrive as a whole
  std::chrono::milliseconds write{};    // for a reader that takes nothing
  std::chrono::milliseconds idle{};     // between requests
};

// httplib's server parses and answers; connections are ours: one that is idle, or has not sent all of a request's head,
// takes no thread, and one that sends its request too slowly loses it to a deadline.
class ConnectionServer final : public httplib::Server {
 public:
  using TlsProvider = std::function<std::shared_ptr<const TlsContext>()>;

  // `tls` is asked for each new connection; null: plain HTTP. `refused` is told the status of what httplib never sees.
  ConnectionServer(const ConnectionLimits& limits, TlsProvider tls, std::function<void(int status)> refused);
  ~ConnectionServer() override;

  // Ends every connection, and waits for their threads. After stop(), and after its listening has returned.
  void end_connections();

  // Once it is bound: httplib lets no more than five wait to be accepted.
  void lengthen_backlog();

  // This thread makes and sends an answer from now on. `interim`: there may be others before it.
  void begin_answer(bool interim);
  // Waits until nobody does; false: it took longer.
  bool wait_until_answered(std::chrono::milliseconds timeout);

  // While this thread reads a body. Where too many do, the one that has been at it longest has no more time: threads
  // are left for others.
  class BodyScope {
   public:
    explicit BodyScope(ConnectionServer& server);
    ~BodyScope();
    BodyScope(const BodyScope&) = delete;
    BodyScope& operator=(const BodyScope&) = delete;

   private:
    ConnectionServer& server_;
  };

  // Of the request that this thread is at: says whether its client has gone, on any thread until it is answered.
  static std::function<bool()> client_has_gone();
  // Whether it has met its deadline.
  static bool is_request_late();
  // And that its connection is closed behind the answer: what comes next on it may be a rest of this request.
  static void close_after_answer();

 private:
  using Clock = Connection::Clock;
  bool process_and_close_socket(socket_t socket) override;
  void serve(const std::shared_ptr<Connection>& connection);
  bool serve_one(Connection& connection);  // whether the connection goes on
  void park(std::shared_ptr<Connection> connection);
  void refuse(Connection& connection, const HttpError& error);
  void end(const std::shared_ptr<Connection>& connection);
  void watch_parked();
  void take_ready(int socket);
  void close_overdue();
  void forget(const std::shared_ptr<Connection>& connection);

  ConnectionLimits limits_;
  TlsProvider tls_;
  std::function<void(int)> refused_;
  std::atomic<bool> ending_ = false;
  FileDescriptor epoll_;
  FileDescriptor wake_;
  std::mutex mutex_;
  std::map<int, std::shared_ptr<Connection>> parked_;  // by socket
  std::set<std::shared_ptr<Connection>> open_;         // parked or served
  std::list<Connection*> reading_;                     // bodies, the one that has been at it longest first
  std::size_t answering_ = 0;
  std::condition_variable answered_;
  WorkerPool pool_;
  std::thread watcher_;
};

}  // namespace hyprstream

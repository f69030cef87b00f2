// An HTTP/1.1 server in front of a table of routes: connections, limits, keys.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/api_keys.hpp"
#include "access/tls.hpp"
#include "base/error.hpp"
#include "http/route.hpp"

namespace hyprstream {

// Who may ask for what. May be replaced while the server runs.
struct AccessPolicy {
  ApiKeys keys;                              // none: whoever reaches the server may use it
  std::vector<std::string> allowed_hosts;    // names in Host headers beside the loopback's, in lower case
  std::vector<std::string> allowed_origins;  // of web pages that may ask: "https://chat.example"
  std::shared_ptr<const TlsContext> tls;     // null: plain HTTP; which of both it is cannot change
};

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  int port = 8080;  // 0: any that is free
  AccessPolicy policy;
  std::size_t max_body = 32 << 20;           // bytes of a request's body; more is 413
  std::size_t max_connections = 4096;        // open at once; one more gets 503
  std::size_t max_requests = 1024;           // answered at once; others wait
  std::chrono::seconds request_timeout{30};  // for a request to arrive as a whole; longer is 408
  std::chrono::seconds write_timeout{30};    // for a reader that takes nothing
  std::chrono::seconds keep_alive{60};       // an idle connection is kept so long
  // Told of every answer before it is sent: the method, the route's path, the status. The first two are "" where the
  // request never came so far. Called on many threads at once.
  std::function<void(std::string_view method, std::string_view route, int status)> answered;
};

// Every request passes, in this order: Host, Origin, route, key and scope, all on its head alone; then its body is
// read, and the handler called. Thread-safe but for create() and destruction.
class HttpServer {
 public:
  // Listens at once; requests are answered on threads of their own.
  // Errors: kUnavailable (the address cannot be listened on; names it).
  static Result<std::unique_ptr<HttpServer>> create(HttpServerOptions options, std::vector<Route> routes);
  // Ends what is in flight.
  ~HttpServer();

  int port() const noexcept;
  // For requests and connections from now on.
  void set_policy(AccessPolicy policy);
  // Takes no new connections; those there are go on until their request is answered.
  void stop_listening();
  // Waits until no answer is being made or sent, whatever its reader's pace; false: it took longer.
  bool wait_until_answered(std::chrono::milliseconds timeout);

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyprstream

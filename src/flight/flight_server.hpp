// SQL for other programs: an Arrow Flight SQL server (arrow.apache.org/docs/format/FlightSql.html).
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "access/api_keys.hpp"
#include "access/tls.hpp"
#include "base/error.hpp"
#include "flight/session_source.hpp"
#include "flight/statement_limits.hpp"

namespace hyprstream {

struct FlightServerOptions {
  std::string host = "127.0.0.1";
  int port = 50051;                // 0: any that is free
  ApiKeys keys;                    // none: whoever reaches the server may use it
  std::optional<TlsSettings> tls;  // nothing: without TLS
  StatementLimits limits;
  std::size_t message_bytes = 256 << 20;  // largest message, such as a batch of rows, from a client
  int threads = 2048;                     // calls at once, with those that wait; one more is refused
  std::chrono::seconds goodbye{5};        // for running calls to notice that the server ends
  std::string version;                    // of the program, for clients that ask
};

// Thread-safe but for create() and destruction.
class FlightServer {
 public:
  // Listens at once; calls are answered on threads of their own, with sessions from `sessions`.
  // Errors: kUnavailable (the address cannot be listened on; names it), those of TlsContext::create().
  static Result<std::unique_ptr<FlightServer>> create(FlightServerOptions options, SessionSource sessions);
  // Cancels what is in flight, rolls open transactions back.
  ~FlightServer();
  FlightServer(const FlightServer&) = delete;
  FlightServer& operator=(const FlightServer&) = delete;

  int port() const noexcept;
  // For calls from now on.
  void set_keys(ApiKeys keys);

 private:
  struct Impl;
  explicit FlightServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hyprstream

// A server with a database in memory, on loopback.
#pragma once

#include <memory>

#include "catalog/database.hpp"
#include "flight/flight_server.hpp"

namespace hyprstream {

inline constexpr const char* kAdminKey = "0123456789abcdef";
inline constexpr const char* kReadingKey = "fedcba9876543210";

struct FlightLoopback {
  explicit FlightLoopback(const StatementLimits& limits = {}) {
    FlightServerOptions options{.port = 0, .limits = limits, .version = "1.2.3"};
    options.keys = *ApiKeys::parse(std::string("admin root ") + kAdminKey + "\ninference app " + kReadingKey, "keys");
    server = std::move(*FlightServer::create(std::move(options), [database = database](Scope scope) {
      return database->connect({.permission = scope == Scope::kAdmin ? SqlPermission::kWrite : SqlPermission::kRead});
    }));
  }

  std::shared_ptr<Database> database = *Database::open({});
  std::unique_ptr<FlightServer> server;
};

}  // namespace hyprstream

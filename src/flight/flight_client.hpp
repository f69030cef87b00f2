// A session of a Flight SQL server somewhere else, to whoever runs statements like one of this process.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

struct FlightClientOptions {
  std::string host = "localhost";
  int port = 50051;
  std::string token;  // a key of the server's; empty: none
  bool tls = false;
  std::optional<std::filesystem::path> tls_ca;  // PEM: who signs the server's certificate; else the system's
  std::optional<std::filesystem::path> client_certificate;  // PEM, for servers that want one; with its key
  std::optional<std::filesystem::path> client_key;
  std::chrono::seconds connect_timeout{10};  // for the server's first answer
};

// Opens a session there: temporary tables, settings and BEGIN last from one statement to the next. Servers of others
// may not keep sessions; each statement then stands for itself.
// Errors: kUnavailable (nobody answers there; names it), kPermissionDenied (the key), kNotFound and kInvalidArgument
// (files), kUnsupported (no Flight SQL server).
Result<std::unique_ptr<Session>> connect_flight(const FlightClientOptions& options);

}  // namespace hyprstream

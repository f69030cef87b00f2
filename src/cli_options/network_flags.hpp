// Where the server listens, and who may ask it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "command_line/argument_list.hpp"
#include "http/http_server.hpp"

namespace hyprstream {

struct NetworkFlags {
  std::string host = "127.0.0.1";
  int port = 8080;
  std::optional<std::string> key_file;
  std::optional<std::string> tls_cert;
  std::optional<std::string> tls_key;
  std::optional<std::string> tls_client_ca;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_origins;
  bool insecure = false;
  int max_connections = 4096;
  int request_timeout = 30;  // seconds

  void declare(ArgumentList& arguments);

  // Reads the files that are named. Errors: kInvalidArgument (settings that contradict each other; other machines let
  // in without keys), those of ApiKeys::read() and TlsContext::create().
  Result<AccessPolicy> policy() const;
  Result<HttpServerOptions> server_options() const;

  // Takes from `now` what can change while the server runs and has changed since `before`; what is not as in `before`
  // was given elsewhere and stays. Both are what the file of settings says.
  void take_changes(const NetworkFlags& before, const NetworkFlags& now);
};

// What the file of settings says of the network. `all`: every setting that it may hold.
Result<NetworkFlags> read_network_settings(const std::filesystem::path& file, const ArgumentList& all);

}  // namespace hyprstream

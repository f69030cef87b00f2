#include "cli_options/network_flags.hpp"

#include <cstdlib>
#include <format>

#include "command_line/settings.hpp"

namespace hyprstream {
namespace {

bool is_loopback(std::string_view host) { return host == "127.0.0.1" || host == "localhost" || host == "::1"; }

Result<ApiKeys> read_keys(const std::optional<std::string>& file) {
  ApiKeys keys;
  if (file) {
    HYPRSTREAM_ASSIGN(keys, ApiKeys::read(*file));
  }
  if (const char* key = std::getenv("HYPRSTREAM_API_KEY"); key != nullptr && *key != '\0')
    HYPRSTREAM_TRY(keys.add("environment", Scope::kAdmin, key));
  return keys;
}

}  // namespace

void NetworkFlags::declare(ArgumentList& arguments) {
  arguments.begin_section("Network");
  arguments.text("--host", "ADDRESS", host, "Address to listen on");
  arguments.integer("--port,-p", port, {0, 65535}, "Port to listen on; 0: any that is free");
  arguments.file("--api-key-file", "FILE", key_file, "Keys that clients must show; only you may read the file", "none");
  arguments.file("--tls-cert", "FILE", tls_cert, "Certificate in PEM: serve HTTPS", "plain HTTP");
  arguments.file("--tls-key", "FILE", tls_key, "Its private key in PEM, without a passphrase");
  arguments.file("--tls-client-ca", "FILE", tls_client_ca,
                 "Clients must show a certificate that one of these has signed", "they need none");
  arguments.texts("--allowed-host", "NAME", allowed_hosts, "A name of this server in Host headers, beside localhost");
  arguments.texts("--allowed-origin", "ORIGIN", allowed_origins,
                  "Web pages that may ask, such as https://chat.example; no others may");
  arguments.flag("--insecure", insecure, "Listen beyond this machine without keys");
  arguments.integer("--max-connections", max_connections, {1, 1 << 20}, "Connections open at once; one more gets 503");
  arguments.integer("--request-timeout", request_timeout, {1, 3600}, "Seconds for a request to arrive");
}

Result<AccessPolicy> NetworkFlags::policy() const {
  AccessPolicy policy;
  HYPRSTREAM_ASSIGN(policy.keys, read_keys(key_file));
  if (!is_loopback(host) && policy.keys.empty() && !insecure)
    return fail(ErrorCode::kInvalidArgument,
                std::format("--host {} lets other machines in, and there are no keys: give --api-key-file, or "
                            "--insecure if that is what you want",
                            host));
  policy.allowed_hosts = allowed_hosts;
  if (!is_loopback(host) && host != "0.0.0.0" && host != "::") policy.allowed_hosts.push_back(host);
  for (auto& name : policy.allowed_hosts) {
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    // An IPv6 address, which a Host header has in brackets.
    if (name.contains(':') && !name.starts_with('[')) name = "[" + name + "]";
  }
  policy.allowed_origins = allowed_origins;
  if (tls_cert.has_value() != tls_key.has_value())
    return fail(ErrorCode::kInvalidArgument, "--tls-cert and --tls-key belong together: one is missing");
  if (!tls_cert) {
    if (tls_client_ca) return fail(ErrorCode::kInvalidArgument, "--tls-client-ca needs --tls-cert and --tls-key");
    return policy;
  }
  HYPRSTREAM_ASSIGN(policy.tls,
                    TlsContext::create({.certificate = *tls_cert, .key = *tls_key, .client_ca = tls_client_ca}));
  return policy;
}

Result<HttpServerOptions> NetworkFlags::server_options() const {
  HttpServerOptions options{.host = host, .port = port};
  HYPRSTREAM_ASSIGN(options.policy, policy());
  options.max_connections = static_cast<std::size_t>(max_connections);
  options.request_timeout = std::chrono::seconds(request_timeout);
  return options;
}

void NetworkFlags::take_changes(const NetworkFlags& before, const NetworkFlags& now) {
  const auto take = [&](auto field) {
    if (this->*field == before.*field) this->*field = now.*field;
  };
  take(&NetworkFlags::key_file);
  take(&NetworkFlags::tls_cert);
  take(&NetworkFlags::tls_key);
  take(&NetworkFlags::tls_client_ca);
  take(&NetworkFlags::allowed_hosts);
  take(&NetworkFlags::allowed_origins);
}

Result<NetworkFlags> read_network_settings(const std::filesystem::path& file, const ArgumentList& all) {
  NetworkFlags flags;
  ArgumentList arguments;
  flags.declare(arguments);
  HYPRSTREAM_TRY(assign_settings_file(arguments, file, {}, all));
  return flags;
}

}  // namespace hyprstream

// Certificates of the server, and which clients it wants some of.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.hpp"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace hyprstream {

struct TlsSettings {
  std::filesystem::path certificate;               // PEM: the server's, then those that lead to its authority
  std::filesystem::path key;                       // PEM, without a passphrase
  std::optional<std::filesystem::path> client_ca;  // PEM: clients must show a certificate that one of these has signed
};

// What connections are made with: TLS 1.2 and 1.3, OpenSSL's default ciphers. Immutable; thread-safe.
class TlsContext {
 public:
  // Errors: kNotFound, kPermissionDenied, kInvalidArgument (no PEM of that kind; a key of another certificate; one that
  // has expired or is not valid yet), each naming the file.
  static Result<std::shared_ptr<const TlsContext>> create(const TlsSettings& settings);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const noexcept { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) noexcept : context_(context) {}

  ssl_ctx_st* context_;
};

}  // namespace hyprstream

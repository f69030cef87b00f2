#include "access/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cerrno>
#include <format>
#include <fstream>

namespace hyprstream {
namespace {

Result<void> require_readable(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream file(path);
  if (!file || file.peek() == std::ifstream::traits_type::eof()) {
    if (errno != 0) return fail_errno(path.string(), errno);
    return fail(ErrorCode::kInvalidArgument, path.string() + " is empty");
  }
  return {};
}

std::unexpected<Error> wrong(const std::filesystem::path& path, std::string_view what) {
  ERR_clear_error();
  return fail(ErrorCode::kInvalidArgument, std::format("{} {}", path.string(), what));
}

Result<void> require_valid_now(const X509* certificate, const std::filesystem::path& path) {
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
    return wrong(path, "holds a certificate that is not valid yet");
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
    return wrong(path, "holds a certificate that has expired");
  return {};
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::create(const TlsSettings& settings) {
  HYPRSTREAM_TRY(require_readable(settings.certificate));
  HYPRSTREAM_TRY(require_readable(settings.key));
  const std::shared_ptr<TlsContext> made(new TlsContext(SSL_CTX_new(TLS_server_method())));
  SSL_CTX* context = made->get();
  if (context == nullptr) return fail(ErrorCode::kResourceExhausted, "OpenSSL has no memory for a TLS context");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // What cannot answer a passphrase must not ask for one.
  SSL_CTX_set_default_passwd_cb(context, [](char*, int, int, void*) { return -1; });
  if (SSL_CTX_use_certificate_chain_file(context, settings.certificate.c_str()) != 1)
    return wrong(settings.certificate, "holds no certificate in PEM");
  HYPRSTREAM_TRY(require_valid_now(SSL_CTX_get0_certificate(context), settings.certificate));
  if (SSL_CTX_use_PrivateKey_file(context, settings.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const bool other = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
    return wrong(settings.key, other ? "is the key of another certificate than " + settings.certificate.string()
                                     : "holds no private key in PEM that needs no passphrase");
  }
  if (SSL_CTX_check_private_key(context) != 1)
    return wrong(settings.key, "is the key of another certificate than " + settings.certificate.string());
  if (settings.client_ca) {
    HYPRSTREAM_TRY(require_readable(*settings.client_ca));
    if (SSL_CTX_load_verify_file(context, settings.client_ca->c_str()) != 1)
      return wrong(*settings.client_ca, "holds no certificate in PEM");
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(settings.client_ca->c_str()));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    constexpr unsigned char kSession[] = "hyprstream";
    SSL_CTX_set_session_id_context(context, kSession, sizeof(kSession) - 1);
  }
  return made;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

}  // namespace hyprstream

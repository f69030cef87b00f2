#include "hub/http_transfer.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <format>
#include <utility>

namespace hyprstream {
namespace {

// What may be on its way when this process is killed, and then comes twice. Eight connections of this
// size fill 1 Gbit/s over 60 ms.
constexpr int kReceiveWindow = 1 << 20;  // bytes per connection
constexpr long kBufferSize = 256 << 10;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Where the system keeps the certificates that it trusts; nothing if libcurl's own place will do.
// A program from the package looks where Debian has them, and the system it runs on may be another.
std::optional<std::string> certificate_file() {
  for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  for (const char* place :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"})
    if (::access(place, R_OK) == 0) return place;
  return std::nullopt;
}

bool initialize_curl() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ready;
}

}  // namespace

void HttpHeaders::add_line(std::string_view line) {
  if (line.starts_with("HTTP/")) {
    values_.clear();
    return;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(trim(line.substr(0, colon)));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  values_.insert_or_assign(std::move(name), std::string(trim(line.substr(colon + 1))));
}

std::optional<std::string_view> HttpHeaders::find(std::string_view lower_name) const {
  const auto found = values_.find(lower_name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  const char* at = text.data() + 6;
  const char* const end = text.data() + text.size();
  ContentRange range;
  const auto number = [&](std::uint64_t& value, char after) {
    const auto result = std::from_chars(at, end, value);
    if (result.ec != std::errc()) return false;
    at = result.ptr;
    if (after == '\0') return at == end;
    return at != end && *at++ == after;
  };
  if (!number(range.first, '-') || !number(range.last, '/') || range.last < range.first) return std::nullopt;
  if (std::string_view(at, end) == "*") return range;
  std::uint64_t total = 0;
  if (!number(total, '\0') || range.last >= total) return std::nullopt;
  range.total = total;
  return range;
}

Result<std::unique_ptr<HttpTransfer>> HttpTransfer::create(const HttpSettings& settings) {
  std::unique_ptr<HttpTransfer> transfer(new HttpTransfer(settings));
  if (initialize_curl()) transfer->handle_.reset(curl_easy_init());
  if (!transfer->handle_) return fail(ErrorCode::kResourceExhausted, "libcurl cannot be started: is memory short?");
  return transfer;
}

Result<void> HttpTransfer::prepare(RedirectChain chain, const Request& request, BodySink body) {
  CURL* const curl = handle_.get();
  curl_easy_reset(curl);  // connections stay
  chain_ = std::move(chain);
  body_ = std::move(body);
  headers_.clear();
  address_refused_ = false;

  std::string headers[] = {"Accept-Encoding: identity", ""};
  if (settings_.token && settings_.token_origin && chain_->may_send_credentials() &&
      chain_->current().same_origin(*settings_.token_origin))
    headers[1] = "Authorization: Bearer " + *settings_.token;
  request_headers_.reset();
  for (const auto& header : headers) {
    if (header.empty()) continue;
    auto* longer = curl_slist_append(request_headers_.get(), header.c_str());
    if (longer == nullptr) return fail(ErrorCode::kResourceExhausted, "there is not enough memory for a request");
    (void)request_headers_.release();
    request_headers_.reset(longer);
  }

  curl_easy_setopt(curl, CURLOPT_URL, chain_->current().text().c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, settings_.user_agent.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, request_headers_.get());
  curl_easy_setopt(curl, CURLOPT_NOBODY, request.head_only ? 1L : 0L);
  std::string range;
  if (request.range) {
    range = std::format("{}-{}", request.range->first, request.range->last);
    curl_easy_setopt(curl, CURLOPT_RANGE, range.c_str());  // copied
  }
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, kBufferSize);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, static_cast<long>(settings_.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(settings_.stall_timeout.count()));
  static const auto certificates = certificate_file();
  if (certificates) curl_easy_setopt(curl, CURLOPT_CAINFO, certificates->c_str());
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
  curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_connected);
  curl_easy_setopt(curl, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket);
  curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, this);
  curl_easy_setopt(curl, CURLOPT_PRIVATE, this);
  return {};
}

long HttpTransfer::status() const noexcept {
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::optional<Error> HttpTransfer::failure(CURLcode code) const {
  const std::string& host = chain_->current().host();
  const auto error = [](ErrorCode error_code, std::string message) { return Error{error_code, std::move(message)}; };
  switch (code) {
    case CURLE_OK: return std::nullopt;
    case CURLE_COULDNT_RESOLVE_HOST:
      return error(ErrorCode::kUnavailable,
                   std::format("the host {} is not found: check the network and the name", host));
    case CURLE_COULDNT_RESOLVE_PROXY:
      return error(ErrorCode::kUnavailable, "the proxy that the environment names is not found: check https_proxy");
    case CURLE_COULDNT_CONNECT:
      return error(ErrorCode::kUnavailable, std::format("{} cannot be reached: check the network", host));
    case CURLE_OPERATION_TIMEDOUT:
      return error(ErrorCode::kUnavailable,
                   std::format("{} sent nothing for {} s: try again later", host, settings_.stall_timeout.count()));
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2_STREAM:
      return error(ErrorCode::kUnavailable, std::format("the connection to {} broke off: try again", host));
    case CURLE_ABORTED_BY_CALLBACK:
      if (address_refused_)
        return error(
            ErrorCode::kPermissionDenied,
            std::format("{} redirects to {}, which is an address of this machine or its own network, and that is "
                        "not followed",
                        chain_->origin().host(), host));
      return error(ErrorCode::kCancelled, "interrupted");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return error(ErrorCode::kIo, std::format("the certificate of {} is not trusted: is a proxy in between? "
                                               "SSL_CERT_FILE may name the certificates to trust",
                                               host));
    default:
      return error(ErrorCode::kUnavailable,
                   std::format("the connection to {} failed: {}", host, curl_easy_strerror(code)));
  }
}

std::size_t HttpTransfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  static_cast<HttpTransfer*>(self)->headers_.add_line({data, size * count});
  return size * count;
}

std::size_t HttpTransfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  const auto bytes = std::as_bytes(std::span(data, size * count));
  return !transfer.body_ || transfer.body_(bytes) ? bytes.size() : CURL_WRITEFUNC_ERROR;
}

int HttpTransfer::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& cancelled = static_cast<HttpTransfer*>(self)->settings_.cancelled;
  return cancelled && cancelled() ? 1 : 0;
}

int HttpTransfer::on_connected(void* self, char* address, char*, int, int) {
  auto& transfer = *static_cast<HttpTransfer*>(self);
  long used_proxy = 0;
  curl_easy_getinfo(transfer.handle_.get(), CURLINFO_USED_PROXY, &used_proxy);
  // Behind a proxy the address is the proxy's; names are checked when redirects are followed.
  if (used_proxy != 0 || transfer.chain_->may_connect_to(address)) return CURL_PREREQFUNC_OK;
  transfer.address_refused_ = true;
  return CURL_PREREQFUNC_ABORT;
}

int HttpTransfer::on_socket(void*, curl_socket_t socket, curlsocktype) {
  // Only a hint: without it things work too.
  ::setsockopt(socket, IPPROTO_TCP, TCP_WINDOW_CLAMP, &kReceiveWindow, sizeof kReceiveWindow);
  return CURL_SOCKOPT_OK;
}

}  // namespace hyprstream

// One HTTP request with libcurl: the settings that all requests share, and what came of it.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/c_handle.hpp"
#include "base/error.hpp"
#include "hub/redirects.hpp"

namespace hyprstream {

struct HttpSettings {
  std::string user_agent = "hyprstream";
  std::optional<HttpUrl> token_origin;  // the only place that is shown the token
  std::optional<std::string> token;
  std::chrono::seconds connect_timeout{10};
  std::chrono::seconds stall_timeout{10};  // without a single byte
  std::function<bool()> cancelled;         // asked several times a second
};

// Response headers. Names are lower-case; of several with one name the last counts.
class HttpHeaders {
 public:
  // A line as it came, "Name: value\r\n". A status line ("HTTP/1.1 200 OK") drops what was there before.
  void add_line(std::string_view line);
  void clear() noexcept { values_.clear(); }
  std::optional<std::string_view> find(std::string_view lower_name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// "bytes 0-9/100": which part of how much. `total` is missing for '*'.
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t> total;
};
std::optional<ContentRange> parse_content_range(std::string_view text);

// First and last byte, both included.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

// A handle that is used for one request after the other and keeps its connection. Redirects are not
// followed: the caller does that, through the chain. Not thread-safe; must not move while a request runs.
class HttpTransfer {
 public:
  // Takes a piece of the body; false ends the request.
  using BodySink = std::function<bool(std::span<const std::byte>)>;

  struct Request {
    bool head_only = false;
    std::optional<ByteRange> range;
  };

  // `settings` must outlive it. Errors: kResourceExhausted.
  static Result<std::unique_ptr<HttpTransfer>> create(const HttpSettings& settings);

  // Sets everything up for the chain's current address. Errors: kResourceExhausted.
  Result<void> prepare(RedirectChain chain, const Request& request, BodySink body);

  CURL* handle() const noexcept { return handle_.get(); }

  // ---- Once it has ended ----
  long status() const noexcept;  // 0 if no answer came
  const HttpHeaders& headers() const noexcept { return headers_; }
  RedirectChain& chain() noexcept { return *chain_; }
  // Why there is no whole answer; nothing if there is one. Errors: kUnavailable (may work later), kCancelled,
  // kPermissionDenied (an address that must not be asked), kIo (certificates, protocol).
  std::optional<Error> failure(CURLcode code) const;

 private:
  explicit HttpTransfer(const HttpSettings& settings) : settings_(settings) {}

  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
  static int on_connected(void* self, char* address, char*, int, int);
  static int on_socket(void* self, curl_socket_t socket, curlsocktype);

  const HttpSettings& settings_;
  CHandle<CURL, curl_easy_cleanup> handle_;
  CHandle<curl_slist, curl_slist_free_all> request_headers_;
  HttpHeaders headers_;
  std::optional<RedirectChain> chain_;
  BodySink body_;
  bool address_refused_ = false;
};

}  // namespace hyprstream

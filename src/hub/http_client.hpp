// Small requests: what the hub's API answers, and what HEAD says about files.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "hub/http_transfer.hpp"

namespace hyprstream {

struct HttpReply {
  long status = 0;
  HttpHeaders headers;
  std::string body;
  RedirectChain chain;  // where the answer came from
};

enum class FollowRedirects {
  kAll,         // by the rules of RedirectChain
  kSameOrigin,  // a redirect to elsewhere is the answer
};

// Keeps its connection from request to request. Not thread-safe.
class HttpClient {
 public:
  // Errors: kResourceExhausted.
  static Result<HttpClient> create(HttpSettings settings);

  // Makes the request again on 429, 5xx and failures of the network, with Backoff. Any other status is an
  // answer. Errors: kUnavailable (it kept failing; the sentence of the last failure), kCancelled,
  // kPermissionDenied, kCorrupt (redirects), kResourceExhausted (a body of more than 64 MB).
  Result<HttpReply> get(const HttpUrl& url);
  Result<HttpReply> head(const HttpUrl& url, FollowRedirects follow);

  const HttpSettings& settings() const noexcept { return *settings_; }

 private:
  HttpClient(std::unique_ptr<HttpSettings> settings, std::unique_ptr<HttpTransfer> transfer);

  Result<HttpReply> request(const HttpUrl& url, bool head_only, FollowRedirects follow);
  Result<HttpReply> request_once(const HttpUrl& url, bool head_only, FollowRedirects follow);

  std::unique_ptr<HttpSettings> settings_;
  std::unique_ptr<HttpTransfer> transfer_;
};

// Sleeps; ends early, with kCancelled, when the settings say so.
Result<void> wait_unless_cancelled(const HttpSettings& settings, std::chrono::milliseconds time);

// Whether an answer means "later": 408, 429, 5xx except 501 and 505.
bool is_temporary(long status) noexcept;

}  // namespace hyprstream

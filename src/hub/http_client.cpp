#include "hub/http_client.hpp"

#include <algorithm>
#include <format>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "hub/backoff.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kLongestBody = std::size_t{64} << 20;

bool is_redirect(long status) { return status >= 300 && status < 400 && status != 304; }

}  // namespace

bool is_temporary(long status) noexcept {
  return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

Result<void> wait_unless_cancelled(const HttpSettings& settings, std::chrono::milliseconds time) {
  constexpr std::chrono::milliseconds kSlice{50};
  for (const auto end = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < end;) {
    if (settings.cancelled && settings.cancelled()) return fail(ErrorCode::kCancelled, "interrupted");
    std::this_thread::sleep_for(std::min(kSlice, time));
  }
  return {};
}

HttpClient::HttpClient(std::unique_ptr<HttpSettings> settings, std::unique_ptr<HttpTransfer> transfer)
    : settings_(std::move(settings)), transfer_(std::move(transfer)) {}

Result<HttpClient> HttpClient::create(HttpSettings settings) {
  auto kept = std::make_unique<HttpSettings>(std::move(settings));
  HYPRSTREAM_ASSIGN(auto transfer, HttpTransfer::create(*kept));
  return HttpClient(std::move(kept), std::move(transfer));
}

Result<HttpReply> HttpClient::get(const HttpUrl& url) { return request(url, false, FollowRedirects::kAll); }

Result<HttpReply> HttpClient::head(const HttpUrl& url, FollowRedirects follow) { return request(url, true, follow); }

Result<HttpReply> HttpClient::request(const HttpUrl& url, bool head_only, FollowRedirects follow) {
  for (Backoff backoff;;) {
    auto response = request_once(url, head_only, follow);
    std::optional<Backoff::Milliseconds> asked;
    if (response) {
      if (!is_temporary(response->status)) return response;
      if (const auto header = response->headers.find("retry-after"))
        asked = parse_retry_after(*header, std::chrono::system_clock::now());
    } else if (response.error().code != ErrorCode::kUnavailable) {
      return response;
    }
    const auto wait = backoff.next(asked);
    if (!wait) return response;
    log_line(
        LogLevel::kInfo,
        std::format("{} {}: trying again in {} ms", url.host(),
                    response ? std::format("answers {}", response->status) : response.error().message, wait->count()));
    HYPRSTREAM_TRY(wait_unless_cancelled(*settings_, *wait));
  }
}

Result<HttpReply> HttpClient::request_once(const HttpUrl& url, bool head_only, FollowRedirects follow) {
  RedirectChain chain(url);
  for (;;) {
    std::string body;
    const auto take = [&](std::span<const std::byte> bytes) {
      if (body.size() + bytes.size() > kLongestBody) return false;
      body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return true;
    };
    HYPRSTREAM_TRY(transfer_->prepare(std::move(chain), {.head_only = head_only, .range = {}}, take));
    const auto code = curl_easy_perform(transfer_->handle());
    if (code == CURLE_WRITE_ERROR)
      return fail(ErrorCode::kResourceExhausted, std::format("{} answers with more than 64 MB", url.host()));
    if (auto failure = transfer_->failure(code)) return std::unexpected(std::move(*failure));
    HttpReply response{.status = transfer_->status(),
                       .headers = transfer_->headers(),
                       .body = std::move(body),
                       .chain = transfer_->chain()};
    const auto location = response.headers.find("location");
    if (!is_redirect(response.status) || !location) return response;
    chain = response.chain;
    HYPRSTREAM_TRY(chain.follow(*location));
    if (follow == FollowRedirects::kSameOrigin && !chain.current().same_origin(url)) return response;
  }
}

}  // namespace hyprstream

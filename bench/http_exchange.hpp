// libcurl for the programs of this folder that talk to a server: one easy handle per client, and the lines of a stream
// of server-sent events.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "bench_support.hpp"

namespace hyprstream::bench {

using Json = nlohmann::ordered_json;

inline Json parsed(std::string_view text, const std::string& what) {
  auto value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) give_up(what + " is no JSON: " + std::string(text.substr(0, 200)));
  return value;
}

// Hands on what a body consists of: its lines "data: ...", without that word.
class EventLines {
 public:
  void add(std::string_view bytes, const std::function<void(std::string_view)>& line) {
    held_ += bytes;
    std::size_t begin = 0;
    for (auto end = held_.find('\n'); end != held_.npos; end = held_.find('\n', begin)) {
      auto text = std::string_view(held_).substr(begin, end - begin);
      if (text.ends_with('\r')) text.remove_suffix(1);
      if (text.starts_with("data: ")) line(text.substr(6));
      begin = end + 1;
    }
    held_.erase(0, begin);
  }

 private:
  std::string held_;
};

// A connection that is kept; one request at a time. Not thread-safe, and not to be moved while one runs.
class HttpClient {
 public:
  HttpClient() : handle_(curl_easy_init(), curl_easy_cleanup) {
    curl_easy_setopt(handle_.get(), CURLOPT_WRITEFUNCTION, &HttpClient::receive);
    curl_easy_setopt(handle_.get(), CURLOPT_WRITEDATA, this);
    curl_easy_setopt(handle_.get(), CURLOPT_PRIVATE, this);
    curl_easy_setopt(handle_.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle_.get(), CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(handle_.get(), CURLOPT_TIMEOUT, 600L);
  }

  CURL* handle() const { return handle_.get(); }

  // For curl_easy_perform() or a multi handle; `received` gets the body as it comes.
  void prepare(const std::string& url, const std::string* body, std::function<void(std::string_view)> received) {
    received_ = std::move(received);
    curl_easy_setopt(handle(), CURLOPT_URL, url.c_str());
    if (body == nullptr) {
      curl_easy_setopt(handle(), CURLOPT_HTTPGET, 1L);
      return;
    }
    static curl_slist* const kHeaders = curl_slist_append(
        curl_slist_append(curl_slist_append(nullptr, "Content-Type: application/json"), "Expect:"), "Accept: */*");
    curl_easy_setopt(handle(), CURLOPT_HTTPHEADER, kHeaders);
    curl_easy_setopt(handle(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body->size()));
    curl_easy_setopt(handle(), CURLOPT_COPYPOSTFIELDS, body->c_str());
  }

  long status() const {
    long status = 0;
    curl_easy_getinfo(handle(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  // The whole answer as JSON; gives up on any failure. `body` is null for GET.
  Json ask(const std::string& url, const std::string* body = nullptr) {
    std::string answer;
    prepare(url, body, [&](std::string_view bytes) { answer += bytes; });
    if (const auto code = curl_easy_perform(handle()); code != CURLE_OK) give_up(url + ": " + curl_easy_strerror(code));
    if (status() != 200) give_up(url + " answered " + std::to_string(status()) + ": " + answer.substr(0, 300));
    return parsed(answer, url);
  }

 private:
  static std::size_t receive(char* bytes, std::size_t size, std::size_t count, void* self) {
    static_cast<HttpClient*>(self)->received_({bytes, size * count});
    return size * count;
  }

  std::unique_ptr<CURL, void (*)(CURL*)> handle_;
  std::function<void(std::string_view)> received_;
};

}  // namespace hyprstream::bench

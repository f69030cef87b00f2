// The server over loopback, asked by libcurl.
#include "http/http_server.hpp"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace hyprstream {
namespace {

struct Reply {
  long status = 0;
  std::string body;
};

class HttpServerTest : public testing::Test {
 protected:
  void start(HttpServerOptions options, std::vector<Route> routes) {
    options.port = 0;
    auto server = HttpServer::create(std::move(options), std::move(routes));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  Reply ask(const std::string& method, const std::string& path, std::vector<std::string> headers = {},
            const std::string& body = "", long timeout_ms = 20000) {
    Reply reply;
    CURL* curl = curl_easy_init();
    const auto url = "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (!body.empty()) {
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
    }
    curl_slist* list = nullptr;
    for (const auto& header : headers) list = curl_slist_append(list, header.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
    curl_easy_setopt(
        curl, CURLOPT_WRITEFUNCTION, +[](char* data, size_t size, size_t count, void* to) {
          static_cast<std::string*>(to)->append(data, size * count);
          return size * count;
        });
    curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
    return reply;
  }

  static Route route(const char* method, const char* path, Scope scope, HttpHandler handler) {
    return {.method = method, .path = path, .scope = scope, .summary = "", .handler = std::move(handler)};
  }

  std::unique_ptr<HttpServer> server_;
};

HttpResponse echo(const HttpRequest& request) { return {.body = request.method + " " + request.body}; }

// Every route is behind the check, whatever its table says, but for those that are public.
TEST_F(HttpServerTest, EveryRouteAsksForItsScope) {
  std::vector<Route> routes;
  for (const char* method : {"GET", "POST", "PUT", "DELETE", "PATCH"})
    for (const auto scope : {Scope::kInference, Scope::kAdmin})
      routes.push_back(route(method, scope == Scope::kAdmin ? "/admin/{x}" : "/use", scope, echo));
  routes.push_back(route("GET", "/health", Scope::kPublic, echo));
  HttpServerOptions options;
  options.policy.keys = ApiKeys::parse("inference app 0123456789abcdef\nadmin root fedcba9876543210", "keys").value();
  start(std::move(options), routes);
  for (const auto& one : routes) {
    const std::string path = one.path == "/admin/{x}" ? "/admin/y" : one.path;
    const auto status = [&](const char* key) {
      return ask(one.method, path,
                 key == nullptr ? std::vector<std::string>() : std::vector{"Authorization: Bearer " + std::string(key)})
          .status;
    };
    if (one.scope == Scope::kPublic) {
      EXPECT_EQ(status(nullptr), 200);
      continue;
    }
    EXPECT_EQ(status(nullptr), 401) << one.method << path;
    EXPECT_EQ(status("fedcba987654321"), 401) << one.method << path;
    EXPECT_EQ(status("0123456789abcdef"), one.scope == Scope::kAdmin ? 403 : 200) << one.method << path;
    EXPECT_EQ(status("fedcba9876543210"), 200) << one.method << path;
  }
  EXPECT_EQ(ask("GET", "/nothing").status, 401);
}

TEST_F(HttpServerTest, RefusesForeignNamesAndPages) {
  start({}, {route("GET", "/use", Scope::kInference, echo)});
  EXPECT_EQ(ask("GET", "/use").status, 200);
  EXPECT_EQ(ask("GET", "/use", {"Host: evil.example"}).status, 403);
  EXPECT_EQ(ask("GET", "/use", {"Origin: https://evil.example"}).status, 403);
}

TEST_F(HttpServerTest, LimitsTheBodyAndSurvivesHandlersThatThrow) {
  HttpServerOptions options;
  options.max_body = 1000;
  start(std::move(options), {route("POST", "/use", Scope::kInference, echo),
                             route("GET", "/throw", Scope::kInference,
                                   [](const HttpRequest&) -> HttpResponse { throw std::runtime_error("secret"); })});
  EXPECT_EQ(ask("POST", "/use", {}, std::string(900, 'x')).status, 200);
  EXPECT_EQ(ask("POST", "/use", {}, std::string(2000, 'x')).status, 413);
  const auto thrown = ask("GET", "/throw");
  EXPECT_EQ(thrown.status, 500);
  EXPECT_FALSE(thrown.body.contains("secret"));
}

TEST_F(HttpServerTest, StreamsAndNoticesThatTheClientHasGone) {
  std::atomic<bool> noticed = false;
  start({}, {route("GET", "/pieces", Scope::kInference,
                   [](const HttpRequest&) {
                     HttpResponse response;
                     response.stream = [](BodyWriter& out) {
                       for (int i = 0; i < 100; ++i) out.write("piece ");
                     };
                     return response;
                   }),
             route("GET", "/slow", Scope::kInference, [&](const HttpRequest& request) {
               for (int i = 0; i < 1000 && !noticed; ++i) {
                 std::this_thread::sleep_for(std::chrono::milliseconds(20));
                 noticed = request.disconnected.stop_requested();
               }
               return HttpResponse{};
             })});
  EXPECT_EQ(ask("GET", "/pieces").body.size(), 600U);
  ask("GET", "/slow", {}, "", 100);  // gives up
  for (int i = 0; i < 500 && !noticed; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_TRUE(noticed);
}

TEST_F(HttpServerTest, APortThatIsTakenIsNamed) {
  start({}, {});
  HttpServerOptions options;
  options.port = server_->port();
  const auto second = HttpServer::create(std::move(options), {});
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().message.contains(std::to_string(server_->port())));
}

}  // namespace
}  // namespace hyprstream

// Connections and what is decided on a request's head, byte by byte.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "http/http_server.hpp"
#include "raw_client.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHost = " HTTP/1.1\r\nHost: localhost\r\n";

std::string head(const std::string& line, const std::string& fields = "") { return line + kHost + fields + "\r\n"; }

int status_of(const std::string& answer) { return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0; }

HttpResponse echo(const HttpRequest& request) { return {.body = request.method + " " + request.body}; }

Route route(const char* method, const char* path, HttpHandler handler = echo) {
  return {.method = method, .path = path, .scope = Scope::kInference, .summary = "", .handler = std::move(handler)};
}

class ConnectionsTest : public testing::Test {
 protected:
  void start(HttpServerOptions options, std::vector<Route> routes = {route("GET", "/use"), route("POST", "/use")}) {
    options.port = 0;
    options.answered = [this](std::string_view method, std::string_view path, int status) {
      const std::scoped_lock lock(mutex_);
      answered_.push_back(std::string(method) + " " + std::string(path) + " " + std::to_string(status));
    };
    auto server = HttpServer::create(std::move(options), std::move(routes));
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }
  RawClient client() const { return RawClient(server_->port()); }
  std::string ask(std::string_view bytes) const { return client().exchange(bytes); }
  std::vector<std::string> answered() {
    const std::scoped_lock lock(mutex_);
    return answered_;
  }

  std::mutex mutex_;
  std::vector<std::string> answered_;
  std::unique_ptr<HttpServer> server_;
};

// Nobody reads the body of a method that has none, however large it says or unpacks to be.
TEST_F(ConnectionsTest, MethodsWithoutABodyRefuseOne) {
  start({}, {route("GET", "/use"), route("DELETE", "/use"), route("OPTIONS", "/use")});
  for (const char* method : {"GET", "HEAD", "DELETE", "OPTIONS"}) {
    const std::string line = std::string(method) + " /use";
    EXPECT_EQ(status_of(ask(head(line, "Content-Length: 1000000000\r\n"))), 413) << method;
    EXPECT_EQ(status_of(ask(head(line, "Transfer-Encoding: chunked\r\n") + "fffffff\r\n")), 413) << method;
    EXPECT_EQ(status_of(ask(head(line, "Content-Length: 0\r\nConnection: close\r\n"))), 200) << method;
  }
  // It is not read: the server closes long before the client is done.
  auto endless = client();
  endless.send(head("GET /use", "Transfer-Encoding: chunked\r\n"));
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  std::size_t sent = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto count = endless.send(chunk);
    if (count == 0) break;
    sent += count;
  }
  EXPECT_LT(sent, 64U << 20);
}

TEST_F(ConnectionsTest, StrangersAreToldSoBeforeTheirBodyIsRead) {
  HttpServerOptions options;
  options.policy.keys = ApiKeys::parse("inference app 0123456789abcdef", "keys").value();
  start(std::move(options));
  const std::string body = "Content-Length: 1000000\r\n";
  EXPECT_EQ(status_of(ask(head("POST /use", body))), 401);
  EXPECT_EQ(status_of(ask(head("POST /use", body + "Expect: 100-continue\r\n"))), 401);
  EXPECT_EQ(status_of(ask(head("POST /use", body + "Origin: https://evil.example\r\n"))), 403);
  EXPECT_EQ(status_of(ask("POST /use HTTP/1.1\r\nHost: evil.example\r\n" + body + "\r\n")), 403);
  EXPECT_EQ(status_of(ask(head("PUT /use", body + "Authorization: Bearer 0123456789abcdef\r\n"))), 405);
  auto known = client();
  known.send(head("POST /use",
                  "Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n"
                  "Authorization: Bearer 0123456789abcdef\r\n"));
  EXPECT_EQ(status_of(known.receive(25)), 100);
  EXPECT_EQ(status_of(known.exchange("hi")), 200);
}

// What two programs might cut differently is refused, and nothing behind it is taken for a request.
TEST_F(ConnectionsTest, FramingIsExact) {
  start({});
  const std::string second = head("GET /use", "Connection: close\r\n");
  for (const char* fields :
       {"Content-Length: abc\r\n", "Content-Length: +3\r\n", "Content-Length: -1\r\n", "Content-Length: \r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: 99999999999999999999999\r\n",
        "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"}) {
    for (const char* method : {"GET", "POST"}) {
      const auto answer = ask(head(std::string(method) + " /use", fields) + second);
      EXPECT_EQ(status_of(answer), 400) << method << fields << answer;
      EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << method << fields << answer;
    }
  }
}

TEST_F(ConnectionsTest, LimitsOfTheHeadHaveErrorsOfTheirOwn) {
  start({});
  std::string many;
  for (int i = 0; i < 120; ++i) many += "X: x\r\n";
  EXPECT_TRUE(ask(head("GET /use", many)).contains("more than 100 headers"));
  EXPECT_EQ(status_of(ask(head("GET /use", many))), 431);
  const auto wide = ask(head("GET /use", "X: " + std::string(9000, 'x') + "\r\n"));
  EXPECT_EQ(status_of(wide), 431);
  EXPECT_TRUE(wide.contains("8192")) << wide;
  EXPECT_EQ(status_of(ask(head("GET /" + std::string(9000, 'x')))), 414);
}

// An error that says that the connection is closed closes it, and says so once.
TEST_F(ConnectionsTest, ErrorsCloseAndNameTheMethods) {
  start({});
  for (const char* line : {"GET /nothing", "DELETE /use", "OPTIONS /use", "POST /nothing"}) {
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = ask(head(line, "Content-Length: 0\r\n"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s) << line;
    const auto said = answer.find("Connection: close");
    EXPECT_NE(said, std::string::npos) << answer;
    EXPECT_EQ(answer.find("Connection: close", said + 1), std::string::npos) << answer;
    EXPECT_EQ(status_of(answer), answer.contains("/nothing") ? 404 : 405) << answer;
    EXPECT_EQ(answer.contains("Allow: GET, HEAD, POST\r\n"), status_of(answer) == 405) << answer;
  }
  // Others go on.
  auto kept = client();
  for (int i = 0; i < 3; ++i) {
    kept.send(head("GET /use"));
    std::string answer;
    while (!answer.ends_with("GET ")) {
      const auto piece = kept.receive(1);
      ASSERT_FALSE(piece.empty()) << answer;
      answer += piece;
    }
    EXPECT_EQ(status_of(answer), 200);
  }
}

TEST_F(ConnectionsTest, EveryAnswerIsCounted) {
  start({});
  for (const auto& request : {head("GET /use", "Connection: close\r\n"), head("GET /nothing"), head("PUT /use"),
                              std::string("nonsense\r\n\r\n"), std::string("GET / HTTP/1.1\r\nHost: evil\r\n\r\n"),
                              head("GET /use", "X: " + std::string(9000, 'x') + "\r\n")})
    ask(request);
  EXPECT_EQ(answered(),
            (std::vector<std::string>{"GET /use 200", "GET  404", "PUT  405", "  400", "GET  403", "  431"}));
}

TEST_F(ConnectionsTest, PagesMaySendTheHeadersThatTheyAskFor) {
  HttpServerOptions options;
  options.policy.allowed_origins = {"https://chat.example"};
  start(std::move(options));
  const auto preflight = ask(head("OPTIONS /use",
                                  "Origin: https://chat.example\r\nConnection: close\r\n"
                                  "Access-Control-Request-Headers: authorization, x-stainless-os\r\n"));
  EXPECT_EQ(status_of(preflight), 204);
  EXPECT_TRUE(preflight.contains("Access-Control-Allow-Headers: authorization, x-stainless-os\r\n")) << preflight;
  EXPECT_TRUE(preflight.contains("Vary: Access-Control-Request-Headers\r\n")) << preflight;
  const auto answer = ask(head("GET /use", "Origin: https://chat.example\r\nConnection: close\r\n"));
  EXPECT_TRUE(answer.contains("Access-Control-Expose-Headers: Retry-After\r\n")) << answer;
}

// More connections than threads that have sent a part of their head, and then of their body.
TEST_F(ConnectionsTest, SlowRequestsHoldUpNobody) {
  HttpServerOptions options;
  options.max_requests = 4;
  start(std::move(options));
  const auto seconds = [&] {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(status_of(ask(head("GET /use", "Connection: close\r\n"))), 200);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  std::deque<RawClient> slow;
  for (int i = 0; i < 40; ++i) slow.emplace_back(server_->port()).send("G");
  EXPECT_LT(seconds(), 2);
  for (auto& one : slow) one.send("ET /use HTTP/1.1\r\nHost:");
  EXPECT_LT(seconds(), 2);
  for (auto& one : slow) one.send(" localhost\r\nConnection: close\r\n\r\n");
  for (auto& one : slow) EXPECT_EQ(status_of(one.receive()), 200);

  std::deque<RawClient> bodies;
  for (int i = 0; i < 12; ++i)
    bodies.emplace_back(server_->port()).send(head("POST /use", "Content-Length: 100\r\n") + "x");
  EXPECT_LT(seconds(), 10);  // where the deadline of a request is 30
  EXPECT_EQ(status_of(bodies.front().receive()), 408);
}

TEST_F(ConnectionsTest, ABurstIsTakenAtOnce) {
  start({});
  std::deque<RawClient> burst;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) {
    burst.emplace_back(server_->port());
    ASSERT_TRUE(burst.back().connected());
  }
  for (auto& one : burst) one.send(head("GET /use", "Connection: close\r\n"));
  for (auto& one : burst) EXPECT_EQ(status_of(one.receive()), 200);
  // What does not fit into the backlog is tried again after a second.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 900ms);
}

TEST_F(ConnectionsTest, AClientThatClosesItsSideStillGetsItsAnswer) {
  std::atomic<int> cancelled = 0;
  start({}, {route("GET", "/slow", [&](const HttpRequest& request) {
          for (int i = 0; i < 30; ++i) {
            std::this_thread::sleep_for(10ms);
            if (request.disconnected.stop_requested()) ++cancelled;
          }
          return HttpResponse{.body = "the answer"};
        })});
  auto half = client();
  half.send(head("GET /slow"));
  half.close_own_side();
  const auto answer = half.receive();
  EXPECT_TRUE(answer.ends_with("the answer")) << answer;
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")) << answer;
  EXPECT_EQ(cancelled, 0);
}

// A slowly read answer is waited for, and then there is nothing more to wait for.
TEST_F(ConnectionsTest, AnswersAreWaitedFor) {
  std::atomic<bool> begun = false;
  start({}, {route("GET", "/long", [&](const HttpRequest&) {
          HttpResponse response;
          response.stream = [&](BodyWriter& out) {
            begun = true;
            for (int i = 0; i < 400; ++i) out.write(std::string(65536, 'x'));
          };
          return response;
        })});
  EXPECT_TRUE(server_->wait_until_answered(0ms));
  auto slow = client();
  slow.send(head("GET /long", "Connection: close\r\n"));
  for (int i = 0; i < 500 && !begun; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_FALSE(server_->wait_until_answered(200ms));
  EXPECT_GT(slow.receive(64 << 20).size(), 400U * 65536);
  EXPECT_TRUE(server_->wait_until_answered(5s));
}

}  // namespace
}  // namespace hyprstream

#include "http/router.hpp"

#include <gtest/gtest.h>

namespace hyprstream {
namespace {

std::vector<Route> table() {
  return {{.method = "GET", .path = "/v1/models"},
          {.method = "GET", .path = "/v1/models/{id}"},
          {.method = "DELETE", .path = "/v1/models/{id}"}};
}

TEST(Router, FindsRoutesAndTheirParameters) {
  const auto routes = table();
  const auto match = std::get<RouteMatch>(find_route(routes, "DELETE", "/v1/models/a+b"));
  EXPECT_EQ(match.route, &routes[2]);
  EXPECT_EQ(match.parameters.at("id"), "a+b");
  EXPECT_EQ(std::get<RouteMatch>(find_route(routes, "HEAD", "/v1/models")).route, &routes[0]);
}

TEST(Router, SaysWhatIsWrong) {
  const auto routes = table();
  const auto error = [&](const char* method, const char* path) {
    return std::get<HttpError>(find_route(routes, method, path));
  };
  EXPECT_EQ(error("POST", "/v1/models/a").status, 405);
  EXPECT_TRUE(error("POST", "/v1/models/a").message.contains("GET, HEAD, DELETE"));
  EXPECT_EQ(error("POST", "/v1/models/a").allow, "GET, HEAD, DELETE");
  EXPECT_EQ(error("GET", "/v1/model").status, 404);
  EXPECT_TRUE(error("GET", "/v1/model").message.contains("/v1/models"));
  EXPECT_EQ(error("GET", "/v1/models/").status, 404);
  EXPECT_EQ(error("GET", "/v1/models/a/b").status, 404);
  EXPECT_EQ(error("GET", "").status, 404);
}

TEST(AllowedHost, IsALoopbackNameOrOneThatIsListed) {
  const std::vector<std::string> allowed = {"models.example"};
  for (const char* good : {"localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "Models.Example:443"})
    EXPECT_TRUE(is_allowed_host(good, allowed)) << good;
  for (const char* bad :
       {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080", "[::1", "0.0.0.0"})
    EXPECT_FALSE(is_allowed_host(bad, allowed)) << bad;
}

}  // namespace
}  // namespace hyprstream

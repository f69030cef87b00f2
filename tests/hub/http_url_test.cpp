#include "hub/http_url.hpp"

#include <gtest/gtest.h>

#include "hub/redirects.hpp"

namespace hyprstream {
namespace {

HttpUrl url(std::string_view text) { return HttpUrl::parse(text).value(); }

TEST(HttpUrl, Parts) {
  const auto parsed = url("HTTPS://Hub.Example.com/a%20b/c?x=1#y");
  EXPECT_EQ(parsed.scheme(), "https");
  EXPECT_EQ(parsed.host(), "hub.example.com");
  EXPECT_EQ(parsed.path(), "/a%20b/c");
  EXPECT_EQ(parsed.origin(), "https://hub.example.com:443");
  EXPECT_FALSE(parsed.text().contains('#'));
  EXPECT_EQ(url("http://[::1]:80/").host(), "::1");
}

TEST(HttpUrl, RefusesWhatIsNoWebAddress) {
  for (const char* text :
       {"", "huggingface.co", "/path", "file:///etc/passwd", "ftp://host/", "gopher://host/", "http://",
        "https://u@host/", "https://u:p@host/", "http://a b/", "http://a/\n", "javascript:1"})
    EXPECT_FALSE(HttpUrl::parse(text)) << text;
  EXPECT_FALSE(HttpUrl::parse("http://host/" + std::string(10'000, 'x')));
}

TEST(HttpUrl, OriginsAreSchemeHostAndPort) {
  EXPECT_TRUE(url("https://host/a").same_origin(url("https://HOST:443/b")));
  EXPECT_TRUE(url("https://host./a").same_origin(url("https://host/")));
  EXPECT_FALSE(url("https://host/").same_origin(url("http://host/")));
  EXPECT_FALSE(url("https://host/").same_origin(url("https://host:8443/")));
  EXPECT_FALSE(url("https://host/").same_origin(url("https://host.evil/")));
}

TEST(HttpUrl, Resolves) {
  const auto base = url("https://host/a/b?c");
  EXPECT_EQ(base.resolve("/x").value().text(), "https://host/x");
  EXPECT_EQ(base.resolve("x").value().text(), "https://host/a/x");
  EXPECT_EQ(base.resolve("//other/x").value().host(), "other");
  EXPECT_EQ(base.resolve("http://other/x").value().text(), "http://other/x");
  for (const char* location : {"", "file:///x", "http://u@x/", "/a b"})
    EXPECT_FALSE(base.resolve(location)) << location;
}

TEST(HttpUrl, Encodes) {
  EXPECT_EQ(percent_encode("refs/pr/1"), "refs%2Fpr%2F1");
  EXPECT_EQ(percent_encode("a b/ü?.gguf", true), "a%20b/%C3%BC%3F.gguf");
}

TEST(Addresses, LocalOnes) {
  for (const char* ip : {"127.0.0.1",
                         "127.255.0.9",
                         "0.0.0.0",
                         "10.1.2.3",
                         "172.16.0.1",
                         "172.31.255.255",
                         "192.168.0.1",
                         "169.254.169.254",
                         "100.64.0.1",
                         "224.0.0.1",
                         "255.255.255.255",
                         "198.18.0.1",
                         "::1",
                         "::",
                         "fe80::1",
                         "fe80::1%eth0",
                         "fc00::1",
                         "fd12::1",
                         "ff02::1",
                         "::ffff:127.0.0.1",
                         "::ffff:10.0.0.1",
                         "64:ff9b::7f00:1",
                         "2002:7f00:1::",
                         "::127.0.0.1",
                         "no address",
                         ""})
    EXPECT_TRUE(is_local_address(ip)) << ip;
  for (const char* ip : {"8.8.8.8", "172.32.0.1", "172.15.255.255", "100.128.0.1", "169.253.0.1", "2606:4700::1",
                         "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"})
    EXPECT_FALSE(is_local_address(ip)) << ip;
}

TEST(Addresses, LocalHosts) {
  for (const char* host : {"localhost", "a.localhost", "127.0.0.1", "::1", "10.0.0.1"})
    EXPECT_TRUE(is_local_host(host)) << host;
  for (const char* host : {"huggingface.co", "localhost.example.com", "8.8.8.8", "10.example.com", ""})
    EXPECT_FALSE(is_local_host(host)) << host;
  // Other ways of writing 127.0.0.1 are made that by parse().
  for (const char* text : {"http://0x7f000001/", "http://2130706433/", "http://0177.0.0.1/", "http://127.1/"})
    EXPECT_TRUE(is_local_host(url(text).host())) << text;
}

TEST(Redirects, GoOnlyWhereTheyMay) {
  RedirectChain chain(url("https://hub.example.com/x"));
  ASSERT_TRUE(chain.follow("https://cdn.example.org/y"));
  EXPECT_EQ(chain.current().host(), "cdn.example.org");
  EXPECT_FALSE(chain.may_send_credentials());
  for (const char* location : {"http://cdn.example.org/y", "https://127.0.0.1/", "https://localhost/", "https://[::1]/",
                               "https://169.254.169.254/", "file:///etc/passwd", ""}) {
    auto copy = chain;
    const auto followed = copy.follow(location);
    ASSERT_FALSE(followed) << location;
    EXPECT_EQ(followed.error().code, ErrorCode::kPermissionDenied);
  }
  ASSERT_TRUE(chain.follow("https://hub.example.com/z"));
  EXPECT_TRUE(chain.may_send_credentials());
}

TEST(Redirects, GoRoundInCircles) {
  RedirectChain chain(url("https://hub.example.com/x"));
  for (int i = 0; i < RedirectChain::kMostRedirects; ++i) ASSERT_TRUE(chain.follow("/x"));
  EXPECT_FALSE(chain.follow("/x"));
}

TEST(Redirects, APublicNameThatLeadsInsideIsFoundOutWhenConnecting) {
  RedirectChain chain(url("https://hub.example.com/x"));
  EXPECT_TRUE(chain.may_connect_to("8.8.8.8"));
  ASSERT_TRUE(chain.follow("https://rebound.example.org/"));
  EXPECT_FALSE(chain.may_connect_to("127.0.0.1"));
  EXPECT_FALSE(chain.may_connect_to("169.254.169.254"));
  EXPECT_TRUE(chain.may_connect_to("9.9.9.9"));
  // Nor does the hub itself, once it has redirected.
  ASSERT_TRUE(chain.follow("https://hub.example.com/"));
  EXPECT_FALSE(chain.may_connect_to("127.0.0.1"));
}

TEST(Redirects, AHubOfOnesOwnMayPointToItsNeighbours) {
  RedirectChain by_name(url("http://localhost:1/x"));
  EXPECT_TRUE(by_name.follow("http://10.0.0.1/"));
  RedirectChain by_address(url("http://hub.internal.example.com/x"));
  EXPECT_TRUE(by_address.may_connect_to("10.0.0.1"));
  EXPECT_TRUE(by_address.follow("http://10.0.0.2/"));
  EXPECT_TRUE(by_address.may_connect_to("10.0.0.2"));
}

}  // namespace
}  // namespace hyprstream

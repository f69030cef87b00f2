// What the hub answers: lists of files, searches, headers.
#include <gtest/gtest.h>

#include "hub/backoff.hpp"
#include "hub/http_transfer.hpp"
#include "hub/link_header.hpp"
#include "hub/repository_file.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

TEST(Tree, Files) {
  const std::string digest(64, 'a');
  const auto files = parse_tree(R"([{"type":"directory","oid":"1","size":0,"path":"sub"},
    {"type":"file","oid":"2","size":134,"path":"sub/x.gguf","lfs":{"oid":")" +
                                digest + R"(","size":9000,"pointerSize":134}},
    {"type":"file","oid":"3","size":5,"path":"README.md","lfs":null,"more":[1]}])");
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(*files, (std::vector<RepositoryFile>{{.path = "sub/x.gguf", .size = 9000, .sha256 = digest},
                                                 {.path = "README.md", .size = 5, .sha256 = {}}}));
  EXPECT_TRUE(parse_tree("[]").value().empty());
}

TEST(Tree, RefusesTheRest) {
  for (const char* text :
       {"", "{}", "null", "[1]", "[{}]", R"([{"type":"file"}])", R"([{"type":"file","path":"x"}])",
        R"([{"type":"file","path":"x","size":-1}])", R"([{"type":"file","path":"x","size":1.5}])",
        R"([{"type":"file","path":"x","size":1e3}])", R"([{"type":"file","path":"x","size":18446744073709551615}])",
        R"([{"type":"file","path":"../x","size":1}])", R"([{"type":"file","path":1,"size":1}])",
        R"([{"type":"file","path":"x","size":1,"lfs":{"oid":"zz","size":1}}])",
        R"([{"type":"file","path":"x","size":1,"lfs":[]}])", R"([{"type":"file","path":"x","size":1,"size":2}])", "[",
        "[] x"}) {
    const auto files = parse_tree(text);
    ASSERT_FALSE(files) << text;
    EXPECT_EQ(files.error().code, ErrorCode::kCorrupt);
  }
}

TEST(Search, Repositories) {
  const auto found = parse_search(R"([{"id":"a/b","downloads":7,"likes":2,"private":false,"gated":"auto",
    "lastModified":"2026-01-01"},{"modelId":"c/d","gated":false},{"id":"../evil"}])");
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ((*found)[0].name, "a/b");
  EXPECT_EQ((*found)[0].downloads, 7U);
  EXPECT_TRUE((*found)[0].is_gated);
  EXPECT_FALSE((*found)[1].is_gated);
}

TEST(LinkHeader, NextPage) {
  EXPECT_EQ(next_page(R"(<https://h/x?cursor=a,b;c>; rel="next")"), "https://h/x?cursor=a,b;c");
  EXPECT_EQ(next_page(R"(</a>; rel=prev, </b>; title="rel=next"; rel="last next")"), "/b");
  EXPECT_EQ(next_page("</a>;REL=Next"), "/a");
  EXPECT_EQ(next_page(R"(</a>; rel="prev"; rel="next")"), std::nullopt);
  for (const char* header :
       {"", ",", "<", "<a", "<a>", "<a>;", "<a>; rel", "<a>; rel=", "a; rel=next", "<a>; rel=\"next", "<a> rel=next"})
    if (std::string_view(header) != "<a>; rel=\"next") {
      EXPECT_EQ(next_page(header), std::nullopt) << header;
    }
}

TEST(Headers, LastOneCountsAndAStatusLineBeginsAnew) {
  HttpHeaders headers;
  for (const char* line : {"HTTP/1.1 100 Continue\r\n", "X-Old: 1\r\n", "HTTP/1.1 200 OK\r\n", "ETag:  \"a\" \r\n",
                           "etag: \"b\"\r\n", "no colon\r\n", "\r\n"})
    headers.add_line(line);
  EXPECT_EQ(headers.find("etag"), "\"b\"");
  EXPECT_EQ(headers.find("x-old"), std::nullopt);
}

TEST(ContentRanges, Parse) {
  const auto range = parse_content_range("bytes 5-9/100");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 5U);
  EXPECT_EQ(range->last, 9U);
  EXPECT_EQ(range->total, 100U);
  EXPECT_FALSE(parse_content_range("bytes 0-0/*").value().total);
  for (const char* text : {"", "bytes", "bytes 0-9", "bytes 9-0/10", "bytes 0-10/10", "bytes -1-2/3", "bytes 0-1/",
                           "bytes 0-1/2x", "bytes */10", "items 0-1/2", "bytes 0-99999999999999999999/1"})
    EXPECT_FALSE(parse_content_range(text)) << text;
}

TEST(RetryAfter, SecondsAndDates) {
  const auto now = std::chrono::system_clock::from_time_t(1'445'412'480);  // Wed, 21 Oct 2015 07:28:00 GMT
  EXPECT_EQ(parse_retry_after("120", now), 120s);
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 2015 07:28:30 GMT", now), 30s);
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 2015 07:27:00 GMT", now), 0s);
  EXPECT_EQ(parse_retry_after("Wed, 21 Oct 4030 07:28:00 GMT", now), 365 * 24h);
  EXPECT_EQ(parse_retry_after("-5", now), std::nullopt);
  EXPECT_EQ(parse_retry_after("soon", now), std::nullopt);
  EXPECT_EQ(parse_retry_after("", now), std::nullopt);
}

TEST(Backoff, DoublesWithinBoundsAndGivesUp) {
  Backoff backoff({.attempts = 5, .first = 100ms, .longest = 300ms, .longest_asked = 1000ms});
  for (const auto expected : {100ms, 200ms, 300ms, 300ms}) {
    const auto wait = backoff.next();
    ASSERT_TRUE(wait);
    EXPECT_GE(*wait, expected * 3 / 4);
    EXPECT_LE(*wait, expected * 5 / 4);
  }
  EXPECT_FALSE(backoff.next());
  backoff.reset();
  EXPECT_EQ(backoff.next(700ms), 700ms);
  EXPECT_FALSE(backoff.next(2000ms));
}

}  // namespace
}  // namespace hyprstream

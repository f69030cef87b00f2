#include "hub/names.hpp"

#include <gtest/gtest.h>

namespace hyprstream {
namespace {

TEST(Names, Repositories) {
  for (const char* name : {"org/name", "gpt2", "Qwen/Qwen3-0.6B-GGUF", "a_b/c.d", "0/1"})
    EXPECT_TRUE(is_repository_name(name)) << name;
  for (const char* name :
       {"",     "/",      "a/",     "/a",     "a/b/c",   "..",    "a/..",  "../a", "a/.b", "a/b.", "-a/b",
        "a/b-", "a--b/c", "a/b--c", "a/b..c", "a/b.git", "a b/c", "a/b\n", "a\\b", "ä/b",  "a/%2e"})
    EXPECT_FALSE(is_repository_name(name)) << name;
  EXPECT_TRUE(is_repository_name(std::string(96, 'x')));
  EXPECT_FALSE(is_repository_name(std::string(97, 'x')));
}

TEST(Names, Revisions) {
  for (const char* name : {"main", "v1.0", "refs/pr/1", "feature/a+b", "0123456789abcdef0123456789abcdef01234567"})
    EXPECT_TRUE(is_revision(name)) << name;
  for (const char* name :
       {"", "/", "a//b", "..", "a/../b", ".", ".hidden", "a/.b", "a b", "a\nb", "a/", "/a", "x.lock"})
    EXPECT_FALSE(is_revision(name)) << name;
  EXPECT_TRUE(is_commit("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("main"));
}

TEST(Names, FilePaths) {
  for (const char* path :
       {"a.gguf", "sub/dir/a.gguf", "blobs/x", ".gitattributes", "a b.gguf", "日本.gguf", "...", "a..b"})
    EXPECT_TRUE(check_file_path(path)) << path;
  for (const std::string& path :
       {std::string(), std::string("/a"), std::string(".."), std::string("a/.."), std::string("../a"),
        std::string("a/../b"), std::string("."), std::string("a/./b"), std::string("a//b"), std::string("a/"),
        std::string("a\0b", 3), std::string("a\nb"), std::string("a\\b"), std::string("\xff"), std::string(256, 'x'),
        std::string("C:\\x")}) {
    const auto checked = check_file_path(path);
    ASSERT_FALSE(checked) << path;
    EXPECT_EQ(checked.error().code, ErrorCode::kCorrupt);
  }
  std::string deep;
  for (int i = 0; i < 512; ++i) deep += "a/";
  EXPECT_FALSE(check_file_path(deep + "b"));
}

TEST(Names, Etags) {
  EXPECT_EQ(strip_etag("\"abc\""), "abc");
  EXPECT_EQ(strip_etag("W/\"abc\""), "abc");
  EXPECT_EQ(strip_etag("abc"), "abc");
  EXPECT_EQ(strip_etag("\""), "");
  EXPECT_TRUE(is_blob_name(std::string(64, 'a')));
  EXPECT_TRUE(is_blob_name(std::string(40, '0')));
  EXPECT_FALSE(is_blob_name(std::string(64, 'A')));
  EXPECT_FALSE(is_blob_name(std::string(63, 'a')));
  EXPECT_FALSE(is_blob_name("../" + std::string(61, 'a')));
}

}  // namespace
}  // namespace hyprstream

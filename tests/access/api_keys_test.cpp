#include "access/api_keys.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace hyprstream {
namespace {

TEST(ApiKeys, KnowsThoseOfItsFile) {
  const auto keys = ApiKeys::parse("# team\n\ninference app 0123456789abcdef\nadmin root fedcba9876543210\n", "keys");
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->identify("0123456789abcdef")->key_id, "app");
  EXPECT_EQ(keys->identify("0123456789abcdef")->scope, Scope::kInference);
  EXPECT_EQ(keys->identify("fedcba9876543210")->scope, Scope::kAdmin);
  EXPECT_FALSE(keys->identify("fedcba9876543211"));
  EXPECT_FALSE(keys->identify(""));
}

TEST(ApiKeys, NamesTheLineAndNeverTheKey) {
  for (const char* bad : {"inference app", "owner app 0123456789abcdef", "admin a 0123456789abcdef x",
                          "admin short s3cret", "admin a 0123456789abcdef\nadmin a 0123456789abcdee"}) {
    const auto keys = ApiKeys::parse(bad, "keys.txt");
    ASSERT_FALSE(keys) << bad;
    EXPECT_EQ(keys.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(keys.error().message.contains("keys.txt, line ")) << keys.error().message;
    EXPECT_FALSE(keys.error().message.contains("0123456789") || keys.error().message.contains("s3cret"));
  }
}

TEST(ApiKeys, RefusesAFileThatOthersMayRead) {
  namespace fs = std::filesystem;
  const auto path = fs::path(testing::TempDir()) / ("keys-" + std::to_string(::getpid()));
  std::ofstream(path) << "admin root fedcba9876543210\n";
  fs::permissions(path, fs::perms::owner_read | fs::perms::others_read);
  EXPECT_EQ(ApiKeys::read(path).error().code, ErrorCode::kPermissionDenied);
  fs::permissions(path, fs::perms::owner_read);
  EXPECT_TRUE(ApiKeys::read(path));
  fs::remove(path);
  EXPECT_EQ(ApiKeys::read(path).error().code, ErrorCode::kNotFound);
}

TEST(ApiKeys, TakesACredentialOfSystemdThatItsGroupMayRead) {
  namespace fs = std::filesystem;
  const auto directory = fs::path(testing::TempDir()) / ("credentials-" + std::to_string(::getpid()));
  fs::create_directories(directory);
  const auto path = directory / "keys";
  std::ofstream(path) << "admin root fedcba9876543210\n";
  const auto read = fs::perms::owner_read | fs::perms::group_read;
  fs::permissions(path, read);
  EXPECT_EQ(ApiKeys::read(path).error().code, ErrorCode::kPermissionDenied);
  ::setenv("CREDENTIALS_DIRECTORY", directory.c_str(), 1);
  EXPECT_TRUE(ApiKeys::read(path));
  for (const auto more : {fs::perms::group_write, fs::perms::others_read}) {
    fs::permissions(path, read | more);
    EXPECT_EQ(ApiKeys::read(path).error().code, ErrorCode::kPermissionDenied);
  }
  fs::permissions(path, read);
  ::setenv("CREDENTIALS_DIRECTORY", (directory / "other").c_str(), 1);
  EXPECT_FALSE(ApiKeys::read(path));
  ::unsetenv("CREDENTIALS_DIRECTORY");
  fs::remove_all(directory);
}

TEST(BearerToken, IsReadWhateverTheCaseOfItsScheme) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bearer abc"), "abc");
  EXPECT_FALSE(bearer_token("Basic abc"));
  EXPECT_FALSE(bearer_token("Bearer "));
  EXPECT_FALSE(bearer_token(""));
}

TEST(BasicCredentials, AreReadWithAndWithoutPadding) {
  for (const char* header : {"Basic cm9vdDpzZWNyZXQ6eA==", "basic cm9vdDpzZWNyZXQ6eA"}) {
    const auto credentials = basic_credentials(header);
    ASSERT_TRUE(credentials) << header;
    EXPECT_EQ(credentials->user, "root");
    EXPECT_EQ(credentials->password, "secret:x");
  }
  EXPECT_FALSE(basic_credentials("Basic cm9vdA=="));  // "root"
  EXPECT_FALSE(basic_credentials("Basic !"));
  EXPECT_FALSE(basic_credentials("Bearer cm9vdDpzZWNyZXQ6eA=="));
}

}  // namespace
}  // namespace hyprstream

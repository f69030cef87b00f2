// Digests against values that sha256sum and git gave.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/git_blob_id.hpp"
#include "base/hex.hpp"

namespace hyprstream {
namespace {

TEST(GitBlobId, IsWhatGitSays) {
  const auto path = std::filesystem::path(testing::TempDir()) / "git_blob_id_test";
  std::ofstream(path, std::ios::binary) << "what is up, doc?";
  EXPECT_EQ(git_blob_id(path).value(), "bd9dbf5aae1a3862dd1526723246b20206e5fc37");
  std::ofstream(path, std::ios::trunc).close();
  EXPECT_EQ(git_blob_id(path).value(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  std::filesystem::remove(path);
  EXPECT_FALSE(git_blob_id(path));
}

TEST(Hex, DigitsOfBytes) {
  const std::array<std::byte, 3> bytes{std::byte{0}, std::byte{0xab}, std::byte{0x0f}};
  EXPECT_EQ(to_hex(bytes), "00ab0f");
  EXPECT_TRUE(is_lower_hex("00ab0f", 6));
  EXPECT_FALSE(is_lower_hex("00AB0F", 6));
  EXPECT_FALSE(is_lower_hex("00ab0", 6));
  EXPECT_FALSE(is_lower_hex("00ab0g", 6));
}

}  // namespace
}  // namespace hyprstream

#include "base/sha256.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string_view>

namespace hyprstream {
namespace {

std::string hash(std::string_view text) { return sha256_hex(std::as_bytes(std::span(text))).value(); }

// The examples of FIPS 180-4.
TEST(Sha256, KnownValues) {
  EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesAndFilesAgree) {
  const std::string text(100'000, 'x');
  auto pieces = Sha256::create();
  ASSERT_TRUE(pieces);
  for (std::size_t at = 0; at < text.size(); at += 777)
    pieces->update(std::as_bytes(std::span(text)).subspan(at, std::min<std::size_t>(777, text.size() - at)));
  EXPECT_EQ(pieces->hex_digest(), hash(text));
  const auto path = std::filesystem::path(testing::TempDir()) / "sha256_test";
  std::ofstream(path) << text;
  EXPECT_EQ(sha256_file(path), hash(text));
  std::filesystem::remove(path);
  EXPECT_EQ(sha256_file(path).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace hyprstream

#include "base/base64.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace hyprstream {
namespace {

std::string encoded(std::string_view text) { return to_base64(std::as_bytes(std::span(text))); }

// RFC 4648, section 10.
TEST(Base64, EncodesAsTheStandardSays) {
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
}

TEST(Base64, HasNoPaddingInsideOfLongTexts) {
  const auto text = encoded(std::string(10'000'001, 'x'));
  EXPECT_EQ(text.size(), (10'000'001UZ + 2) / 3 * 4);
  EXPECT_EQ(text.find('='), text.size() - 1);
}

}  // namespace
}  // namespace hyprstream

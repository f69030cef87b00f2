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

TEST(Base64, DecodesWithAndWithoutPadding) {
  for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    auto encoded_text = encoded(text);
    EXPECT_EQ(from_base64(encoded_text), text);
    while (encoded_text.ends_with('=')) encoded_text.pop_back();
    EXPECT_EQ(from_base64(encoded_text), text);
  }
  std::string all(256, '\0');
  for (int i = 0; i < 256; ++i) all[static_cast<std::size_t>(i)] = static_cast<char>(i);
  EXPECT_EQ(from_base64(encoded(all)), all);
}

TEST(Base64, DecodesNothingElse) {
  for (const char* bad : {"Z", "Zg=", "Zg===", "Z===", "=", "Zm9v=", "Zm 9v", "Zm9v\n", "Zm-_", "Zh", "Zm9=Zg=="})
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace hyprstream

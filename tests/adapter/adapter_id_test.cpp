#include <gtest/gtest.h>

#include <set>
#include <string>

#include "adapter/lora_adapter.hpp"

namespace hyprstream {
namespace {

TEST(AdapterId, IsARandomUuidOfVersionFour) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto id = make_uuid();
    ASSERT_TRUE(is_uuid(id)) << id;
    EXPECT_EQ(id[14], '4') << id;
    EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos) << id;
    seen.insert(id);
  }
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(AdapterId, KnowsAUuidFromAnythingElse) {
  EXPECT_TRUE(is_uuid("01234567-89ab-cdef-0123-456789abcdef"));
  for (const auto* text : {"", "01234567-89ab-cdef-0123-456789abcde", "01234567-89ab-cdef-0123-456789abcdef0",
                           "01234567-89AB-cdef-0123-456789abcdef", "01234567089ab-cdef-0123-456789abcdef",
                           "0123456-789ab-cdef-0123-456789abcdef", "01234567-89ab-cdef-0123-456789abcdeg",
                           "../../../89ab-cdef-0123-456789abcdef"})
    EXPECT_FALSE(is_uuid(text)) << text;
}

TEST(AdapterId, GivesTheDefaultName) {
  EXPECT_EQ(default_adapter_name("a1b2c3d4-89ab-4def-8123-456789abcdef"), "LoRA-a1b2c3d4");
}

}  // namespace
}  // namespace hyprstream

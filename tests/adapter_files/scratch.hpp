// Files and adapters for the tests of this folder.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include "adapter/lora_adapter.hpp"
#include "small_base.hpp"

namespace hyprstream::testing_support {

// A directory of the running test, removed at its end.
class ScratchTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::format("{}-{}-{}", info->test_suite_name(), info->name(), ::getpid());
    std::ranges::replace(name, '/', '_');
    folder_ = std::filesystem::path(testing::TempDir()) / name;
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(std::string_view name, std::string_view bytes) const {
    std::ofstream(folder_ / name, std::ios::binary | std::ios::trunc) << bytes;
    return folder_ / name;
  }
  static std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_;
};

// Every way in which a damaged file differs from a sound one: cut at each length, and one byte changed at a time.
// Calls `use` with each.
inline void for_each_damage(const std::string& sound, const auto& use) {
  for (std::size_t length = 0; length < sound.size(); ++length) use(sound.substr(0, length));
  std::mt19937 random(5);
  for (std::size_t at = 0; at < sound.size(); ++at) {
    std::string damaged = sound;
    for (const unsigned byte : {0U, 0xffU, 0x7fU, static_cast<unsigned>(random())}) {
      damaged[at] = static_cast<char>(byte);
      use(damaged);
    }
  }
}

// Whether two adapters hold the same numbers, bit by bit.
inline void expect_same_weights(const LoraAdapter& a, const LoraAdapter& b) {
  ASSERT_EQ(a.pairs().size(), b.pairs().size());
  for (std::size_t i = 0; i < a.pairs().size(); ++i) {
    const auto& x = a.pairs()[i];
    const auto& y = b.pairs()[i];
    EXPECT_EQ(x.id, y.id);
    EXPECT_EQ(x.scaling, y.scaling) << i;
    EXPECT_TRUE(x.a == y.a) << "A of pair " << i;
    EXPECT_TRUE(x.b == y.b) << "B of pair " << i;
  }
}

}  // namespace hyprstream::testing_support

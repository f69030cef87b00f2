#include "cli_options/pull_progress.hpp"

#include <gtest/gtest.h>

#include "base/utf8.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

PullProgress at(std::uint64_t done, std::uint64_t total) {
  return {.stage = PullProgress::Stage::kDownloading,
          .file = "sub/model-Q8_0.gguf",
          .bytes = {.done = done, .total = total}};
}

TEST(PullProgress, Line) {
  EXPECT_EQ(render_pull_line(at(250'000'000, 1'000'000'000), 50e6, 100),
            "model-Q8_0.gguf  [#####...............]  250 MB of 1.0 GB  25%  50.0 MB/s  0:15 left");
  EXPECT_EQ(render_pull_line(at(250'000'000, 1'000'000'000), 50e6, 70),
            "model-Q8_0.gguf  250 MB of 1.0 GB  25%  50.0 MB/s  0:15 left");
  EXPECT_EQ(render_pull_line(at(0, 1'000'000'000'000), 1e8, 100).find("2:46:40 left") != std::string::npos, true);
  EXPECT_EQ(render_pull_line(at(0, 0), 0, 60), "model-Q8_0.gguf  0 bytes of 0 bytes  100%");
  auto part = at(1, 2);
  part.count = 3;
  part.number = 2;
  EXPECT_TRUE(render_pull_line(part, 0, 100).starts_with("model-Q8_0.gguf (2 of 3)  "));
}

TEST(PullProgress, FitsAndIsNotObeyed) {
  auto odd = at(1, 2);
  odd.file = "日本語日本語日本語\x1b[2J.gguf";
  for (std::size_t width = 40; width < 100; ++width) {
    const auto line = render_pull_line(odd, 5e6, width);
    EXPECT_LE(display_width(line), width);
    EXPECT_FALSE(line.contains('\x1b'));
    EXPECT_FALSE(find_invalid_utf8(line));
  }
}

TEST(TransferSpeed, OverTheLastSeconds) {
  TransferSpeed speed;
  const auto start = TransferSpeed::Clock::now();
  EXPECT_EQ(speed.bytes_per_second(), 0);
  speed.add(start, 1000);
  EXPECT_EQ(speed.bytes_per_second(), 0);
  speed.add(start + 1s, 3000);
  EXPECT_DOUBLE_EQ(speed.bytes_per_second(), 2000);
  speed.add(start + 10s, 3000);  // what was before is forgotten
  speed.add(start + 11s, 13'000);
  EXPECT_DOUBLE_EQ(speed.bytes_per_second(), 10'000);
  speed.add(start + 12s, 0);  // from the start again
  EXPECT_EQ(speed.bytes_per_second(), 0);
}

}  // namespace
}  // namespace hyprstream

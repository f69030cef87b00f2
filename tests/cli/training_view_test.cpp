#include "cli/training_view.hpp"

#include <gtest/gtest.h>

namespace hyprstream {
namespace {

TEST(TrainingView, FormatsDurations) {
  EXPECT_EQ(format_duration(0), "0:00");
  EXPECT_EQ(format_duration(59.2), "1:00");
  EXPECT_EQ(format_duration(3661), "1:01:01");
  EXPECT_EQ(format_duration(-1), "0:00");
}

TEST(TrainingView, FitsAnyWidth) {
  const TrainingEvent step{.kind = TrainingEvent::Kind::kStep,
                           .step = 50,
                           .total_steps = 200,
                           .loss = 1.5,
                           .learning_rate = 2e-4,
                           .sparsity = 0.5,
                           .tokens_per_second = 1234,
                           .seconds_left = 65};
  const auto wide = render_training_lines(step, "validation 1.2 (base 3.4)", 120);
  EXPECT_EQ(wide[0], "[#######.......................]  step 50 of 200  1234 tokens/s  1:05 left");
  EXPECT_EQ(wide[1], "loss 1.5000  sparsity 50.0%  learning rate 0.0002  validation 1.2 (base 3.4)");
  for (std::size_t width = 0; width < 100; ++width)
    for (const auto& line : render_training_lines(step, "validation 1.2 (base 3.4)", width))
      EXPECT_LE(line.size(), width);
}

TEST(TrainingView, LogsReportsAndNotEveryStep) {
  TrainingEvent step{.kind = TrainingEvent::Kind::kStep, .step = 3, .total_steps = 9};
  EXPECT_EQ(describe_event(step), "");
  step.is_report = true;
  EXPECT_TRUE(describe_event(step).starts_with("step 3 of 9: loss 0.0000"));
}

}  // namespace
}  // namespace hyprstream

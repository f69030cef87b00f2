#include "training_job/run_record.hpp"

#include <gtest/gtest.h>

#include <set>

namespace hyprstream {
namespace {

TrainingRunRecord sample() {
  TrainingRunRecord record;
  record.id = fresh_run_id("run-");
  record.status = RunStatus::kInterrupted;
  record.options.name = "pirate";
  record.options.base = "/models/a \"b\".gguf";
  record.options.validation = "valid.jsonl";
  record.options.iterations = 7;
  record.options.schedule = LearningRateSchedule::kLinear;
  record.options.publish = PublishPolicy::kEnd;
  record.options.seed = 0xffff'ffff'ffff'ffff;
  record.created_at = "2026-11-24T08:00:00Z";
  record.step = 5;
  record.train_loss = 0.1;
  record.best_validation_loss = 1.0 / 3;
  record.published = {
      {.adapter = "pirate@2", .step = 4, .train_loss = 0.2, .validation_loss = 0.25, .created_at = "t"}};
  record.request = {{"model", "hypr-tiny"}};
  return record;
}

TEST(RunRecord, ComesBackAsItWas) {
  const auto record = sample();
  const auto text = format_run_record(record);
  const auto back = parse_run_record(text, "run.json");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(format_run_record(*back), text);
  EXPECT_EQ(back->options.seed, record.options.seed);
  EXPECT_EQ(back->best_validation_loss, record.best_validation_loss);
  EXPECT_EQ(back->published.at(0).adapter, "pirate@2");
  EXPECT_EQ(back->options.validation, "valid.jsonl");
  EXPECT_FALSE(back->validation_loss);
}

TEST(RunRecord, AnyDamageIsAnErrorOrARecord) {
  const auto text = format_run_record(sample());
  for (std::size_t length = 0; length + 1 < text.size(); ++length)
    EXPECT_FALSE(parse_run_record(text.substr(0, length), "run.json")) << length;
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto damaged = text;
    damaged[at] = '0';
    // Either is fine, as long as it comes to an end.
    const auto read = parse_run_record(damaged, "run.json");
    EXPECT_TRUE(read || read.error().message.starts_with("run.json"));
  }
}

TEST(RunRecord, IdsAreFreshAndReachNoOtherPath) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(fresh_run_id("ftjob-"));
  EXPECT_EQ(ids.size(), 100U);
  for (const auto& id : ids) EXPECT_TRUE(is_run_id(id)) << id;
  for (const char* other : {"", "run-", "../../etc", "run-0123456789abcdef0123456/", "run-0123456789ABCDEF01234567"})
    EXPECT_FALSE(is_run_id(other)) << other;
}

}  // namespace
}  // namespace hyprstream

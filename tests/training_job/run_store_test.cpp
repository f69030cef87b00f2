#include "training_job/run_store.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "scratch.hpp"

namespace hyprstream {
namespace {

class RunStore : public testing_support::ScratchTest {
 protected:
  static TrainingRunRecord record(const std::string& name, RunStatus status, const std::string& created) {
    TrainingRunRecord record;
    record.id = fresh_run_id("run-");
    record.status = status;
    record.options.name = name;
    record.options.kept_checkpoints = 2;
    record.created_at = created;
    return record;
  }
  TrainingRunStore store() const { return TrainingRunStore(folder_ / "training"); }
};

TEST_F(RunStore, KeepsTheNewestCheckpoints) {
  auto run = store().create(record("a", RunStatus::kRunning, "2026-01-01T00:00:00Z"));
  ASSERT_TRUE(run) << run.error().message;
  for (const std::size_t step : {3U, 20U, 100U}) {
    run->record().step = step;
    ASSERT_TRUE(run->save_checkpoint("state of " + std::to_string(step)));
  }
  EXPECT_EQ(run->checkpoints(), (std::vector<std::size_t>{20, 100}));
  const auto loaded = run->load_checkpoint(20);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->state, "state of 20");
  EXPECT_EQ(loaded->record.step, 20U);
  EXPECT_FALSE(run->load_checkpoint(3));
  EXPECT_EQ(store().find(run->record().id)->step, 100U);
  run->remove_checkpoints();
  EXPECT_TRUE(run->checkpoints().empty());
}

TEST_F(RunStore, ARunIsHeldByOneAtATime) {
  const auto made = record("a", RunStatus::kRunning, "2026-01-01T00:00:00Z");
  {
    const auto run = store().create(made);
    ASSERT_TRUE(run);
    const auto second = store().open(made.id);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
    EXPECT_TRUE(store().find(made.id));
  }
  EXPECT_TRUE(store().open(made.id));
}

TEST_F(RunStore, FindsTheNewestUnfinishedRunOfAName) {
  ASSERT_TRUE(store().create(record("a", RunStatus::kInterrupted, "2026-01-01T00:00:00Z")));
  const auto wanted = record("a", RunStatus::kRunning, "2026-01-02T00:00:00Z");
  ASSERT_TRUE(store().create(wanted));
  ASSERT_TRUE(store().create(record("a", RunStatus::kSucceeded, "2026-01-03T00:00:00Z")));
  ASSERT_TRUE(store().create(record("b", RunStatus::kInterrupted, "2026-01-04T00:00:00Z")));
  const auto found = store().open_unfinished("a");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->record().id, wanted.id);
  const auto none = store().open_unfinished("c");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
}

TEST_F(RunStore, PassesOverWhatIsNoRun) {
  ASSERT_TRUE(store().create(record("a", RunStatus::kRunning, "2026-01-01T00:00:00Z")));
  std::filesystem::create_directories(folder_ / "training" / "other");
  std::filesystem::create_directories(folder_ / "training" / fresh_run_id("run-"));
  std::ofstream(folder_ / "training" / "file") << "x";
  EXPECT_EQ(store().list().size(), 1U);
}

TEST_F(RunStore, EventsSurviveALineThatWasCut) {
  auto run = store().create(record("a", RunStatus::kRunning, "2026-01-01T00:00:00Z"));
  ASSERT_TRUE(run);
  ASSERT_TRUE(run->append_event({{"event", "started"}}));
  std::ofstream(run->directory() / "events.jsonl", std::ios::app) << "\n{\"event\": \"st";
  ASSERT_TRUE(run->append_event({{"event", "step"}}));
  const auto events = store().events(run->record().id);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[1]["event"], "step");
}

}  // namespace
}  // namespace hyprstream

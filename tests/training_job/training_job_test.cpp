#include "training_job/training_job.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cmath>
#include <memory>

#include "fake_trainer.hpp"
#include "scratch.hpp"

namespace hyprstream {
namespace {

using testing_support::FakeTrainer;
using Kind = TrainingEvent::Kind;

class Job : public testing_support::ScratchTest {
 protected:
  static TrainingRunOptions options() {
    TrainingRunOptions options;
    options.name = "pirate";
    options.base = "base.gguf";
    options.data = "data.jsonl";
    options.iterations = 40;
    options.batch_size = 2;
    options.accumulation_steps = 2;
    options.learning_rate = 0.01;
    options.steps_per_eval = 8;
    options.save_every = 3;
    return options;
  }
  static TrainingData data() {
    TrainingData data;
    for (Token i = 0; i < 23; ++i)
      data.training.push_back({.tokens = {i, i + 1, (7 * i) % 31}, .is_target = {0, 1, 1}});
    for (Token i = 0; i < 5; ++i) data.validation.push_back({.tokens = {2 * i, i + 3}, .is_target = {0, 1}});
    return data;
  }

  TrainingRunStore runs() const { return TrainingRunStore(folder_ / "training"); }
  AdapterStore adapters() const { return AdapterStore(folder_ / "adapters"); }

  TrainingRun new_run(const TrainingRunOptions& options) const {
    TrainingRunRecord record;
    record.id = fresh_run_id("run-");
    record.options = options;
    record.created_at = utc_now();
    auto run = runs().create(std::move(record));
    EXPECT_TRUE(run) << run.error().message;
    return std::move(*run);
  }

  Result<std::unique_ptr<TrainingJob>> make(TrainingRun run, FakeTrainer::Faults faults = {},
                                            TrainingData examples = data()) const {
    LoraTrainingOptions trainer;
    trainer.name = run.record().options.name;
    trainer.total_steps = total_steps(run.record().options, examples.training.size());
    trainer.sparsity = run.record().options.sparsity;
    return TrainingJob::create(std::move(run), std::make_unique<FakeTrainer>(trainer, std::move(faults)),
                               std::move(examples), adapters());
  }

  // Trains to the end without a break; gives what is stored.
  std::vector<std::pair<std::size_t, LoraAdapter>> reference() const {
    const AdapterStore store(folder_ / "reference");
    LoraTrainingOptions trainer;
    trainer.name = "pirate";
    trainer.total_steps = 40;
    auto job = TrainingJob::create(new_run(options()), std::make_unique<FakeTrainer>(trainer), data(), store);
    EXPECT_TRUE(job);
    EXPECT_EQ((*job)->run({}).value(), RunStatus::kSucceeded);
    return stored(store);
  }
  static std::vector<std::pair<std::size_t, LoraAdapter>> stored(const AdapterStore& store) {
    std::vector<std::pair<std::size_t, LoraAdapter>> all;
    for (const auto& version : store.versions("pirate")) {
      const auto manifest = store.manifest(version);
      EXPECT_TRUE(manifest);
      std::size_t step = 0;
      for (const auto& [name, value] : manifest->lineage.parameters)
        if (name == "step") step = std::stoul(value);
      all.emplace_back(step, store.load(version, true).value());
    }
    return all;
  }
  void expect_reference_stored() const {
    const auto expected = reference();
    const auto found = stored(adapters());
    ASSERT_FALSE(expected.empty());
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].first, expected[i].first);
      testing_support::expect_same_weights(found[i].second, expected[i].second);
    }
  }
};

TEST_F(Job, RunsThroughAndTellsOfIt) {
  auto job = make(new_run(options()));
  ASSERT_TRUE(job) << job.error().message;
  std::vector<TrainingEvent> events;
  const auto status = (*job)->run([&](const TrainingEvent& event) { events.push_back(event); });
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(*status, RunStatus::kSucceeded);
  const auto count = [&](Kind kind) { return std::ranges::count(events, kind, &TrainingEvent::kind); };
  EXPECT_EQ(count(Kind::kStep), 40);
  EXPECT_EQ(count(Kind::kEvaluation), 6);  // the base, and every 8 steps
  EXPECT_EQ(count(Kind::kCheckpoint), 13);
  EXPECT_EQ(events.front().kind, Kind::kStarted);
  EXPECT_EQ(events.back().kind, Kind::kFinished);
  const auto record = runs().find((*job)->record().id);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->status, RunStatus::kSucceeded);
  EXPECT_EQ(record->step, 40U);
  EXPECT_LT(*record->best_validation_loss, *record->base_validation_loss);
  EXPECT_FALSE(record->finished_at.empty());
  EXPECT_TRUE((*job)->training_run().checkpoints().empty());
  // Reports, evaluations and the rest, but not every step.
  const auto log = runs().events(record->id);
  ASSERT_TRUE(log);
  EXPECT_EQ(std::ranges::count_if(*log, [](const auto& event) { return event["event"] == "step"; }), 20);
}

TEST_F(Job, PublishesOnlyAtTheAskedSparsity) {
  auto job = make(new_run(options()));
  ASSERT_TRUE(job && (*job)->run({}));
  // The fake is sparse from step 20 on, and becomes better with each step.
  const auto& published = (*job)->record().published;
  ASSERT_EQ(published.size(), 3U);
  EXPECT_EQ(published[0].step, 24U);
  EXPECT_EQ(published[0].adapter, "pirate@1");
  EXPECT_EQ(published[2].step, 40U);
  EXPECT_EQ(published[2].adapter, "pirate@3");
  const auto manifest = adapters().manifest(adapters().find("pirate").value());
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->lineage.kind, AdapterLineage::Kind::kTrained);
  EXPECT_EQ(manifest->lineage.source, (*job)->record().id);
}

TEST_F(Job, PublishesOnceIfOnlyTheEndIsWanted) {
  auto wanted = options();
  wanted.publish = PublishPolicy::kEnd;
  auto job = make(new_run(wanted));
  ASSERT_TRUE(job && (*job)->run({}));
  ASSERT_EQ((*job)->record().published.size(), 1U);
  EXPECT_EQ((*job)->record().published[0].step, 40U);
}

TEST_F(Job, WithoutValidationDataTheLastOneIsPublished) {
  auto examples = data();
  examples.validation.clear();
  auto job = make(new_run(options()), {}, std::move(examples));
  ASSERT_TRUE(job && (*job)->run({}));
  ASSERT_EQ((*job)->record().published.size(), 1U);
  EXPECT_FALSE((*job)->record().base_validation_loss);
}

TEST_F(Job, StoppedAtAnyStepItComesToTheSame) {
  for (const std::size_t stop_at : {0U, 1U, 5U, 23U, 24U, 39U}) {
    std::filesystem::remove_all(folder_);
    auto run = new_run(options());
    const std::string id = run.record().id;
    TrainingJob* running = nullptr;
    auto job = make(std::move(run), {.diverges_at = {}, .state_padding = 0, .before_step = [&](std::size_t step) {
                                       if (step == stop_at) running->stop();
                                     }});
    ASSERT_TRUE(job);
    running = job->get();
    EXPECT_EQ((*job)->run({}).value(), RunStatus::kInterrupted);
    EXPECT_EQ((*job)->record().step, stop_at);
    job->reset();
    auto again = runs().open_unfinished("pirate");
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->record().id, id);
    auto rest = make(std::move(*again));
    ASSERT_TRUE(rest) << rest.error().message;
    EXPECT_EQ((*rest)->record().step, stop_at);
    EXPECT_EQ((*rest)->run({}).value(), RunStatus::kSucceeded);
    expect_reference_stored();
  }
}

// What a kill leaves behind: run.json says "running", and the checkpoint is older than what was published.
TEST_F(Job, KilledAtAnyStepItComesToTheSameAndPublishesNothingTwice) {
  for (std::size_t kill_at = 0; kill_at < 40; ++kill_at) {
    std::filesystem::remove_all(folder_);
    struct Killed {};
    {
      auto job = make(new_run(options()), {.diverges_at = {}, .state_padding = 0, .before_step = [&](std::size_t step) {
                                             if (step == kill_at) throw Killed{};
                                           }});
      ASSERT_TRUE(job);
      EXPECT_THROW((void)(*job)->run({}), Killed);
    }
    auto again = runs().open_unfinished("pirate");
    ASSERT_TRUE(again) << again.error().message;
    auto rest = make(std::move(*again));
    ASSERT_TRUE(rest) << rest.error().message;
    EXPECT_EQ((*rest)->record().step, kill_at / 3 * 3);
    EXPECT_EQ((*rest)->run({}).value(), RunStatus::kSucceeded);
    expect_reference_stored();
  }
}

TEST_F(Job, ADamagedCheckpointIsPassedOver) {
  auto run = new_run(options());
  TrainingJob* running = nullptr;
  auto job = make(std::move(run), {.diverges_at = {}, .state_padding = 0, .before_step = [&](std::size_t step) {
                                     if (step == 10) running->stop();
                                   }});
  ASSERT_TRUE(job);
  running = job->get();
  ASSERT_TRUE((*job)->run({}));
  const auto directory = (*job)->training_run().directory();
  job->reset();
  std::filesystem::resize_file(directory / "checkpoint-10" / "trainer.state", 3);
  auto rest = make(runs().open_unfinished("pirate").value());
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ((*rest)->record().step, 9U);
  std::size_t warnings = 0;
  EXPECT_TRUE((*rest)->run([&](const TrainingEvent& event) { warnings += event.kind == Kind::kWarning ? 1 : 0; }));
  EXPECT_EQ(warnings, 1U);
  expect_reference_stored();
}

// When the run comes to its step again, what is saved must not be what could not be loaded.
TEST_F(Job, ADamagedCheckpointIsNotTakenForANewOne) {
  TrainingJob* running = nullptr;
  const auto stop_at_10 = [&](std::size_t step) {
    if (step == 10) running->stop();
  };
  auto job = make(new_run(options()), {.diverges_at = {}, .state_padding = 0, .before_step = stop_at_10});
  ASSERT_TRUE(job);
  running = job->get();
  ASSERT_TRUE((*job)->run({}));
  const auto state = (*job)->training_run().directory() / "checkpoint-10" / "trainer.state";
  job->reset();
  const auto whole = std::filesystem::file_size(state);
  std::filesystem::resize_file(state, 3);
  auto again = make(runs().open_unfinished("pirate").value(),
                    {.diverges_at = {}, .state_padding = 0, .before_step = stop_at_10});
  ASSERT_TRUE(again) << again.error().message;
  running = again->get();
  ASSERT_EQ((*again)->run({}).value(), RunStatus::kInterrupted);
  EXPECT_EQ(std::filesystem::file_size(state), whole);
}

// Data on which no step helps: what is learned is the opposite of what is measured.
TrainingData data_without_hope() {
  TrainingData data;
  for (Token i = 0; i < 8; ++i) data.training.push_back({.tokens = {i + 16, i + 24}, .is_target = {0, 1}});
  for (Token i = 0; i < 8; ++i) data.validation.push_back({.tokens = {0, 0}, .is_target = {0, 1}});
  return data;
}

TEST_F(Job, WhatIsWorseThanTheBaseModelIsStoredAtTheEndWithAWarning) {
  auto job = make(new_run(options()), {}, data_without_hope());
  ASSERT_TRUE(job);
  std::size_t warnings = 0;
  const auto status =
      (*job)->run([&](const TrainingEvent& event) { warnings += event.kind == Kind::kWarning ? 1 : 0; });
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(*status, RunStatus::kSucceeded);
  EXPECT_EQ(warnings, 1U);
  ASSERT_EQ((*job)->record().published.size(), 1U);
  EXPECT_EQ((*job)->record().published[0].step, 40U);
}

TEST_F(Job, WhatIsWorseThanTheBaseModelIsNotServed) {
  auto wanted = options();
  wanted.publish = PublishPolicy::kImproved;
  auto job = make(new_run(wanted), {}, data_without_hope());
  ASSERT_TRUE(job);
  const auto status = (*job)->run({});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(*status, RunStatus::kFailed);
  EXPECT_FALSE((*job)->record().error.empty());
  EXPECT_TRUE(adapters().versions("pirate").empty());
}

TEST_F(Job, ALongTimeWithoutACheckpointIsOneToSave) {
  auto wanted = options();
  wanted.save_every = 1000;
  wanted.most_unsaved_seconds = 0;
  auto job = make(new_run(wanted));
  ASSERT_TRUE(job);
  std::size_t saved = 0;
  ASSERT_TRUE((*job)->run([&](const TrainingEvent& event) { saved += event.kind == Kind::kCheckpoint ? 1 : 0; }));
  EXPECT_EQ(saved, 39U);
}

TEST_F(Job, CountsStartsThatCameToNothing) {
  const auto killed = [&](std::size_t at) {
    struct Killed {};
    auto run = runs().list().empty() ? new_run(options()) : runs().open_unfinished("pirate").value();
    auto job = make(std::move(run), {.diverges_at = {}, .state_padding = 0, .before_step = [at](std::size_t step) {
                                       if (step == at) throw Killed{};
                                     }});
    EXPECT_TRUE(job);
    EXPECT_THROW((void)(*job)->run({}), Killed);
    return runs().list().back().idle_starts;
  };
  EXPECT_EQ(killed(1), 1U);
  EXPECT_EQ(killed(2), 2U);
  EXPECT_EQ(killed(4), 0U);  // checkpoint-3
  EXPECT_EQ(killed(4), 1U);
}

TEST_F(Job, ALossThatIsNotFiniteStopsItAndKeepsTheLastCheckpoint) {
  auto job = make(new_run(options()), {.diverges_at = 10, .state_padding = 0, .before_step = {}});
  ASSERT_TRUE(job);
  const auto status = (*job)->run({});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInternal);
  EXPECT_NE(status.error().message.find("--learning-rate 0.0025"), std::string::npos) << status.error().message;
  EXPECT_EQ((*job)->training_run().checkpoints(), (std::vector<std::size_t>{6, 9}));
  const auto record = runs().find((*job)->record().id);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->status, RunStatus::kFailed);
  EXPECT_EQ(record->error, status.error().message);
  EXPECT_TRUE(adapters().versions("pirate").empty());
}

TEST_F(Job, OtherDataCannotGoOn) {
  auto run = new_run(options());
  const std::string id = run.record().id;
  TrainingJob* running = nullptr;
  auto job = make(std::move(run), {.diverges_at = {}, .state_padding = 0, .before_step = [&](std::size_t step) {
                                     if (step == 4) running->stop();
                                   }});
  ASSERT_TRUE(job);
  running = job->get();
  ASSERT_TRUE((*job)->run({}));
  job->reset();
  auto other = data();
  other.training[3].tokens[1] += 1;
  const auto refused = make(runs().open(id).value(), {}, std::move(other));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

// Files may not grow beyond a limit, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
};

TEST_F(Job, ACheckpointThatCannotBeWrittenLosesNothing) {
  auto job = make(new_run(options()), {.diverges_at = {}, .state_padding = 1 << 20, .before_step = {}});
  ASSERT_TRUE(job);
  std::size_t warnings = 0;
  {
    const FullDisk full(1 << 19);
    const auto status = (*job)->run([&](const TrainingEvent& event) {
      if (event.kind != Kind::kWarning) return;
      ++warnings;
      EXPECT_EQ(event.message.find('\n'), std::string::npos);
    });
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(*status, RunStatus::kSucceeded);
  }
  EXPECT_EQ(warnings, 13U);
  expect_reference_stored();
}

TEST_F(Job, AnAdapterThatCannotBeStoredLeavesARunThatCanGoOn) {
  auto job = make(new_run(options()));
  ASSERT_TRUE(job);
  // A file where the directory of adapters is to be.
  {
    std::ofstream(folder_ / "adapters") << "x";
  }
  const auto status = (*job)->run({});
  ASSERT_FALSE(status);
  job->reset();
  std::filesystem::remove(folder_ / "adapters");
  auto rest = make(runs().open_unfinished("pirate").value());
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ((*rest)->record().step, 24U);
  EXPECT_TRUE((*rest)->run({}));
  expect_reference_stored();
}

}  // namespace
}  // namespace hyprstream

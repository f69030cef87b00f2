#include "training_job/training_setup.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <format>

#include "adapter_files/new_adapter.hpp"
#include "scratch.hpp"

namespace hyprstream {
namespace {

TEST(HeldOutPlaces, AreTheShareAndNeverAll) {
  EXPECT_EQ(held_out_places(100, 0.1, 1).size(), 10U);
  EXPECT_EQ(held_out_places(9, 0.1, 1).size(), 0U);
  EXPECT_EQ(held_out_places(100'000, 0.5, 1).size(), 200U);
  EXPECT_EQ(held_out_places(3, 0.999, 1).size(), 2U);
  EXPECT_TRUE(held_out_places(0, 0.5, 1).empty());
  EXPECT_TRUE(held_out_places(1, 0.99, 1).empty());
  const auto places = held_out_places(1000, 0.1, 7);
  EXPECT_TRUE(std::ranges::is_sorted(places));
  EXPECT_EQ(std::ranges::adjacent_find(places), places.end());
  EXPECT_EQ(places, held_out_places(1000, 0.1, 7));
  EXPECT_NE(places, held_out_places(1000, 0.1, 8));
}

TEST(TotalSteps, AreThoseOfTheEpochsOrThoseAskedFor) {
  TrainingRunOptions options;
  options.batch_size = 4;
  options.accumulation_steps = 2;
  options.epochs = 3;
  EXPECT_EQ(total_steps(options, 17), 9U);
  options.epochs = 0.5;
  EXPECT_EQ(total_steps(options, 17), 2U);
  options.epochs = 0.001;
  EXPECT_EQ(total_steps(options, 17), 1U);
  options.epochs = 0;  // nothing was asked for: three epochs, or enough to learn from a handful
  EXPECT_EQ(total_steps(options, 17), 100U);
  EXPECT_EQ(total_steps(options, 1700), 639U);
  options.iterations = 1234;
  EXPECT_EQ(total_steps(options, 17), 1234U);
}

class ReadTrainingData : public testing_support::ScratchTest {
 protected:
  void SetUp() override {
    ScratchTest::SetUp();
    options_.name = "voice";
    options_.base = std::string(HYPRSTREAM_SOURCE_DIR) + "/models/hypr-tiny-q8_0.gguf";
    std::string lines;
    for (int i = 0; i < 20; ++i) lines += std::format("{{\"prompt\": \"{}\", \"completion\": \"Arr {}\"}}\n", i, i);
    options_.data = write("train.jsonl", lines).string();
    auto text = open_model_text(options_.base);
    ASSERT_TRUE(text) << text.error().message;
    text_ = std::move(*text);
  }

  TrainingRunOptions options_;
  std::unique_ptr<ModelText> text_;
};

TEST_F(ReadTrainingData, HoldsOutWhatHeldOutPlacesSays) {
  options_.validation_split = 0;
  const auto all = read_training_data(*text_, options_);
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->data.training.size(), 20U);
  EXPECT_TRUE(all->data.validation.empty());
  options_.validation_split = 0.25;
  options_.seed = 5;
  const auto split = read_training_data(*text_, options_);
  ASSERT_TRUE(split) << split.error().message;
  const auto places = held_out_places(20, 0.25, 5);
  ASSERT_EQ(split->data.validation.size(), places.size());
  std::size_t trained = 0;
  std::size_t held = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    const bool is_held = std::ranges::contains(places, i);
    const auto& found = is_held ? split->data.validation.at(held++) : split->data.training.at(trained++);
    EXPECT_EQ(found.tokens, all->data.training[i].tokens) << i;
  }
}

TEST_F(ReadTrainingData, MeasuresOnTheGivenFile) {
  options_.validation = write("valid.jsonl", "{\"text\": \"Ahoy\"}\n").string();
  const auto read = read_training_data(*text_, options_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->data.training.size(), 20U);
  EXPECT_EQ(read->data.validation.size(), 1U);
}

TEST_F(ReadTrainingData, StopsWhenItIsTold) {
  const auto read = read_training_data(*text_, options_, [](float) { return false; });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kCancelled);
}

TEST_F(ReadTrainingData, AsksForWhatATrainerIsMadeWith) {
  const auto base = read_base_model(options_.base);
  ASSERT_TRUE(base);
  options_.target_modules = "q_proj,v_proj";
  const auto trainer = trainer_options(options_, *base, 77);
  ASSERT_TRUE(trainer) << trainer.error().message;
  EXPECT_EQ(trainer->total_steps, 77U);
  EXPECT_EQ(trainer->target_modules, (std::vector{LinearModule::kQ, LinearModule::kV}));
  options_.target_modules = "nothing";
  EXPECT_FALSE(trainer_options(options_, *base, 77));
}

TEST_F(ReadTrainingData, PruningEndsWhenThereIsSomethingToChooseBy) {
  const auto base = read_base_model(options_.base);
  ASSERT_TRUE(base);
  EXPECT_FALSE(trainer_options(options_, *base, 3));
  EXPECT_DOUBLE_EQ(trainer_options(options_, *base, 4)->prune_end, 0.75);
  EXPECT_DOUBLE_EQ(trainer_options(options_, *base, 10)->prune_end, 0.3);
  options_.sparsity = 0;
  EXPECT_TRUE(trainer_options(options_, *base, 1));
}

TEST_F(ReadTrainingData, RefusesAnAdapterThatCannotBe) {
  const auto base = read_base_model(options_.base);
  ASSERT_TRUE(base);
  const AdapterStore store(folder_ / "adapters");
  const auto refused = [&](const TrainingRunOptions& options) {
    const auto checked = check_adapter_options(options, *base, store);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(refused(options_), "");
  auto wanted = options_;
  wanted.rank = 65536;
  EXPECT_NE(refused(wanted), "");
  wanted = options_;
  wanted.rank = 1;
  wanted.target_modules = "k_proj";
  wanted.sparsity = 0.9999;
  EXPECT_NE(refused(wanted), "");
  wanted = options_;
  wanted.iterations = 3;
  EXPECT_NE(refused(wanted), "");
  wanted.iterations = 4;
  EXPECT_EQ(refused(wanted), "");
}

TEST_F(ReadTrainingData, RefusesANameThatBelongsToAnotherModel) {
  const auto base = read_base_model(options_.base);
  ASSERT_TRUE(base);
  const AdapterStore store(folder_ / "adapters");
  const auto other = read_base_model(std::string(HYPRSTREAM_SOURCE_DIR) + "/tests/data/training/llama/base.gguf");
  ASSERT_TRUE(other) << other.error().message;
  AdapterRecipe recipe;
  recipe.spec = {.name = "voice", .rank = 2, .alpha = 4, .target_modules = other->modules()};
  const auto created = create_adapter(store, *other, recipe, "other.gguf");
  ASSERT_TRUE(created) << created.error().message;
  const auto checked = check_adapter_options(options_, *base, store);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument);
  options_.name = "another";
  EXPECT_TRUE(check_adapter_options(options_, *base, store));
}

// A new run that cannot begin leaves nothing behind.
TEST_F(ReadTrainingData, ARunThatCannotBeginIsNotKept) {
  const auto base = read_base_model(options_.base);
  ASSERT_TRUE(base);
  const TrainingRunStore runs(folder_ / "training");
  const auto refused = start_training_job(runs, new_run_record(options_, *base, "run-"), *base, TrainingData(),
                                          AdapterStore(folder_ / "adapters"));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(runs.list().empty());
}

}  // namespace
}  // namespace hyprstream

#include "serving/adapter_residency.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "adapter/lora_init.hpp"
#include "adapter/sparsify.hpp"

namespace hyprstream {
namespace {

namespace fs = std::filesystem;

class AdapterResidencyTest : public testing::Test {
 protected:
  AdapterResidencyTest()
      : directory_(fs::path(testing::TempDir()) / ("residency-" + std::to_string(::getpid()))), store_(directory_) {
    fs::remove_all(directory_);
    base_ = read_base_model(HYPRSTREAM_SOURCE_DIR "/models/hypr-tiny-q8_0.gguf").value();
  }
  ~AdapterResidencyTest() override { fs::remove_all(directory_); }

  LoraAdapter make(const std::string& name, std::uint64_t seed = 1) const {
    LoraSpec spec{.name = name};
    spec.seed = seed;
    return sparsify(make_lora_adapter(base_, spec).value(), {.sparsity = 0.99}).value();
  }
  void publish(const std::string& name) { ASSERT_TRUE(store_.create(make(name), {})); }
  std::size_t one() const { return make("x").bytes(); }

  fs::path directory_;
  AdapterStore store_;
  BaseModel base_;
};

TEST_F(AdapterResidencyTest, LoadsOnFirstUseAndOnce) {
  publish("a");
  AdapterResidency residency(store_, base_, 1 << 30);
  EXPECT_TRUE(residency.state().adapters.empty());
  const auto first = residency.get("a");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(residency.get("a@1")->weights, first->weights);
  const auto state = residency.state();
  EXPECT_EQ(state.loads, 1U);
  ASSERT_EQ(state.adapters.size(), 1U);
  EXPECT_TRUE(state.adapters[0].in_use);
  EXPECT_EQ(state.bytes, first->weights->bytes());
}

TEST_F(AdapterResidencyTest, ANewVersionIsUsedByTheNextRequest) {
  publish("a");
  AdapterResidency residency(store_, base_, 1 << 30);
  const auto before = residency.get("a");
  ASSERT_TRUE(store_.add_version(make("a", 2), {}));
  const auto after = residency.get("a");
  ASSERT_TRUE(after);
  EXPECT_EQ(before->version, 1);
  EXPECT_EQ(after->version, 2);
  EXPECT_NE(before->weights, after->weights);
  EXPECT_EQ(residency.get("a@1")->weights, before->weights);
}

TEST_F(AdapterResidencyTest, EvictsTheLeastRecentlyUsedUnderItsBudget) {
  for (const char* name : {"a", "b", "c"}) publish(name);
  AdapterResidency residency(store_, base_, 2 * one() + one() / 2);
  for (const char* name : {"a", "b", "a", "c"}) ASSERT_TRUE(residency.get(name));
  const auto state = residency.state();
  ASSERT_EQ(state.adapters.size(), 2U);
  EXPECT_EQ(state.adapters[0].adapter.name, "c");
  EXPECT_EQ(state.adapters[1].adapter.name, "a");
  EXPECT_EQ(state.evictions, 1U);
  EXPECT_LE(state.bytes, state.budget);
}

TEST_F(AdapterResidencyTest, WhatARequestHoldsIsFoundAgainAndNotLoadedTwice) {
  for (const char* name : {"a", "b"}) publish(name);
  AdapterResidency residency(store_, base_, one());
  const auto held = residency.get("a");
  ASSERT_TRUE(residency.get("b"));
  EXPECT_EQ(residency.get("a")->weights, held->weights);
  EXPECT_EQ(residency.state().loads, 2U);
}

TEST_F(AdapterResidencyTest, PinnedAdaptersStay) {
  for (const char* name : {"a", "b", "c"}) publish(name);
  AdapterResidency residency(store_, base_, one());
  ASSERT_TRUE(residency.pin("a"));
  for (const char* name : {"b", "c"}) ASSERT_TRUE(residency.get(name));
  bool there = false;
  for (const auto& adapter : residency.state().adapters) there |= adapter.adapter.name == "a" && adapter.pinned;
  EXPECT_TRUE(there);
}

TEST_F(AdapterResidencyTest, APinnedNameHoldsOneVersionAndANumberItsOwn) {
  publish("a");
  AdapterResidency residency(store_, base_, one());
  std::size_t dropped = 0;
  residency.on_drop([&](const auto&) { ++dropped; });
  for (std::uint64_t version = 2; version <= 5; ++version) {
    ASSERT_TRUE(residency.pin("a"));
    ASSERT_TRUE(store_.add_version(make("a", version), {}));
  }
  ASSERT_TRUE(residency.pin("a"));
  auto state = residency.state();
  ASSERT_EQ(state.adapters.size(), 1U);
  EXPECT_EQ(state.adapters[0].adapter.version, 5);
  EXPECT_TRUE(state.adapters[0].pinned);
  EXPECT_LE(state.bytes, state.budget);
  EXPECT_EQ(dropped, 4U);
  ASSERT_TRUE(residency.pin("a@2"));
  ASSERT_TRUE(residency.pin("a"));
  EXPECT_EQ(residency.state().adapters.size(), 2U);
  residency.drop("a", 2);
  EXPECT_EQ(residency.state().adapters.size(), 1U);
  EXPECT_EQ(dropped, 5U);
}

TEST_F(AdapterResidencyTest, UnloadingHidesUntilItIsLoadedAgain) {
  publish("a");
  AdapterResidency residency(store_, base_, 1 << 30);
  ASSERT_TRUE(residency.get("a"));
  ASSERT_TRUE(residency.unload("a", /*hide=*/true));
  EXPECT_TRUE(residency.state().adapters.empty());
  EXPECT_EQ(residency.get("a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(residency.unload("a", true).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(residency.pin("a"));
  EXPECT_TRUE(residency.get("a"));
  EXPECT_EQ(residency.unload("nobody", true).error().code, ErrorCode::kNotFound);
}

TEST_F(AdapterResidencyTest, SaysWhatIsWrong) {
  publish("pirate");
  AdapterResidency residency(store_, base_, 1 << 30);
  const auto missing = residency.get("pirat");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("pirate"), std::string::npos);
}

TEST_F(AdapterResidencyTest, ManyThreadsLoadOneAdapterOnce) {
  publish("a");
  publish("b");
  AdapterResidency residency(store_, base_, one());
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 20; ++k) good += residency.get((i + k) % 2 == 0 ? "a" : "b") ? 1 : 0;
    });
  threads.clear();
  EXPECT_EQ(good, 160);
  EXPECT_GE(residency.state().loads, 2U);
}

}  // namespace
}  // namespace hyprstream

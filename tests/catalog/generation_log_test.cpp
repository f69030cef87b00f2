// The log of what a server has answered.
#include "catalog/generation_log.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "rows.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;

class GenerationLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<GenerationLog> log(GenerationLogOptions options = {}) {
    return must(make_generation_log(database_, options));
  }
  Rows rows(std::string_view sql) { return must(query(*must(database_->connect()), sql)); }
  static GenerationRecord record(int number, system_clock::time_point time = system_clock::now()) {
    return {
        .time = time,
        .kind = "generation",
        .model = "hypr-tiny",
        .adapters = number % 4 == 0 ? std::vector<std::string>() : std::vector<std::string>{"pirate@2", "haiku@1"},
        .client = number % 2 == 0 ? "" : "key",
        .outcome = "finished",
        .finish_reason = "stop",
        .prompt = number % 3 == 0 ? std::nullopt : std::optional("a longer prompt, number " + std::to_string(number)),
        .prompt_tokens = number,
        .completion_tokens = 2 * number,
        .queue_seconds = 0.5};
  }

  std::shared_ptr<Database> database_ = must(Database::open({.own_tables = true, .threads = 2}));
};

TEST_F(GenerationLogTest, EverythingIsWrittenWhenItEnds) {
  {
    const auto writer = log();
    for (int i = 0; i < 5000; ++i) writer->add([i] { return record(i); });
    EXPECT_EQ(writer->dropped(), 0u);
  }
  EXPECT_EQ(
      rows("SELECT count(*), sum(prompt_tokens), sum(completion_tokens), count(client), count(prompt), "
           "count(completion), count(adapters[1]), sum(queue_seconds), max(prompt) FROM generations"),
      (Rows{{"5000", "12497500", "24995000", "2500", "3333", "0", "3750", "2500", "a longer prompt, number 998"}}));
}

TEST_F(GenerationLogTest, RecordsComeWithinTheDelay) {
  const auto writer = log({.delay = 20ms});
  writer->add([] { return record(1); });
  for (int i = 0; i < 500 && rows("SELECT count(*) FROM generations")[0][0] == "0"; ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_EQ(rows("SELECT count(*) FROM generations"), (Rows{{"1"}}));
}

TEST_F(GenerationLogTest, OldRowsAndTooManyAreRemoved) {
  {
    log({.most_rows = 10})->add([] { return record(1, system_clock::now() - 24h * 40); });
  }
  EXPECT_EQ(rows("SELECT count(*) FROM generations"), (Rows{{"0"}}));
  {
    const auto writer = log({.most_rows = 10});
    for (int i = 0; i < 50; ++i) writer->add([i] { return record(i, system_clock::now() - 50min + i * 1min); });
  }
  EXPECT_EQ(rows("SELECT count(*), min(prompt_tokens) FROM generations"), (Rows{{"10", "40"}}));
}

TEST_F(GenerationLogTest, ATableThatTakesNothingLosesOnlyTheLog) {
  must(change(*must(database_->connect()), "DROP TABLE generations"));
  const auto writer = log({.delay = 5ms});
  writer->add([] { return record(1); });
  for (int i = 0; i < 500 && writer->dropped() == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(writer->dropped(), 1u);
}

TEST_F(GenerationLogTest, TooManyThatWaitAreDropped) {
  const auto writer = log({.most_waiting = 10, .delay = 10min});
  for (int i = 0; i < 25; ++i) writer->add([i] { return record(i); });
  EXPECT_EQ(writer->dropped(), 15u);
}

}  // namespace
}  // namespace hyprstream

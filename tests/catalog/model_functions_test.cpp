// The model's functions, with a stand-in that counts what it is asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "catalog/database.hpp"
#include "rows.hpp"

namespace hyprstream {
namespace {

using ::testing::HasSubstr;

// "PROMPT" becomes "PROMPT!" with the arguments that differ from their defaults behind it.
class CountingModel final : public ModelFunctions {
 public:
  RowResults<std::string> generate(std::span<const GenerateCall> calls, const CallLimits& limits) override {
    std::vector<Result<std::string>> results;
    for (const auto& call : calls) {
      ++rows;
      if (call.adapter == "missing") {
        results.push_back(fail(ErrorCode::kNotFound, "there is no adapter 'missing'"));
        continue;
      }
      while (call.prompt == "for ever") {
        HYPRSTREAM_TRY(limits.check());
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      auto text = call.prompt + "!";
      if (!call.adapter.empty()) text += call.adapter;
      if (!call.system.empty()) text += "/" + call.system;
      if (call.max_tokens != 128) text += " n" + std::to_string(call.max_tokens);
      if (call.temperature != 0) text += " t" + std::to_string(call.temperature).substr(0, 3);
      if (call.seed) text += " s" + std::to_string(*call.seed);
      results.push_back(text);
    }
    const std::scoped_lock lock(mutex);
    batches.push_back(calls.size());
    return results;
  }
  RowResults<double> perplexity(std::span<const PerplexityCall> calls, const CallLimits&) override {
    std::vector<Result<double>> results;
    for (const auto& call : calls)
      results.push_back(static_cast<double>(call.text.size()) + (call.adapter.empty() ? 0 : 0.5));
    return results;
  }
  RowResults<std::vector<float>> embed(std::span<const std::string> texts, const CallLimits&) override {
    std::vector<Result<std::vector<float>>> results;
    for (const auto& text : texts) results.push_back(std::vector<float>{static_cast<float>(text.size()), 0.5F});
    return results;
  }
  RowResults<std::vector<std::int32_t>> tokenize(std::span<const std::string> texts) override {
    std::vector<Result<std::vector<std::int32_t>>> results;
    for (const auto& text : texts) results.push_back(std::vector<std::int32_t>(text.begin(), text.end()));
    return results;
  }

  std::atomic<int> rows = 0;
  std::mutex mutex;
  std::vector<std::size_t> batches;
};

class ModelFunctionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    must(change(*session_, "CREATE TABLE t AS SELECT i AS id, 'p' || i AS p, i % 7 AS k FROM range(10000) r(i)"));
  }

  Rows query(std::string_view sql) {
    model_->rows = 0;
    model_->batches.clear();
    return must(hyprstream::query(*session_, sql));
  }
  // Rows that the model was asked for, while the statement was prepared and while it ran.
  std::pair<int, int> calls(std::string_view sql) {
    model_->rows = 0;
    const auto statement = must(session_->prepare(sql));
    const int prepared = model_->rows.exchange(0);
    must(read_all(*must(statement->execute())));
    return {prepared, model_->rows};
  }

  std::shared_ptr<CountingModel> model_ = std::make_shared<CountingModel>();
  std::shared_ptr<Database> database_ = must(Database::open({.threads = 2, .model = model_}));
  std::unique_ptr<Session> session_ = must(database_->connect());
};

using Calls = std::pair<int, int>;

TEST_F(ModelFunctionsTest, ArgumentsHaveNames) {
  EXPECT_EQ(query("SELECT generate('a'), generate('a', 'x'), generate('a', adapter := 'x', system := 'be kind')"),
            (Rows{{"a!", "a!x", "a!x/be kind"}}));
  EXPECT_EQ(query("SELECT prompt('a', max_tokens := 5, temperature := 0.7, seed := 4294967295)"),
            (Rows{{"a! n5 t0.7 s4294967295"}}));
  EXPECT_EQ(query("SELECT generate(v.p, adapter := v.a) FROM (VALUES ('a', 'x'), ('b', NULL), ('c', 'z')) v(p, a) "
                  "ORDER BY ALL"),
            (Rows{{"a!x"}, {"b!"}, {"c!z"}}));
  EXPECT_EQ(
      query("SELECT perplexity('abc'), perplexity('abc', adapter := 'x'), count_tokens('abcd'), tokenize('AB')[2], "
            "embed('abc')[1], len(embedding('abc'))"),
      (Rows{{"3", "3.5", "4", "66", "3", "2"}}));
}

TEST_F(ModelFunctionsTest, NullGivesNullAndAsksNobody) {
  EXPECT_EQ(query("SELECT generate(NULL), generate(NULL, adapter := 'x'), perplexity(NULL), embed(NULL)[1], "
                  "tokenize(NULL)[1], count_tokens(NULL)"),
            (Rows{{"NULL", "NULL", "NULL", "NULL", "NULL", "NULL"}}));
  EXPECT_EQ(query("SELECT count(generate(CASE WHEN id % 2 = 0 THEN p END)) FROM t WHERE id < 10"), (Rows{{"5"}}));
  EXPECT_EQ(model_->rows, 5);
}

TEST_F(ModelFunctionsTest, OnlyWhatIsNeededIsAsked) {
  // A constant: once, and never while the statement is prepared.
  EXPECT_EQ(calls("SELECT generate('a')"), (Calls{0, 1}));
  EXPECT_EQ(calls("SELECT generate('a') FROM range(100)"), (Calls{0, 1}));
  EXPECT_EQ(calls("SELECT (SELECT generate('a'))"), (Calls{0, 1}));
  EXPECT_EQ(calls("EXPLAIN SELECT generate('a') FROM t"), (Calls{0, 0}));
  EXPECT_EQ(calls("CREATE TEMP TABLE made AS SELECT generate('a') FROM range(5)"), (Calls{0, 1}));
  EXPECT_EQ(calls("CREATE TEMP VIEW seen AS SELECT generate(p) FROM t"), (Calls{0, 0}));
  // LIMIT, also behind an order, and a filter.
  EXPECT_EQ(calls("SELECT generate(p) FROM t LIMIT 3"), (Calls{0, 3}));
  EXPECT_EQ(calls("SELECT generate(p) FROM t ORDER BY k, id LIMIT 3"), (Calls{0, 3}));
  EXPECT_EQ(calls("SELECT id, generate(p) FROM t ORDER BY k DESC, id LIMIT 3 OFFSET 2"), (Calls{0, 3}));
  EXPECT_EQ(calls("SELECT generate(p) FROM t WHERE k = 3 AND id < 2100"), (Calls{0, 300}));
  EXPECT_EQ(calls("SELECT count(*) FROM t WHERE generate(p) = 'x' AND k = 3"), (Calls{0, 1429}));
  EXPECT_EQ(calls("SELECT CASE WHEN k = 1 THEN generate(p) END FROM t WHERE id < 100"), (Calls{0, 15}));
  // The same expression twice, equal rows, and what nobody reads.
  EXPECT_EQ(calls("SELECT generate(p), length(generate(p)) FROM t WHERE id < 10"), (Calls{0, 10}));
  EXPECT_EQ(calls("SELECT generate('k' || k) FROM t WHERE id < 2000"), (Calls{0, 7}));
  EXPECT_EQ(calls("SELECT count(*) FROM (SELECT generate(p) FROM t)"), (Calls{0, 0}));
  EXPECT_EQ(calls("SELECT generate('k', seed := k) FROM t WHERE id < 2000"), (Calls{0, 7}));
}

TEST_F(ModelFunctionsTest, WhereThePlanNeedsTheTextItIsAskedOnce) {
  EXPECT_EQ(calls("SELECT * FROM (VALUES (generate('a')), (generate('b')))"), (Calls{2, 0}));
  EXPECT_EQ(query("SELECT count(*) FROM range(length(generate('abc')))"), (Rows{{"4"}}));
  EXPECT_EQ(model_->rows, 1);
  EXPECT_EQ(calls("INSERT INTO t VALUES (-1, generate('a'), 0)"), (Calls{1, 0}));
  EXPECT_EQ(query("SELECT p FROM t WHERE id = -1"), (Rows{{"a!"}}));
}

TEST_F(ModelFunctionsTest, APreparedStatementAsksEachTime) {
  const auto statement = must(session_->prepare("SELECT generate('a'), generate(?)"));
  for (int i = 0; i < 2; ++i) {
    const auto source = must(session_->prepare("SELECT 'p" + std::to_string(i) + "'"));
    const auto stream = must(source->execute());
    auto values = must(stream->next());
    must(statement->bind(stream->schema(), std::move(values)));
    model_->rows = 0;
    EXPECT_EQ(must(read_all(*must(statement->execute()))), (Rows{{"a!", "p" + std::to_string(i) + "!"}}));
    EXPECT_EQ(model_->rows, 2);
  }
}

TEST_F(ModelFunctionsTest, ABatchIsAChunk) {
  query("SELECT generate(p) FROM t LIMIT 300");
  EXPECT_EQ(model_->batches, (std::vector<std::size_t>{300}));
}

TEST_F(ModelFunctionsTest, ARowThatFailsIsNullAndNoted) {
  EXPECT_EQ(query("SELECT generate(p, adapter := CASE WHEN id = 1 THEN 'missing' END) FROM t WHERE id < 3 ORDER BY id"),
            (Rows{{"p0!"}, {"NULL"}, {"p2!"}}));
  EXPECT_EQ(query("SELECT function, message, input FROM sql_errors"),
            (Rows{{"generate", "there is no adapter 'missing'", "p1"}}));
  // Each session has its own.
  EXPECT_EQ(must(hyprstream::query(*must(database_->connect()), "SELECT count(*) FROM sql_errors")), (Rows{{"0"}}));
  const auto failed =
      hyprstream::query(*session_, "SELECT generate(p, adapter := 'missing', on_error := 'fail') FROM t");
  EXPECT_THAT(failed.error().message, HasSubstr("there is no adapter 'missing'"));
  EXPECT_EQ(failed.error().code, ErrorCode::kInvalidArgument);
  // No more than the last thousand.
  query("SELECT count(generate(p, adapter := 'missing')) FROM t");
  EXPECT_EQ(query("SELECT count(*), max(length(input)) FROM sql_errors"), (Rows{{"1000", "5"}}));
}

TEST_F(ModelFunctionsTest, ArgumentsThatMakeNoSenseFailTheStatement) {
  for (const auto* call :
       {"generate('a', max_tokens := 0)", "generate('a', temperature := -1)", "generate('a', temperature := 'nan')",
        "generate('a', seed := -1)", "generate('a', seed := 4294967296)", "generate('a', on_error := 'ignore')",
        "generate('a', unknown := 1)", "generate()", "perplexity('a', on_error := 'x')"}) {
    const auto result = hyprstream::query(*session_, std::string("SELECT ") + call);
    ASSERT_FALSE(result) << call;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument) << call << ": " << result.error().message;
  }
  EXPECT_THAT(hyprstream::query(*session_, "SELECT genrate('a')").error().message, HasSubstr("\"generate\""));
}

TEST_F(ModelFunctionsTest, AnInterruptEndsTheGeneration) {
  const auto statement = must(session_->prepare("SELECT generate('for ever')"));
  std::jthread interrupter([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    session_->interrupt();
  });
  auto stream = statement->execute();
  const auto ended = stream ? read_all(**stream).error() : stream.error();
  EXPECT_EQ(ended.code, ErrorCode::kCancelled) << ended.message;
  // Another session is not touched.
  EXPECT_TRUE(hyprstream::query(*must(database_->connect()), "SELECT generate('a')"));
}

TEST_F(ModelFunctionsTest, TheTimeoutEndsTheGeneration) {
  const auto database =
      must(Database::open({.threads = 1, .statement_timeout = std::chrono::milliseconds(50), .model = model_}));
  const auto result = hyprstream::query(*must(database->connect()), "SELECT generate('for ever')");
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable) << result.error().message;
}

TEST_F(ModelFunctionsTest, AReaderMayAsk) {
  const auto reader = must(database_->connect({.permission = SqlPermission::kRead}));
  EXPECT_EQ(must(hyprstream::query(*reader, "SELECT generate('a')")), (Rows{{"a!"}}));
}

TEST(WithoutAModel, TheFunctionsSayWhy) {
  const auto database = must(Database::open({.threads = 1}));
  const auto session = must(database->connect());
  EXPECT_THAT(query(*session, "SELECT generate('a')").error().message, HasSubstr("no model"));
}

}  // namespace
}  // namespace hyprstream

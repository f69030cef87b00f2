#include "flight/query_reader.hpp"

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "fake_session.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

struct Reading {
  explicit Reading(FakeScript script, BatchSize size = {}, const OpenStatement::Rows& parameters = {}) {
    auto session = make_fake_session(script, counts);
    auto prepared = session->prepare("");
    statement = *OpenStatement::create(std::make_shared<SharedSession>(std::move(session)), std::move(*prepared));
    EXPECT_TRUE(statement->set_rows(parameters));
    auto opened =
        QueryReader::open(watch.watch([this] { return gone.load(); }), statement, gate, size, [this] { ++ended; });
    EXPECT_TRUE(opened) << opened.error().message;
    reader = std::move(*opened);
  }

  std::vector<std::int64_t> values() {
    std::vector<std::int64_t> all;
    std::shared_ptr<arrow::RecordBatch> batch;
    while (true) {
      const auto status = reader->ReadNext(&batch);
      EXPECT_TRUE(status.ok()) << status.ToString();
      if (!status.ok() || batch == nullptr) return all;
      sizes.push_back(batch->num_rows());
      EXPECT_TRUE(batch->ValidateFull().ok());
      const auto& column = static_cast<const arrow::Int64Array&>(*batch->column(0));
      for (std::int64_t i = 0; i < column.length(); ++i) all.push_back(column.Value(i));
    }
  }

  FakeCounts counts;
  QueryGate gate{{.running = 2}};
  std::atomic<bool> gone = false;
  std::atomic<int> ended = 0;
  CallWatch watch{[] {}};
  std::shared_ptr<OpenStatement> statement;
  std::shared_ptr<QueryReader> reader;
  std::vector<std::int64_t> sizes;
};

std::vector<std::int64_t> count_to(std::int64_t end) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < end; ++i) all.push_back(i);
  return all;
}

TEST(QueryReader, MakesFewBatchesOfManyPieces) {
  FakeScript script;
  for (int i = 0; i < 100; ++i) script.pieces.push_back(numbers(i * 100, 100));
  Reading reading(script, {.rows = 3000, .bytes = 1 << 20});
  EXPECT_EQ(reading.values(), count_to(10'000));
  EXPECT_EQ(reading.sizes, (std::vector<std::int64_t>{3000, 3000, 3000, 1000}));
  EXPECT_EQ(reading.ended, 1);
  EXPECT_FALSE(reading.statement->session().busy());
}

TEST(QueryReader, CutsWhatIsTooWideForAMessage) {
  FakeScript script{.pieces = {numbers(0, 1000), numbers(1000, 1000)}};
  Reading reading(script, {.rows = 1 << 16, .bytes = 800});
  EXPECT_EQ(reading.values(), count_to(2000));
  for (const auto rows : reading.sizes) EXPECT_LE(rows, 100);
}

TEST(QueryReader, SendsARowThatFitsNowhere) {
  arrow::StringBuilder builder;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(builder.Append(std::string(5000, 'x')).ok());
  const auto column = builder.Finish().ValueOrDie();
  const auto schema = arrow::schema({arrow::field("s", arrow::utf8())});
  Reading reading({.pieces = {arrow::RecordBatch::Make(schema, 3, {column})}}, {.rows = 100, .bytes = 100});
  std::shared_ptr<arrow::RecordBatch> batch;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(reading.reader->ReadNext(&batch).ok());
    ASSERT_NE(batch, nullptr);
    EXPECT_EQ(batch->num_rows(), 1);
  }
  ASSERT_TRUE(reading.reader->ReadNext(&batch).ok());
  EXPECT_EQ(batch, nullptr);
}

TEST(QueryReader, DoesNotKeepSlowRowsBack) {
  FakeScript script{.pieces = {numbers(0, 1), numbers(1, 1), numbers(2, 1)}, .delay = 60ms};
  Reading reading(script);
  EXPECT_EQ(reading.values(), count_to(3));
  EXPECT_GT(reading.sizes.size(), 1U);
}

TEST(QueryReader, ReadsNoFurtherThanItIsAsked) {
  Reading reading({.pieces = {numbers(0, 1000)}, .endless = true}, {.rows = 4000, .bytes = 1 << 20});
  std::shared_ptr<arrow::RecordBatch> batch;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(reading.reader->ReadNext(&batch).ok());
  EXPECT_LE(reading.counts.pieces, 5 * 4);
}

TEST(QueryReader, RunsForEachRowOfParameters) {
  FakeScript script{.pieces = {numbers(0, 2)}, .parameters = 1};
  Reading reading(script, {}, {numbers(0, 2), numbers(0, 0), numbers(0, 1)});
  EXPECT_EQ(reading.values(), (std::vector<std::int64_t>{0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(reading.counts.executions, 3);
}

TEST(QueryReader, GivesNothingForNoRowsOfParameters) {
  FakeScript script{.pieces = {numbers(0, 2)}, .parameters = 1};
  Reading reading(script, {}, {numbers(0, 0)});
  EXPECT_EQ(reading.values(), std::vector<std::int64_t>{});
  EXPECT_EQ(reading.reader->schema()->num_fields(), 1);
  EXPECT_EQ(reading.counts.executions, 0);
}

TEST(QueryReader, EndsWhenTheClientHasLeft) {
  Reading reading({.pieces = {numbers(0, 1)}, .endless = true, .delay = 1h});
  std::thread leaving([&] {
    std::this_thread::sleep_for(20ms);
    reading.gone = true;
  });
  std::shared_ptr<arrow::RecordBatch> batch;
  EXPECT_FALSE(reading.reader->ReadNext(&batch).ok());
  leaving.join();
  EXPECT_EQ(reading.ended, 1);
  EXPECT_TRUE(reading.reader->ReadNext(&batch).ok());
  EXPECT_EQ(batch, nullptr);
}

TEST(QueryReader, IsCancelledByHandle) {
  Reading reading({.pieces = {numbers(0, 1)}, .endless = true, .delay = 1h});
  std::thread cancelling([&] {
    std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(reading.statement->cancel());
  });
  std::shared_ptr<arrow::RecordBatch> batch;
  EXPECT_FALSE(reading.reader->ReadNext(&batch).ok());
  cancelling.join();
}

TEST(QueryReader, LetsItsSessionGoWhenItIsDropped) {
  Reading reading({.pieces = {numbers(0, 1)}, .endless = true});
  EXPECT_TRUE(reading.statement->session().busy());
  reading.reader.reset();
  EXPECT_FALSE(reading.statement->session().busy());
  EXPECT_EQ(reading.ended, 1);
}

}  // namespace
}  // namespace hyprstream

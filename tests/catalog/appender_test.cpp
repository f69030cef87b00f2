// Many rows at once.
#include <gtest/gtest.h>

#include "catalog/database.hpp"
#include "rows.hpp"

namespace hyprstream {
namespace {

class AppenderTest : public ::testing::Test {
 protected:
  // Appends what the query gives, batch by batch; `finish`: and ends it.
  Result<std::int64_t> append(std::string_view sql, bool finish = true) {
    HYPRSTREAM_ASSIGN(const auto source, database_->connect());
    HYPRSTREAM_ASSIGN(const auto statement, source->prepare(sql));
    HYPRSTREAM_ASSIGN(const auto stream, statement->execute());
    HYPRSTREAM_ASSIGN(const auto appender, session_->append_to({.table = "t"}, stream->schema()));
    while (true) {
      HYPRSTREAM_ASSIGN(auto batch, stream->next());
      if (!batch) break;
      HYPRSTREAM_TRY(appender->append(std::move(batch)));
    }
    return finish ? appender->finish() : Result<std::int64_t>(0);
  }

  Rows count() { return must(query(*session_, "SELECT count(*), sum(i), sum(length(name)) FROM t")); }

  std::shared_ptr<Database> database_ = must(Database::open({.threads = 2}));
  std::unique_ptr<Session> session_ = must(database_->connect());

  void SetUp() override {
    ASSERT_TRUE(change(*session_, "CREATE TABLE t (i BIGINT, ratio DOUBLE DEFAULT 7, name VARCHAR)"));
  }
};

TEST_F(AppenderTest, AllRowsAreThereAtTheEnd) {
  EXPECT_EQ(must(append("SELECT i, i / 4 AS ratio, 'name ' || i AS name FROM range(300000) r(i)")), 300000);
  EXPECT_EQ(count(),
            must(query(*session_, "SELECT count(*), sum(i), sum(length('name ' || i)) FROM range(300000) r(i)")));
}

TEST_F(AppenderTest, NothingIsThereWithoutFinish) {
  EXPECT_TRUE(append("SELECT i, i / 4 AS ratio, 'name ' || i AS name FROM range(300000) r(i)", false));
  EXPECT_EQ(count()[0][0], "0");
  // The session goes on.
  EXPECT_EQ(must(append("SELECT 1::BIGINT AS i")), 1);
}

TEST_F(AppenderTest, ColumnsAreFoundByName) {
  EXPECT_EQ(must(append("SELECT 'x' AS name, 5::INTEGER AS i")), 1);
  EXPECT_EQ(must(query(*session_, "FROM t")), (Rows{{"5", "7", "x"}}));
  EXPECT_FALSE(append("SELECT 1 AS other"));
  EXPECT_FALSE(append("SELECT 'not a number' AS i"));
  EXPECT_EQ(count()[0][0], "1");
}

TEST_F(AppenderTest, ATransactionHoldsTheRows) {
  ASSERT_TRUE(session_->begin());
  EXPECT_EQ(must(append("SELECT i FROM range(1000) r(i)")), 1000);
  ASSERT_TRUE(session_->rollback());
  EXPECT_EQ(count()[0][0], "0");
  ASSERT_TRUE(session_->begin());
  EXPECT_EQ(must(append("SELECT i FROM range(1000) r(i)")), 1000);
  ASSERT_TRUE(session_->commit());
  EXPECT_EQ(count()[0][0], "1000");
}

TEST_F(AppenderTest, ATransactionKeepsNothingOfWhatHasFailed) {
  ASSERT_TRUE(session_->begin());
  ASSERT_TRUE(change(*session_, "INSERT INTO t (i) VALUES (1)"));
  EXPECT_TRUE(append("SELECT i FROM range(300000) r(i)", false));  // some of them are in the table by now
  EXPECT_FALSE(session_->commit());
  EXPECT_EQ(count()[0][0], "0");
}

TEST_F(AppenderTest, AValueThatDoesNotFitIsNamed) {
  const auto failed =
      append("SELECT i, CASE WHEN i = 4321 THEN 'no number' ELSE i::VARCHAR END AS ratio FROM range(5000) r(i)");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(failed.error().message,
            "the value 'no number' of the column 'ratio' cannot be converted from VARCHAR to the table's DOUBLE");
  EXPECT_EQ(count()[0][0], "0");
}

TEST_F(AppenderTest, ATableThatIsNotThere) {
  const auto source = must(session_->prepare("SELECT 1 AS i"));
  const auto missing = session_->append_to({.table = "nothing"}, source->schema());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound) << missing.error().message;
  const auto reader = must(database_->connect({.permission = SqlPermission::kRead}));
  EXPECT_EQ(reader->append_to({.table = "t"}, source->schema()).error().code, ErrorCode::kPermissionDenied);
}

}  // namespace
}  // namespace hyprstream

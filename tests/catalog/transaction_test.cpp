// What transactions keep, and what they must not break.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "catalog/database.hpp"
#include "rows.hpp"

namespace hyprstream {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TransactionTest : public ::testing::Test {
 protected:
  std::unique_ptr<Session> connect(SessionOptions options = {}) { return must(database_->connect(options)); }
  std::unique_ptr<Session> reader() { return connect({.permission = SqlPermission::kRead}); }

  std::shared_ptr<Database> database_ = must(Database::open({.threads = 2}));
  std::unique_ptr<Session> session_ = connect();
};

TEST_F(TransactionTest, TransactionsHold) {
  ASSERT_TRUE(change(*session_, "CREATE TABLE t (i INTEGER)"));
  ASSERT_TRUE(session_->begin());
  ASSERT_TRUE(change(*session_, "INSERT INTO t VALUES (1)"));
  EXPECT_EQ(must(query(*connect(), "SELECT count(*) FROM t")), (Rows{{"0"}}));
  ASSERT_TRUE(session_->rollback());
  EXPECT_EQ(must(query(*session_, "SELECT count(*) FROM t")), (Rows{{"0"}}));
  ASSERT_TRUE(session_->begin());
  ASSERT_TRUE(change(*session_, "INSERT INTO t VALUES (1)"));
  ASSERT_TRUE(session_->commit());
  EXPECT_EQ(must(query(*connect(), "SELECT count(*) FROM t")), (Rows{{"1"}}));
  EXPECT_FALSE(session_->commit());
}

TEST_F(TransactionTest, ACommitOfWhatHasFailedSaysSo) {
  ASSERT_TRUE(change(*session_, "CREATE TABLE t (i INTEGER)"));
  for (const auto* failing :
       {"INSERT INTO t VALUES ('x')", "FROM nowhere", "INSERT INTO t SELECT ('x' || range)::INTEGER FROM range(2)"}) {
    ASSERT_TRUE(session_->begin());
    ASSERT_TRUE(change(*session_, "INSERT INTO t VALUES (1)"));
    EXPECT_FALSE(change(*session_, failing));
    EXPECT_EQ(session_->commit().error().code, ErrorCode::kInvalidArgument) << failing;
    // In SQL too.
    ASSERT_TRUE(change(*session_, "BEGIN"));
    ASSERT_TRUE(change(*session_, "INSERT INTO t VALUES (1)"));
    EXPECT_FALSE(change(*session_, failing));
    EXPECT_EQ(change(*session_, "/* all of it */ COMMIT").error().code, ErrorCode::kInvalidArgument) << failing;
    EXPECT_EQ(must(query(*session_, "SELECT count(*) FROM t")), (Rows{{"0"}}));
  }
  ASSERT_TRUE(change(*session_, "BEGIN"));
  ASSERT_TRUE(change(*session_, "INSERT INTO t VALUES (1)"));
  ASSERT_TRUE(change(*session_, "END"));
  EXPECT_EQ(must(query(*connect(), "SELECT count(*) FROM t")), (Rows{{"1"}}));
}

TEST_F(TransactionTest, AnAbortedTransactionKeepsNothing) {
  ASSERT_TRUE(change(*session_, "CREATE TABLE t (i INTEGER)"));
  session_->abort();  // there is none
  ASSERT_TRUE(session_->begin());
  ASSERT_TRUE(change(*session_, "INSERT INTO t VALUES (1)"));
  session_->abort();
  EXPECT_FALSE(change(*session_, "INSERT INTO t VALUES (2)"));
  EXPECT_FALSE(session_->commit());
  ASSERT_TRUE(session_->begin());
  ASSERT_TRUE(change(*session_, "INSERT INTO t VALUES (3)"));
  ASSERT_TRUE(session_->commit());
  EXPECT_EQ(must(query(*session_, "FROM t")), (Rows{{"3"}}));
}

TEST_F(TransactionTest, ACommitThatFailsEndsTheTransaction) {
  ASSERT_TRUE(change(*session_, "CREATE TABLE t (i INTEGER PRIMARY KEY)"));
  ASSERT_TRUE(change(*session_, "BEGIN"));
  ASSERT_TRUE(change(*session_, "INSERT INTO t VALUES (1)"));
  ASSERT_TRUE(change(*connect(), "INSERT INTO t VALUES (1)"));
  EXPECT_FALSE(change(*session_, "COMMIT"));
  EXPECT_TRUE(session_->begin());
  EXPECT_TRUE(session_->rollback());
}

// A database in a file, whose log is where DuckDB finds that a transaction has written without being allowed to.
class FileTest : public TransactionTest {
 protected:
  void SetUp() override {
    session_.reset();
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
    database_ = must(Database::open({.path = root_ / "x.duckdb", .threads = 1}));
    session_ = connect();
    ASSERT_TRUE(change(*session_, "CREATE SEQUENCE s"));
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::filesystem::path root_ =
      std::filesystem::temp_directory_path() /
      ("file-" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
};

// DuckDB computes the arguments of a table function while it prepares.
TEST_F(FileTest, WhatIsWrittenWhilePreparingHarmsNobody) {
  const auto alive = [this] { return query(*connect(), "SELECT 1").has_value(); };
  for (const auto& one : {reader(), connect()}) {
    static_cast<void>(query(*one, "FROM range(nextval('s'))"));
    EXPECT_TRUE(alive());
    static_cast<void>(query(*one, "FROM range(setval('s', 3))"));
    EXPECT_TRUE(alive());
  }
  const auto read = reader();
  EXPECT_EQ(query(*read, "FROM range(nextval('s'))").error().code, ErrorCode::kPermissionDenied);
  ASSERT_TRUE(read->begin());
  EXPECT_EQ(query(*read, "FROM range(nextval('s'))").error().code, ErrorCode::kPermissionDenied);
  static_cast<void>(read->commit());
  ASSERT_TRUE(read->begin());
  EXPECT_TRUE(read->prepare("FROM range(nextval('s'))"));
  EXPECT_TRUE(read->commit());
  EXPECT_TRUE(alive());
  EXPECT_TRUE(change(*session_, "CREATE TABLE t AS SELECT nextval('s') AS i"));
}

// Where DuckDB has given up, its words are no help.
TEST_F(FileTest, ADatabaseThatHasStoppedSaysWhatToDo) {
  ASSERT_TRUE(session_->begin());
  ASSERT_TRUE(session_->prepare("FROM range(nextval('s'))"));
  const auto committed = session_->commit();
  ASSERT_FALSE(committed);  // else DuckDB has learnt it, and connection.cpp may forget it
  EXPECT_THAT(committed.error().message, Not(HasSubstr("Stack Trace")));
  const auto after = query(*session_, "SELECT 1").error();
  EXPECT_EQ(after.code, ErrorCode::kInternal);
  EXPECT_THAT(after.message, AllOf(HasSubstr("start the server, or the command, anew"), Not(HasSubstr("\n"))));
}

}  // namespace
}  // namespace hyprstream

// Our own client against our own server.
#include "flight/flight_client.hpp"

#include <arrow/array.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "fake_session.hpp"
#include "flight/arrow_bridge.hpp"
#include "flight/run_sql.hpp"
#include "flight_loopback.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

class FlightClientTest : public testing::Test {
 protected:
  Result<std::unique_ptr<Session>> connect(const char* key) {
    return connect_flight({.host = "127.0.0.1", .port = loopback_.server->port(), .token = key});
  }

  void SetUp() override {
    auto session = connect(kAdminKey);
    ASSERT_TRUE(session) << session.error().message;
    session_ = std::move(*session);
  }

  std::int64_t change(std::string_view sql) {
    const auto statement = session_->prepare(sql);
    EXPECT_TRUE(statement) << statement.error().message;
    const auto stream = (*statement)->execute();
    EXPECT_TRUE(stream) << stream.error().message;
    return stream ? (*stream)->rows_changed() : -1;
  }

  // The one value of the result.
  std::string value(std::string_view sql, const std::vector<std::optional<std::string>>& parameters = {}) {
    const auto rows = query_rows(*session_, sql, parameters);
    if (!rows) return "error: " + rows.error().message;
    if (rows->empty()) return "none";
    return rows->front()->column(0)->ToString();
  }

  FlightLoopback loopback_;
  std::unique_ptr<Session> session_;
};

TEST_F(FlightClientTest, RunsStatementsAsASessionOfThisProcessDoes) {
  EXPECT_EQ(session_->prepare("CREATE TABLE t(a BIGINT)").value()->kind(), StatementKind::kOther);
  change("CREATE TABLE t(a BIGINT)");
  EXPECT_EQ(session_->prepare("INSERT INTO t VALUES (1)").value()->kind(), StatementKind::kChange);
  EXPECT_EQ(change("INSERT INTO t VALUES (1), (2)"), 2);
  const auto statement = session_->prepare("SELECT a + ?::BIGINT AS \"the sum\" FROM t ORDER BY 1");
  ASSERT_TRUE(statement);
  EXPECT_EQ((*statement)->kind(), StatementKind::kQuery);
  EXPECT_EQ((*statement)->parameters().n_children, 1);
  EXPECT_EQ(import_schema((*statement)->schema()).value()->ToString(false), "the sum: int64");
  EXPECT_EQ(value("SELECT sum(a)::BIGINT + $1::BIGINT FROM t", {"39"}), "[\n  42\n]");
}

TEST_F(FlightClientTest, KeepsWhatBelongsToASession) {
  change("CREATE TABLE t(a INTEGER)");
  change("CREATE TEMP TABLE mine(a INTEGER)");
  EXPECT_EQ(change("INSERT INTO mine VALUES (1)"), 1);
  ASSERT_TRUE(session_->begin());
  EXPECT_EQ(change("INSERT INTO t VALUES (1)"), 1);
  ASSERT_TRUE(session_->rollback());
  EXPECT_EQ(value("SELECT count(*) FROM t"), "[\n  0\n]");
  change("BEGIN");
  change("INSERT INTO t VALUES (1)");
  change("COMMIT");
  EXPECT_EQ(value("SELECT count(*) FROM t"), "[\n  1\n]");
  const auto other = connect(kAdminKey);
  EXPECT_EQ((*other)->prepare("FROM mine").error().code, ErrorCode::kNotFound);
}

TEST_F(FlightClientTest, SaysErrorsAsTheServerDoes) {
  const auto embedded = loopback_.database->connect();
  for (const std::string sql : {"SELEC 1", "SELECT * FROM nope", "SELECT nope(1)", "SELECT 1 +", ""}) {
    const auto here = (*embedded)->prepare(sql);
    const auto there = session_->prepare(sql);
    ASSERT_FALSE(here);
    ASSERT_FALSE(there);
    EXPECT_EQ(there.error().code, here.error().code) << sql;
    EXPECT_EQ(there.error().message, here.error().message) << sql;
  }
  EXPECT_EQ(session_->prepare("SELECT '\xff'").error().code, ErrorCode::kInvalidArgument);
  const auto cast = session_->prepare("SELECT x::INTEGER FROM (VALUES ('1'), ('y')) v(x)");
  ASSERT_TRUE(cast);
  auto stream = (*cast)->execute();
  while (stream) {
    const auto rows = (*stream)->next();
    if (!rows) {
      EXPECT_EQ(rows.error().code, ErrorCode::kInvalidArgument) << rows.error().message;
      break;
    }
    ASSERT_TRUE(*rows) << "the conversion must fail";
  }
  EXPECT_EQ(value("SELECT 1"), "[\n  1\n]");
}

TEST_F(FlightClientTest, NeedsAKeyThatMayDoIt) {
  const auto wrong = connect("0000000000000000");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kPermissionDenied) << wrong.error().message;
  EXPECT_FALSE(wrong.error().message.contains("0000"));
  EXPECT_EQ(connect("").error().code, ErrorCode::kPermissionDenied);
  const auto reading = connect(kReadingKey);
  ASSERT_TRUE(reading) << reading.error().message;
  EXPECT_EQ((*reading)->prepare("CREATE TABLE u(a INTEGER)").error().code, ErrorCode::kPermissionDenied);
  EXPECT_TRUE((*reading)->prepare("SELECT 1"));
}

TEST_F(FlightClientTest, SaysThatNobodyAnswers) {
  const int port = loopback_.server->port();
  loopback_.server = nullptr;
  const auto session = connect_flight({.host = "127.0.0.1", .port = port, .connect_timeout = 2s});
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, ErrorCode::kUnavailable) << session.error().message;
  EXPECT_TRUE(session.error().message.contains(std::to_string(port))) << session.error().message;
}

TEST_F(FlightClientTest, InterruptsQueriesAndChanges) {
  change("CREATE TABLE t(a BIGINT)");
  for (const char* sql : {"SELECT count(*) FROM range(1000000000) a, range(1000000) b",
                          "INSERT INTO t SELECT count(*) FROM range(1000000000) a, range(1000000) b",
                          "SELECT a FROM range(1000000000000) r(a)"}) {
    const auto statement = session_->prepare(sql);
    ASSERT_TRUE(statement) << statement.error().message;
    std::atomic<bool> done = false;
    std::thread interrupting([&] {
      while (!done) {
        std::this_thread::sleep_for(20ms);
        session_->interrupt();
      }
    });
    auto stream = (*statement)->execute();
    auto error = stream ? Error() : stream.error();
    while (stream) {
      const auto rows = (*stream)->next();
      if (rows && *rows) continue;
      if (!rows) error = rows.error();
      break;
    }
    done = true;
    interrupting.join();
    EXPECT_EQ(error.code, ErrorCode::kCancelled) << sql << ": " << error.message;
  }
  EXPECT_EQ(value("SELECT count(*) FROM t"), "[\n  0\n]");
}

TEST_F(FlightClientTest, AppendsManyRows) {
  change("CREATE TABLE t(n BIGINT)");
  const auto schema = export_schema(*numbers(0, 0)->schema());
  const TableName table{.catalog = {}, .schema = {}, .table = "t"};
  auto appender = session_->append_to(table, **schema);
  ASSERT_TRUE(appender);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE((*appender)->append(*export_batch(*numbers(i * 1000, 1000))));
  EXPECT_EQ((*appender)->finish(), 20'000);
  EXPECT_EQ(value("SELECT sum(n)::BIGINT FROM t"), "[\n  199990000\n]");
  {
    const auto dropped = session_->append_to(table, **schema);
    ASSERT_TRUE((*dropped)->append(*export_batch(*numbers(0, 1000))));
  }
  EXPECT_EQ(value("SELECT count(*) FROM t"), "[\n  20000\n]");
  const auto missing = session_->append_to({.catalog = {}, .schema = {}, .table = "missing"}, **schema);
  ASSERT_TRUE(missing);
  EXPECT_EQ((*missing)->finish().error().code, ErrorCode::kNotFound);
}

TEST_F(FlightClientTest, ForgetsWhatClientsLeftBehind) {
  change("CREATE TABLE t(a INTEGER)");
  for (int i = 0; i < 20; ++i) {
    const auto session = connect(kAdminKey);
    const auto statement = (*session)->prepare("SELECT a FROM range(1000000000) r(a)");
    ASSERT_TRUE(statement);
    const auto stream = (*statement)->execute();
    ASSERT_TRUE(stream) << stream.error().message;
    ASSERT_TRUE((*stream)->next());
  }
  EXPECT_EQ(value("SELECT count(*) FROM t"), "[\n  0\n]");
}

}  // namespace
}  // namespace hyprstream

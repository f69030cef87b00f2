// Statements in sessions of a database in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "catalog/arrow_schema.hpp"
#include "catalog/database.hpp"
#include "rows.hpp"

namespace hyprstream {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class SessionTest : public ::testing::Test {
 protected:
  std::unique_ptr<Session> connect(SessionOptions options = {}) { return must(database_->connect(options)); }
  std::unique_ptr<Session> reader() { return connect({.permission = SqlPermission::kRead}); }

  std::shared_ptr<Database> database_ = must(Database::open({.threads = 2}));
  std::unique_ptr<Session> session_ = connect();
};

TEST_F(SessionTest, RowsComeAsArrow) {
  EXPECT_EQ(must(query(*session_, "SELECT 1, 2.5::DOUBLE, 'ä', NULL, true;")),
            (Rows{{"1", "2.5", "ä", "NULL", "true"}}));
  // More rows than one batch has.
  const auto rows = must(query(*session_, "SELECT i, 'row ' || i FROM range(10000) t(i)"));
  ASSERT_EQ(rows.size(), 10000u);
  for (std::size_t i = 0; i < rows.size(); ++i)
    ASSERT_EQ(rows[i], (std::vector<std::string>{std::to_string(i), "row " + std::to_string(i)}));
}

TEST_F(SessionTest, TheSchemaIsKnownBeforeItRuns) {
  const auto statement =
      must(session_->prepare("SELECT sum(i) AS total, [1] AS list, 1.5::DECIMAL(10,2) AS price FROM range(3) t(i)"));
  EXPECT_EQ(statement->kind(), StatementKind::kQuery);
  const auto& schema = statement->schema();
  ASSERT_EQ(schema.n_children, 3);
  EXPECT_STREQ(schema.children[0]->name, "total");
  EXPECT_EQ(arrow_metadata(*schema.children[0], kTypeNameKey), "HUGEINT");
  EXPECT_EQ(arrow_metadata(*schema.children[1], kTypeNameKey), "INTEGER[]");
  EXPECT_EQ(arrow_metadata(*schema.children[2], kTypeNameKey), "DECIMAL(10,2)");
}

TEST_F(SessionTest, TypeNamesAreThoseOfDescribe) {
  const std::string select =
      "SELECT 1::TINYINT a, 1::UBIGINT b, '2020-01-01'::TIMESTAMPTZ c, {'x y': 1, 'z': [1.5]} d, MAP {'k': 1} e, "
      "'a'::ENUM('a', 'it''s') f, [1, 2]::INTEGER[2] g, uuid() h, INTERVAL 1 DAY i, '{}'::JSON j, union_value(n := 1) "
      "k, "
      "'x'::BLOB l, '101'::BIT m, '10:00+01'::TIMETZ n, 1::HUGEINT o, '2020-01-01'::TIMESTAMP_NS p";
  const auto statement = must(session_->prepare(select));
  const auto described = must(query(*session_, "DESCRIBE " + select));
  ASSERT_EQ(statement->schema().n_children, static_cast<std::int64_t>(described.size()));
  for (std::size_t i = 0; i < described.size(); ++i)
    EXPECT_EQ(arrow_metadata(*statement->schema().children[i], kTypeNameKey), described[i][1]) << described[i][0];
}

TEST_F(SessionTest, ChangesAreCounted) {
  EXPECT_EQ(must(change(*session_, "CREATE TABLE t (i INTEGER)")), 0);
  EXPECT_EQ(must(change(*session_, "INSERT INTO t SELECT * FROM range(7)")), 7);
  EXPECT_EQ(must(change(*session_, "UPDATE t SET i = 9 WHERE i < 3")), 3);
  EXPECT_EQ(must(change(*session_, "DELETE FROM t WHERE i = 9")), 3);
  EXPECT_EQ((must(session_->prepare("DELETE FROM t")))->kind(), StatementKind::kChange);
  EXPECT_EQ((must(session_->prepare("CREATE TABLE u (i INTEGER)")))->kind(), StatementKind::kOther);
  // RETURNING makes rows of it.
  EXPECT_EQ((must(session_->prepare("DELETE FROM t RETURNING i")))->kind(), StatementKind::kQuery);
  EXPECT_EQ(must(query(*session_, "INSERT INTO t VALUES (42) RETURNING i")), (Rows{{"42"}}));
}

TEST_F(SessionTest, ParametersAreBoundFromRows) {
  ASSERT_TRUE(change(*session_, "CREATE TABLE t (i BIGINT, name VARCHAR, ratio DOUBLE)"));
  const auto insert = must(session_->prepare("INSERT INTO t VALUES (?, ?, ?)"));
  ASSERT_EQ(insert->parameters().n_children, 3);
  // Rows of another session's query are as good as any.
  const auto other = connect();
  const auto values = must(other->prepare(
      "SELECT i, CASE WHEN i = 1 THEN NULL ELSE 'a long name of number ' || i END, i / 4 FROM range(3) t(i)"));
  const auto stream = must(values->execute());
  auto batch = must(stream->next());
  ASSERT_TRUE(insert->bind(stream->schema(), std::move(batch)));
  for (int row = 0; row < 3; ++row) ASSERT_EQ((must(insert->execute(row)))->rows_changed(), 1);
  EXPECT_EQ(insert->execute(3).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(
      must(query(*session_, "FROM t ORDER BY i")),
      (Rows{{"0", "a long name of number 0", "0"}, {"1", "NULL", "0.25"}, {"2", "a long name of number 2", "0.5"}}));
  EXPECT_EQ((must(session_->prepare("SELECT 1")))->bind(stream->schema(), {}).error().code,
            ErrorCode::kInvalidArgument);
  // Without values it says which are missing.
  EXPECT_THAT((must(session_->prepare("SELECT ?")))->execute().error().message, HasSubstr("parameters: 1"));
}

TEST_F(SessionTest, EveryTypeOfAParameterComesBack) {
  const std::string select =
      "SELECT true a, 1::TINYINT b, -2::SMALLINT c, 3::INTEGER d, -4::BIGINT e, 5::UTINYINT f, 6::USMALLINT g, "
      "7::UINTEGER h, "
      "8::UBIGINT i, -9::HUGEINT j, 1.5::FLOAT k, -2.25::DOUBLE l, -12.34::DECIMAL(4,2) m, 123.456::DECIMAL(30,3) n, "
      "DATE '2020-02-03' o, TIME '10:11:12.5' p, TIMESTAMP '2020-02-03 04:05:06' q, TIMESTAMPTZ '2020-02-03 "
      "04:05:06+01' r, "
      "INTERVAL '1 month 2 days' s, '00112233-4455-6677-8899-aabbccddeeff'::UUID::VARCHAR t, 'text' u, "
      "'\\x01\\xFF'::BLOB v, "
      "[1, NULL, 3] w, []::INTEGER[] empty, {'x': 1, 'y': 'z'} x, [1, 2]::INTEGER[2] y, '2020-02-03'::TIMESTAMP_NS z";
  const auto other = connect();
  const auto source = must(other->prepare(select));
  const auto stream = must(source->execute());
  auto batch = must(stream->next());
  std::string echo = "SELECT ";
  for (int i = 0; i < 27; ++i) echo += (i == 0 ? "?" : ", ?");
  const auto target = must(session_->prepare("SELECT md5(row(" + echo.substr(7) + ")::VARCHAR)"));
  ASSERT_TRUE(target->bind(stream->schema(), std::move(batch)));
  const auto echoed = must(read_all(*must(target->execute())));
  EXPECT_EQ(echoed, must(query(*session_,
                               "SELECT md5(row(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, "
                               "w, empty, x, y, z)::VARCHAR) FROM (" +
                                   select + ")")));
}

TEST_F(SessionTest, ErrorsSayWhereAndWhat) {
  const auto failure = [this](std::string_view sql) { return query(*session_, sql).error(); };
  ASSERT_TRUE(change(*session_, "CREATE TABLE customers (name VARCHAR)"));
  EXPECT_EQ(failure("SELEC 1").code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(failure("SELEC 1").message, StartsWith("line 1, column 1: "));
  EXPECT_THAT(failure("SELECT 'ä',\n  1 +* 2").message, StartsWith("line 2, column "));
  const auto table = failure("SELECT *\nFROM custmers");
  EXPECT_EQ(table.code, ErrorCode::kNotFound);
  EXPECT_THAT(table.message, AllOf(StartsWith("line 2, column 6: "), HasSubstr("customers")));
  EXPECT_THAT(failure("SELECT nam FROM customers").message, HasSubstr("\"name\""));
  EXPECT_THAT(failure("SELECT lenght('a')").message, HasSubstr("\"length\""));
  EXPECT_EQ(failure("SELECT 'x'::INTEGER").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(failure("CREATE TABLE customers (i INTEGER)").code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(failure("SELECT * FROM 'nowhere.csv'").code, ErrorCode::kNotFound);
  EXPECT_EQ(failure("").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(failure("SELECT 1; SELECT 2").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(failure("SELECT '\xff'").message, "the statement is not valid UTF-8 at byte 8");
  EXPECT_EQ(failure(std::string_view("SELECT 1\0, 2", 12)).message, "the statement has a zero byte at byte 8");
  for (const auto* sql : {"SELEC 1", "SELECT * FROM custmers", "SELECT lenght('a')"})
    EXPECT_EQ(failure(sql).message.find('\n'), std::string::npos);
  // And the session goes on.
  EXPECT_EQ(must(query(*session_, "SELECT 1")), (Rows{{"1"}}));
}

TEST_F(SessionTest, AReaderForcesNoCheckpoint) {
  const auto read = reader();
  EXPECT_FALSE(query(*read, "FROM force_checkpoint()"));
  EXPECT_FALSE(query(*read, "FROM system.main.force_checkpoint()"));
  EXPECT_EQ(must(query(*read, "SELECT 1")), (Rows{{"1"}}));
}

TEST_F(SessionTest, DictionariesAreNoParameters) {
  const auto statement = must(session_->prepare("SELECT ?"));
  ArrowFieldSpec column{.format = "i", .name = "1", .dictionary = {{.format = "u"}}};
  const auto plain = build_arrow_schema({.format = "+s", .children = {column}});
  EXPECT_EQ(statement->bind(*plain, {}).error().code, ErrorCode::kUnsupported);
  column = {.format = "+l", .name = "1", .children = {column}};
  const auto nested = build_arrow_schema({.format = "+s", .children = {column}});
  EXPECT_EQ(statement->bind(*nested, {}).error().code, ErrorCode::kUnsupported);
}

TEST_F(SessionTest, AReaderWritesNothing) {
  ASSERT_TRUE(change(*session_, "CREATE TABLE t (i INTEGER)"));
  ASSERT_TRUE(change(*session_, "CREATE SEQUENCE s"));
  const auto read = reader();
  EXPECT_EQ(must(query(*read, "SELECT count(*) FROM t")), (Rows{{"0"}}));
  EXPECT_TRUE(query(*read, "EXPLAIN SELECT * FROM t"));
  EXPECT_TRUE(query(*read, "SHOW TABLES"));
  EXPECT_TRUE(query(*read, "DESCRIBE t"));
  for (const auto* sql : {"INSERT INTO t VALUES (1)",
                          "WITH x AS (INSERT INTO t VALUES (1) RETURNING i) SELECT * FROM x",
                          "EXPLAIN ANALYZE INSERT INTO t VALUES (1)",
                          "DELETE FROM t",
                          "UPDATE t SET i = 1",
                          "CREATE TABLE u (i INTEGER)",
                          "DROP TABLE t",
                          "COPY t TO '/tmp/x'",
                          "SET threads = 1",
                          "PRAGMA threads = 1",
                          "BEGIN",
                          "COMMIT",
                          "ATTACH ':memory:' AS m",
                          "INSTALL httpfs",
                          "LOAD json",
                          "CALL checkpoint()",
                          "CHECKPOINT",
                          "VACUUM",
                          "PREPARE p AS DELETE FROM t",
                          "USE main",
                          "SELECT nextval('s')",
                          "EXPORT DATABASE '/tmp/x'",
                          "CREATE SECRET (TYPE http)"}) {
    const auto result = query(*read, sql);
    ASSERT_FALSE(result) << sql;
    EXPECT_EQ(result.error().code, ErrorCode::kPermissionDenied) << sql << ": " << result.error().message;
  }
  // Nor in a transaction that it has begun.
  ASSERT_TRUE(read->begin());
  EXPECT_FALSE(query(*read, "WITH x AS (INSERT INTO t VALUES (1) RETURNING i) SELECT * FROM x"));
  ASSERT_TRUE(read->rollback());
  EXPECT_EQ(must(query(*session_, "SELECT count(*) FROM t")), (Rows{{"0"}}));
}

TEST_F(SessionTest, AReaderSeesWhatWasCommittedMeanwhile) {
  ASSERT_TRUE(change(*session_, "CREATE TABLE t AS SELECT * FROM range(100000) r(i)"));
  const auto read = reader();
  const auto statement = must(read->prepare("SELECT i FROM t"));
  const auto stream = must(statement->execute());
  ASSERT_TRUE(must(stream->next()));  // left half read
  ASSERT_TRUE(change(*session_, "INSERT INTO t VALUES (1)"));
  EXPECT_EQ(must(query(*read, "SELECT count(*) FROM t")), (Rows{{"100001"}}));
  // Its own next statement has ended it.
  EXPECT_EQ(stream->next().error().code, ErrorCode::kCancelled);
}

TEST_F(SessionTest, AnInterruptEndsWhatRuns) {
  const auto statement =
      must(session_->prepare("SELECT count(*) FROM range(10000000000) a, range(100) b WHERE a.range = -b.range - 1"));
  std::jthread interrupter([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    session_->interrupt();
  });
  auto stream = statement->execute();
  const auto ended = stream ? read_all(**stream).error() : stream.error();
  EXPECT_EQ(ended.code, ErrorCode::kCancelled);
  interrupter.join();
  EXPECT_EQ(must(query(*session_, "SELECT 1")), (Rows{{"1"}}));
}

TEST_F(SessionTest, StreamsOutliveTheirStatementsAndSessions) {
  auto statement = must(session_->prepare("SELECT * FROM range(5000)"));
  const auto stream = must(statement->execute());
  statement.reset();
  session_.reset();
  database_.reset();
  EXPECT_EQ(read_all(*stream)->size(), 5000u);
}

TEST_F(SessionTest, WideResultsAndLongStatements) {
  std::string wide = "SELECT 0";
  for (int i = 1; i < 10000; ++i) wide += ", " + std::to_string(i);
  const auto rows = must(query(*session_, wide));
  ASSERT_EQ(rows[0].size(), 10000u);
  EXPECT_EQ(rows[0][9999], "9999");
  EXPECT_EQ(must(query(*session_, "SELECT length('" + std::string(50'000'000, 'x') + "')")), (Rows{{"50000000"}}));
}

TEST(StatementTimeout, EndsTheStatement) {
  const auto database = must(Database::open({.threads = 1, .statement_timeout = std::chrono::milliseconds(100)}));
  const auto session = must(database->connect());
  const auto result =
      query(*session, "SELECT count(*) FROM range(10000000000) a, range(100) b WHERE a.range = -b.range - 1");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(must(query(*session, "SELECT 1")), (Rows{{"1"}}));
}

}  // namespace
}  // namespace hyprstream

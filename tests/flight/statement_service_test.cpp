// Against a database in memory: what clients of the server get, without a network.
#include "flight/statement_service.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/json/from_string.h>
#include <arrow/scalar.h>
#include <arrow/table.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "access/api_keys.hpp"
#include "catalog/database.hpp"
#include "fake_session.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<arrow::RecordBatchReader> rows_of(const std::shared_ptr<arrow::Schema>& schema, const char* json) {
  const auto array = arrow::json::ArrayFromJSONString(arrow::struct_(schema->fields()), json).ValueOrDie();
  return arrow::RecordBatchReader::Make({arrow::RecordBatch::FromStructArray(array).ValueOrDie()}, schema).ValueOrDie();
}

const auto kPair = arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())});

class StatementServiceTest : public testing::Test {
 protected:
  StatementServiceTest() : database_(*Database::open({})) { start({}); }

  void start(const StatementLimits& limits) {
    service_ = std::make_unique<StatementService>(
        [this](Scope scope) {
          return database_->connect(
              {.permission = scope == Scope::kAdmin ? SqlPermission::kWrite : SqlPermission::kRead});
        },
        limits);
  }

  Caller caller(std::string key = "root", Scope scope = Scope::kAdmin, std::string session = {}) {
    return {.identity = {.key_id = std::move(key), .scope = scope},
            .session = std::move(session),
            .call = watch_.watch([] { return false; })};
  }

  std::int64_t change(std::string_view sql, const std::string& transaction = {}) {
    const auto count = service_->update(caller(), sql, transaction);
    EXPECT_TRUE(count) << count.error().message;
    return count.value_or(-1);
  }

  // All rows as text, so that a test shows what it expects.
  static std::string text(Result<std::shared_ptr<arrow::RecordBatchReader>> rows) {
    if (!rows) return "error: " + rows.error().message;
    const auto table = (*rows)->ToTable();
    if (!table.ok()) return "error: " + table.status().message();
    std::string text;
    for (std::int64_t row = 0; row < (*table)->num_rows(); ++row) {
      if (row > 0) text += ";";
      for (int column = 0; column < (*table)->num_columns(); ++column)
        text += std::string(column == 0 ? "" : ",") + (*table)->column(column)->GetScalar(row).ValueOrDie()->ToString();
    }
    return text;
  }

  std::string query(std::string_view sql, const std::string& transaction = {}) {
    const auto planned = service_->plan(caller(), sql, transaction);
    if (!planned) return "error: " + planned.error().message;
    return text(service_->fetch(caller(), planned->handle));
  }

  std::shared_ptr<Database> database_;
  CallWatch watch_{[] {}};
  std::unique_ptr<StatementService> service_;
};

TEST_F(StatementServiceTest, RunsQueriesAndChanges) {
  change("CREATE TABLE t(a INTEGER)");
  EXPECT_EQ(change("INSERT INTO t VALUES (1), (2), (3)"), 3);
  EXPECT_EQ(query("SELECT sum(a)::INTEGER, count(*) FROM t"), "6,3");
  // A change that was planned as a query is done once it is fetched.
  EXPECT_EQ(query("DELETE FROM t WHERE a > 1"), "2");
  EXPECT_EQ(query("FROM t"), "1");
  EXPECT_EQ(query("CREATE TABLE u(a INTEGER)"), "");
}

TEST_F(StatementServiceTest, SaysTheSchemaBeforeItRuns) {
  const auto planned = service_->plan(caller(), "SELECT 1::BIGINT AS n, 'x' AS s, [1.5] AS l", {});
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->schema->ToString(false), "n: int64\ns: string\nl: list<l: decimal128(2, 1)>");
  EXPECT_EQ(planned->kind, StatementKind::kQuery);
}

TEST_F(StatementServiceTest, GivesTheRowsOfAPlannedQueryOnce) {
  const auto planned = service_->plan(caller(), "SELECT 1", {});
  ASSERT_TRUE(planned);
  EXPECT_EQ(text(service_->fetch(caller(), planned->handle)), "1");
  EXPECT_EQ(service_->fetch(caller(), planned->handle).error().code, ErrorCode::kNotFound);
}

TEST_F(StatementServiceTest, KnowsHandlesToTheirKeyAlone) {
  const auto planned = service_->plan(caller("ann"), "SELECT 1", {});
  ASSERT_TRUE(planned);
  EXPECT_EQ(service_->fetch(caller("bob"), planned->handle).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(service_->close(caller("bob"), planned->handle).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(service_->cancel(caller("bob"), planned->handle).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(text(service_->fetch(caller("ann"), planned->handle)), "1");
}

TEST_F(StatementServiceTest, LetsAKeyForInferenceOnlyRead) {
  change("CREATE TABLE t(a INTEGER)");
  for (const char* write : {"INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TABLE u(a INTEGER)",
                            "WITH x AS (SELECT 1) INSERT INTO t FROM x"})
    EXPECT_EQ(service_->update(caller("app", Scope::kInference), write, {}).error().code, ErrorCode::kPermissionDenied)
        << write;
  EXPECT_EQ(service_
                ->ingest(caller("app", Scope::kInference), {.name = {.catalog = {}, .schema = {}, .table = "t"}},
                         *rows_of(arrow::schema({arrow::field("a", arrow::int32())}), "[[1]]"))
                .error()
                .code,
            ErrorCode::kPermissionDenied);
  const auto planned = service_->plan(caller("app", Scope::kInference), "SELECT count(*) FROM t", {});
  ASSERT_TRUE(planned);
  EXPECT_EQ(text(service_->fetch(caller("app", Scope::kInference), planned->handle)), "0");
  EXPECT_EQ(service_->plan(caller("", Scope::kPublic), "SELECT 1", {}).error().code, ErrorCode::kPermissionDenied);
}

TEST_F(StatementServiceTest, RunsAPreparedQueryForEachRowOfParameters) {
  const auto prepared = service_->prepare(caller(), "SELECT $1::BIGINT * 10 AS n WHERE $1 > 1", {});
  ASSERT_TRUE(prepared) << prepared.error().message;
  EXPECT_EQ(prepared->parameters->num_fields(), 1);
  const auto numbers = arrow::schema({arrow::field("1", arrow::int64())});
  ASSERT_TRUE(service_->set_parameters(caller(), prepared->handle, *rows_of(numbers, "[[1], [2], [3]]")));
  EXPECT_EQ(text(service_->fetch(caller(), prepared->handle)), "20;30");
  ASSERT_TRUE(service_->set_parameters(caller(), prepared->handle, *rows_of(numbers, "[[7]]")));
  EXPECT_EQ(text(service_->fetch(caller(), prepared->handle)), "70");
  EXPECT_EQ(service_->set_parameters(caller(), prepared->handle, *rows_of(kPair, R"([[7, "x"]])")).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(service_->close(caller(), prepared->handle));
  EXPECT_EQ(service_->fetch(caller(), prepared->handle).error().code, ErrorCode::kNotFound);
}

TEST_F(StatementServiceTest, ChangesForEveryRowOrForNone) {
  change("CREATE TABLE t(a BIGINT PRIMARY KEY, b VARCHAR)");
  const auto prepared = service_->prepare(caller(), "INSERT INTO t VALUES (?, ?)", {});
  ASSERT_TRUE(prepared);
  EXPECT_EQ(service_->update_for_each(caller(), prepared->handle, *rows_of(kPair, R"([[1, "x"], [2, null]])")), 2);
  EXPECT_EQ(query("FROM t"), "1,x;2,null");
  const auto failed =
      service_->update_for_each(caller(), prepared->handle, *rows_of(kPair, R"([[3, "y"], [4, "z"], [1, "again"]])"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(query("FROM t"), "1,x;2,null");
  EXPECT_EQ(service_->update_for_each(caller(), prepared->handle, *rows_of(kPair, R"([[3, "y"]])")), 1);
}

TEST_F(StatementServiceTest, KeepsTransactionsApart) {
  change("CREATE TABLE t(a INTEGER)");
  const auto first = service_->begin(caller());
  ASSERT_TRUE(first);
  change("INSERT INTO t VALUES (1)", *first);
  EXPECT_EQ(query("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(query("SELECT count(*) FROM t", *first), "1");
  EXPECT_TRUE(service_->end(caller(), *first, false));
  EXPECT_EQ(query("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(service_->end(caller(), *first, true).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(service_->update(caller(), "INSERT INTO t VALUES (1)", *first).error().code, ErrorCode::kNotFound);

  const auto second = service_->begin(caller());
  change("INSERT INTO t VALUES (2)", *second);
  EXPECT_TRUE(service_->end(caller(), *second, true));
  EXPECT_EQ(query("FROM t"), "2");
}

TEST_F(StatementServiceTest, RollsBackATransactionThatWasForgotten) {
  change("CREATE TABLE t(a INTEGER)");
  const auto begun = service_->begin(caller());
  ASSERT_TRUE(begun);
  change("INSERT INTO t VALUES (1)", *begun);
  const auto prepared = service_->prepare(caller(), "SELECT count(*) FROM t", *begun);  // which holds its session
  ASSERT_TRUE(prepared);
  service_->expire(std::chrono::steady_clock::now() + 6min);
  EXPECT_EQ(service_->end(caller(), *begun, true).error().code, ErrorCode::kNotFound);
  // It does not go on outside of the transaction.
  EXPECT_EQ(service_->fetch(caller(), prepared->handle).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(query("SELECT count(*) FROM t"), "0");
  service_->expire(std::chrono::steady_clock::now() + 31min);
  EXPECT_EQ(service_->fetch(caller(), prepared->handle).error().code, ErrorCode::kNotFound);
}

TEST_F(StatementServiceTest, KeepsASessionsTemporaryTables) {
  const auto session = service_->open_session(caller());
  ASSERT_TRUE(session);
  const auto in_session = [&] { return caller("root", Scope::kAdmin, *session); };
  ASSERT_TRUE(service_->update(in_session(), "CREATE TEMP TABLE mine(a INTEGER)", {}));
  ASSERT_TRUE(service_->update(in_session(), "BEGIN", {}));
  EXPECT_EQ(service_->update(in_session(), "INSERT INTO mine VALUES (1), (2)", {}), 2);
  ASSERT_TRUE(service_->update(in_session(), "ROLLBACK", {}));
  const auto planned = service_->plan(in_session(), "SELECT count(*) FROM mine", {});
  ASSERT_TRUE(planned) << planned.error().message;
  EXPECT_EQ(text(service_->fetch(in_session(), planned->handle)), "0");
  EXPECT_EQ(service_->plan(caller(), "FROM mine", {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(service_->plan(caller("bob", Scope::kAdmin, *session), "FROM mine", {}).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(service_->close_session(in_session()));
  EXPECT_EQ(service_->plan(in_session(), "SELECT 1", {}).error().code, ErrorCode::kNotFound);
}

TEST_F(StatementServiceTest, IngestsAllRowsOrNone) {
  using Existing = IngestTarget::Existing;
  const auto target = [](bool create, Existing existing) {
    return IngestTarget{
        .name = {.catalog = {}, .schema = {}, .table = "my table"}, .create = create, .existing = existing};
  };
  const auto rows = [] { return rows_of(kPair, R"([[1, "x"], [null, "y"]])"); };
  EXPECT_EQ(service_->ingest(caller(), target(false, Existing::kAppend), *rows()).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(service_->ingest(caller(), target(true, Existing::kFail), *rows()), 2);
  EXPECT_EQ(service_->ingest(caller(), target(true, Existing::kFail), *rows()).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(service_->ingest(caller(), target(false, Existing::kAppend), *rows()), 2);
  EXPECT_EQ(query("SELECT count(*), sum(a)::INTEGER FROM \"my table\""), "4,2");
  EXPECT_EQ(service_->ingest(caller(), target(true, Existing::kReplace), *rows()), 2);
  EXPECT_EQ(query("FROM \"my table\""), "1,x;null,y");

  // The second batch does not fit: the table that was to be replaced is there as it was.
  change("CREATE TABLE unique_numbers(a BIGINT UNIQUE, b VARCHAR)");
  change("INSERT INTO unique_numbers VALUES (7, 'kept')");
  auto unique = target(false, Existing::kAppend);
  unique.name.table = "unique_numbers";
  EXPECT_FALSE(service_->ingest(caller(), unique, *rows_of(kPair, R"([[1, "x"], [7, "again"]])")));
  EXPECT_EQ(query("FROM unique_numbers"), "7,kept");
}

TEST_F(StatementServiceTest, IngestsIntoTransactionsAndTemporaryTables) {
  const auto begun = service_->begin(caller());
  ASSERT_TRUE(begun);
  IngestTarget target{.name = {.catalog = {}, .schema = {}, .table = "t"}, .create = true, .temporary = true};
  EXPECT_EQ(service_->ingest(caller(), target, *rows_of(kPair, "[]")).error().code, ErrorCode::kInvalidArgument);
  target.transaction = *begun;
  const auto count = service_->ingest(caller(), target, *rows_of(kPair, R"([[1, "x"]])"));
  EXPECT_EQ(count, 1) << count.error().message;
  EXPECT_EQ(query("FROM temp.t", *begun), "1,x");
  EXPECT_TRUE(service_->end(caller(), *begun, false));
  EXPECT_FALSE(service_->plan(caller(), "FROM t", {}));
}

TEST_F(StatementServiceTest, MakesTablesOfAllTypesThatArrowAndDuckDBShare) {
  const auto schema = arrow::schema({
      arrow::field("b", arrow::boolean()),
      arrow::field("i8", arrow::int8()),
      arrow::field("u64", arrow::uint64()),
      arrow::field("f", arrow::float32()),
      arrow::field("d", arrow::date32()),
      arrow::field("t", arrow::time64(arrow::TimeUnit::MICRO)),
      arrow::field("ts", arrow::timestamp(arrow::TimeUnit::NANO)),
      arrow::field("tz", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
      arrow::field("dec", arrow::decimal128(10, 2)),
      arrow::field("l", arrow::list(arrow::int32())),
      arrow::field("s", arrow::struct_({arrow::field("x", arrow::int32()), arrow::field("y z", arrow::utf8())})),
      arrow::field("blob", arrow::binary()),
      arrow::field("large", arrow::large_utf8()),
  });
  const IngestTarget target{.name = {.catalog = {}, .schema = {}, .table = "types"}, .create = true};
  const auto count = service_->ingest(
      caller(), target,
      *rows_of(schema, R"([[true, -8, 18446744073709551615, 1.5, 1, 2, 3, 4, "12.34", [1, null], [5, "q"], "00ff", "w"],
                           [null, null, null, null, null, null, null, null, null, null, null, null, null]])"));
  ASSERT_EQ(count, 2) << count.error().message;
  EXPECT_EQ(query("SELECT string_agg(data_type, '|' ORDER BY column_index) FROM duckdb_columns() WHERE table_name = "
                  "'types'"),
            "BOOLEAN|TINYINT|UBIGINT|FLOAT|DATE|TIME|TIMESTAMP_NS|TIMESTAMP WITH TIME ZONE|DECIMAL(10,2)|INTEGER[]|"
            "STRUCT(x INTEGER, \"y z\" VARCHAR)|BLOB|VARCHAR");
  EXPECT_EQ(query("SELECT u64::VARCHAR, dec::VARCHAR, l::VARCHAR, s::VARCHAR, large FROM types LIMIT 1"),
            "18446744073709551615,12.34,[1, NULL],{'x': 5, 'y z': q},w");
  EXPECT_EQ(sql_type(*arrow::decimal256(50, 2)).error().code, ErrorCode::kUnsupported);
}

TEST_F(StatementServiceTest, RefusesWhatIsTooLong) {
  start({.open_statements = 2, .share_of_key = 1, .statement_bytes = 100});
  EXPECT_EQ(service_->plan(caller(), "SELECT '" + std::string(100, 'x') + "'", {}).error().code,
            ErrorCode::kResourceExhausted);
  ASSERT_TRUE(service_->plan(caller(), "SELECT 1", {}));
  ASSERT_TRUE(service_->plan(caller(), "SELECT 1", {}));
  EXPECT_EQ(service_->plan(caller(), "SELECT 1", {}).error().code, ErrorCode::kUnavailable);
}

TEST_F(StatementServiceTest, CancelsWhatRunsAndWhatWaits) {
  const auto waiting = service_->plan(caller(), "SELECT 1", {});
  ASSERT_TRUE(waiting);
  EXPECT_EQ(service_->cancel(caller(), waiting->handle), false);
  EXPECT_EQ(service_->fetch(caller(), waiting->handle).error().code, ErrorCode::kNotFound);

  const auto running = service_->plan(caller(), "SELECT count(*) FROM range(1000000000000) a, range(1000000) b", {});
  ASSERT_TRUE(running) << running.error().message;
  std::thread reading([&] {
    const auto rows = service_->fetch(caller(), running->handle);
    if (!rows) {  // kNotFound: it was cancelled before it began
      EXPECT_TRUE(rows.error().code == ErrorCode::kCancelled || rows.error().code == ErrorCode::kNotFound)
          << rows.error().message;
      return;
    }
    const auto table = (*rows)->ToTable();
    EXPECT_FALSE(table.ok());
  });
  for (bool ran = false; !ran; std::this_thread::sleep_for(1ms)) {
    const auto cancelled = service_->cancel(caller(), running->handle);
    if (!cancelled) break;  // it came before the reader, who then finds nothing
    ran = *cancelled;
  }
  reading.join();
}

// Each execution is typed by the value that it has.
TEST_F(StatementServiceTest, RunsWithParametersThatChangeTheTypesOfColumns) {
  const auto numbers = arrow::schema({arrow::field("1", arrow::int64())});
  const auto run = [&](std::string_view sql, const std::shared_ptr<arrow::Schema>& schema, const char* json) {
    const auto prepared = service_->prepare(caller(), sql, {});
    EXPECT_TRUE(prepared) << prepared.error().message;
    EXPECT_TRUE(service_->set_parameters(caller(), prepared->handle, *rows_of(schema, json)));
    return text(service_->fetch(caller(), prepared->handle));
  };
  EXPECT_EQ(run("SELECT ? AS x", numbers, "[[1], [null]]"), "1;null");
  EXPECT_EQ(run("SELECT coalesce(?, 7) AS x", numbers, "[[1099511627776], [null], [5]]"), "1099511627776;7;5");
  const auto wide = run("SELECT coalesce(?, 7) AS x FROM range(2000)", numbers, "[[1099511627776], [null]]");
  std::string expected;
  for (int i = 0; i < 4000; ++i) expected += std::string(i == 0 ? "" : ";") + (i < 2000 ? "1099511627776" : "7");
  EXPECT_EQ(wide, expected);
  // What the first row's type does not hold is refused.
  EXPECT_THAT(
      run("SELECT coalesce(?, 7) AS x", numbers, "[[null], [1099511627776]]"),
      testing::StartsWith("error: the column 'x' is int32 for one row of the parameters and int64 for another"));
  EXPECT_EQ(run("SELECT coalesce(?, 7) AS x", numbers, "[[null], [70]]"), "7;70");
  const auto texts = arrow::schema({arrow::field("1", arrow::utf8())});
  EXPECT_EQ(run("SELECT ? AS x", texts, R"([["a"], [null], ["b"]])"), "a;null;b");
  EXPECT_THAT(run("SELECT ? AS x", texts, R"([[null], ["12"]])"), testing::StartsWith("error: the column 'x' is "));
}

TEST_F(StatementServiceTest, TakesDictionariesAsParameters) {
  const auto type = arrow::dictionary(arrow::int32(), arrow::utf8());
  const auto schema = arrow::schema({arrow::field("1", type)});
  const auto codes = arrow::json::ArrayFromJSONString(arrow::int32(), "[1, 0, null, 1]").ValueOrDie();
  const auto words =
      arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["a first word of some length", "second"])").ValueOrDie();
  const auto column = arrow::DictionaryArray::FromArrays(type, codes, words).ValueOrDie();
  const auto reader = [&](const std::shared_ptr<arrow::Schema>& fields, const std::shared_ptr<arrow::Array>& array) {
    return arrow::RecordBatchReader::Make({arrow::RecordBatch::Make(fields, array->length(), {array})}, fields)
        .ValueOrDie();
  };
  const auto prepared = service_->prepare(caller(), "SELECT ?::VARCHAR AS x", {});
  ASSERT_TRUE(prepared);
  ASSERT_TRUE(service_->set_parameters(caller(), prepared->handle, *reader(schema, column)));
  EXPECT_EQ(text(service_->fetch(caller(), prepared->handle)), "second;a first word of some length;null;second");
  // Within a list they are refused.
  const auto lists =
      arrow::ListArray::FromArrays(*arrow::json::ArrayFromJSONString(arrow::int32(), "[0, 2, 4]").ValueOrDie(), *column)
          .ValueOrDie();
  ASSERT_TRUE(service_->set_parameters(caller(), prepared->handle,
                                       *reader(arrow::schema({arrow::field("1", lists->type())}), lists)));
  EXPECT_EQ(service_->fetch(caller(), prepared->handle).error().code, ErrorCode::kUnsupported);
}

TEST_F(StatementServiceTest, SaysThatACommitKeepsNothing) {
  change("CREATE TABLE t(a INTEGER)");
  const auto begun = service_->begin(caller());
  change("INSERT INTO t VALUES (1)", *begun);
  EXPECT_FALSE(service_->update(caller(), "INSERT INTO t VALUES ('x')", *begun));
  EXPECT_EQ(service_->end(caller(), *begun, true).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(query("SELECT count(*) FROM t"), "0");
}

TEST_F(StatementServiceTest, KeepsNoPartOfAnUploadInATransaction) {
  change("CREATE TABLE t(n INTEGER)");
  IngestTarget target{.name = {.catalog = {}, .schema = {}, .table = "t"}};
  const auto words =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::utf8())}), 1,
                               {arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["no number"])").ValueOrDie()});
  // Enough for some to be in the table before the last one is refused.
  arrow::RecordBatchVector batches;
  const auto number = arrow::json::ArrayFromJSONString(arrow::utf8(), R"(["7"])").ValueOrDie();
  const auto sevens = arrow::MakeArrayFromScalar(**number->GetScalar(0), 300'000).ValueOrDie();
  batches.push_back(arrow::RecordBatch::Make(words->schema(), sevens->length(), {sevens}));
  batches.push_back(words);
  const auto upload = [&] { return arrow::RecordBatchReader::Make(batches, words->schema()).ValueOrDie(); };

  auto begun = service_->begin(caller());
  target.transaction = *begun;
  const auto failed = service_->ingest(caller(), target, *upload());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message,
            "the value 'no number' of the column 'n' cannot be converted from VARCHAR to the table's INTEGER");
  EXPECT_FALSE(service_->end(caller(), *begun, true));
  EXPECT_EQ(query("SELECT count(*) FROM t"), "0");

  // In a session's transaction, and after a COMMIT of it that has failed.
  change("CREATE TABLE u(a INTEGER PRIMARY KEY)");
  const auto session = service_->open_session(caller());
  const auto in_session = [&] { return caller("root", Scope::kAdmin, *session); };
  ASSERT_TRUE(service_->update(in_session(), "BEGIN", {}));
  ASSERT_TRUE(service_->update(in_session(), "INSERT INTO u VALUES (1)", {}));
  change("INSERT INTO u VALUES (1)");
  EXPECT_FALSE(service_->update(in_session(), "COMMIT", {}));
  target.transaction.clear();
  EXPECT_FALSE(service_->ingest(in_session(), target, *upload()));
  EXPECT_EQ(query("SELECT count(*) FROM t"), "0");

  // A prepared change is as much one piece.
  begun = service_->begin(caller());
  const auto prepared = service_->prepare(caller(), "INSERT INTO t VALUES (?::VARCHAR::INTEGER)", *begun);
  batches.front() = batches.front()->Slice(0, 3);
  EXPECT_FALSE(service_->update_for_each(caller(), prepared->handle, *upload()));
  EXPECT_FALSE(service_->end(caller(), *begun, true));
  EXPECT_EQ(query("SELECT count(*) FROM t"), "0");
}

TEST_F(StatementServiceTest, ConvertsLargeBatchesOfAnUpload) {
  for (const char* type : {"INTEGER", "BIGINT", "DOUBLE", "VARCHAR"}) {
    change(std::string("CREATE OR REPLACE TABLE t(n ") + type + ")");
    const auto rows = arrow::RecordBatchReader::Make({numbers(0, 10'000)}).ValueOrDie();
    const auto count = service_->ingest(caller(), {.name = {.catalog = {}, .schema = {}, .table = "t"}}, *rows);
    ASSERT_EQ(count, 10'000) << type << ": " << count.error().message;
    EXPECT_EQ(query("SELECT sum(n::BIGINT)::BIGINT FROM t"), "49995000");
  }
  change("CREATE OR REPLACE TABLE t(n INTEGER)");
  const auto failed =
      service_->ingest(caller(), {.name = {.catalog = {}, .schema = {}, .table = "t"}},
                       *arrow::RecordBatchReader::Make({numbers((1LL << 31) - 5000, 10'000)}).ValueOrDie());
  EXPECT_EQ(failed.error().message,
            "the value '2147483648' of the column 'n' cannot be converted from BIGINT to the table's INTEGER");
}

TEST_F(StatementServiceTest, RunsNothingOfATransactionThatHasEnded) {
  change("CREATE TABLE t(a INTEGER)");
  for (const bool commit : {false, true}) {
    const auto begun = service_->begin(caller());
    const auto prepared = service_->prepare(caller(), "INSERT INTO t VALUES (1)", *begun);
    ASSERT_TRUE(prepared);
    EXPECT_TRUE(service_->end(caller(), *begun, commit));
    EXPECT_EQ(service_->fetch(caller(), prepared->handle).error().code, ErrorCode::kNotFound);
  }
  EXPECT_EQ(query("SELECT count(*) FROM t"), "0");
}

TEST_F(StatementServiceTest, ForgetsTheHandlesOfAKeyThatHasChanged) {
  const auto keys = [](std::string_view line) { return *ApiKeys::parse(line, "keys"); };
  const auto who = [&](const ApiKeys& all, std::string_view key) {
    auto made = caller();
    made.identity = *all.identify(key);
    return made;
  };
  const auto admin = keys("admin boss 0123456789abcdef");
  const auto reading = keys("inference boss 0123456789abcdef");
  const auto other = keys("admin boss fedcba9876543210");
  change("CREATE TABLE t(a INTEGER)");
  const auto prepared = service_->prepare(who(admin, "0123456789abcdef"), "INSERT INTO t VALUES (1)", {});
  const auto begun = service_->begin(who(admin, "0123456789abcdef"));
  const auto session = service_->open_session(who(admin, "0123456789abcdef"));
  ASSERT_TRUE(prepared && begun && session);
  for (auto* changed : {&reading, &other}) {
    const auto key = changed == &reading ? "0123456789abcdef" : "fedcba9876543210";
    EXPECT_EQ(service_->fetch(who(*changed, key), prepared->handle).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(service_->update(who(*changed, key), "INSERT INTO t VALUES (1)", *begun).error().code,
              ErrorCode::kNotFound);
    auto in_session = who(*changed, key);
    in_session.session = *session;
    EXPECT_EQ(service_->update(in_session, "INSERT INTO t VALUES (1)", {}).error().code, ErrorCode::kNotFound);
  }
  // As it was before the keys were read again, it goes on.
  EXPECT_TRUE(service_->fetch(who(keys("admin boss 0123456789abcdef"), "0123456789abcdef"), prepared->handle));
}

TEST_F(StatementServiceTest, HoldsSoMuchAndNoMore) {
  start({.share_of_key = 2, .held_bytes = 3000});
  const auto prepare = [&](const char* key, std::size_t length) {
    return service_->prepare(caller(key), "SELECT ? || '" + std::string(length, 'x') + "'", {});
  };
  const auto first = prepare("ann", 1000);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(prepare("ann", 1000).error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(prepare("bob", 1000));
  const auto parameter = [&](std::size_t length) {
    const std::string json = R"([[")" + std::string(length, 'y') + R"("]])";
    return service_->set_parameters(caller("ann"), first->handle,
                                    *rows_of(arrow::schema({arrow::field("1", arrow::utf8())}), json.c_str()));
  };
  EXPECT_TRUE(parameter(100));
  EXPECT_EQ(parameter(1000).error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(service_->close(caller("ann"), first->handle));
  EXPECT_TRUE(prepare("ann", 1000));
}

TEST_F(StatementServiceTest, BoundsWhatWorksAtOnce) {
  FakeCounts counts;
  const FakeScript script{.pieces = {numbers(0, 10), numbers(10, 10)}, .delay = 1ms};
  StatementService service([&](Scope) { return make_fake_session(script, counts); },
                           {.queries = {.running = 3, .waiting = 8}});
  std::atomic<int> served = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 32; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const auto planned = service.plan(caller(), "SELECT 1", {});
        const auto rows = planned ? service.fetch(caller(), planned->handle)
                                  : Result<std::shared_ptr<arrow::RecordBatchReader>>(std::unexpected(planned.error()));
        if (rows) {
          EXPECT_EQ((*rows)->ToTable().ValueOrDie()->num_rows(), 20);
          ++served;
        } else {
          EXPECT_EQ(rows.error().code, ErrorCode::kUnavailable) << rows.error().message;
          ++refused;
        }
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(served + refused, 640);
  EXPECT_GT(served, 0);
  EXPECT_LE(counts.most_working, 3);
  service.expire(std::chrono::steady_clock::now() + 1h);
  EXPECT_EQ(counts.alive, 0);
}

}  // namespace
}  // namespace hyprstream

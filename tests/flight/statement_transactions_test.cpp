// Transactions and uploads: all or nothing.
#include <arrow/array.h>
#include <arrow/array/util.h>

#include "fake_session.hpp"
#include "statement_service_fixture.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

class StatementTransactions : public StatementServiceTest {};

TEST_F(StatementTransactions, KeepsTransactionsApart) {
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

TEST_F(StatementTransactions, RollsBackATransactionThatWasForgotten) {
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

TEST_F(StatementTransactions, IngestsAllRowsOrNone) {
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

TEST_F(StatementTransactions, IngestsIntoTransactionsAndTemporaryTables) {
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

TEST_F(StatementTransactions, MakesTablesOfAllTypesThatArrowAndDuckDBShare) {
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

TEST_F(StatementTransactions, SaysThatACommitKeepsNothing) {
  change("CREATE TABLE t(a INTEGER)");
  const auto begun = service_->begin(caller());
  change("INSERT INTO t VALUES (1)", *begun);
  EXPECT_FALSE(service_->update(caller(), "INSERT INTO t VALUES ('x')", *begun));
  EXPECT_EQ(service_->end(caller(), *begun, true).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(query("SELECT count(*) FROM t"), "0");
}

TEST_F(StatementTransactions, KeepsNoPartOfAnUploadInATransaction) {
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

TEST_F(StatementTransactions, ConvertsLargeBatchesOfAnUpload) {
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

TEST_F(StatementTransactions, RunsNothingOfATransactionThatHasEnded) {
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

}  // namespace
}  // namespace hyprstream

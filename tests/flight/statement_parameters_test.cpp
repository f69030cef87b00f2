// A statement that runs for each row of its parameters.
#include <arrow/array.h>
#include <gmock/gmock.h>

#include "statement_service_fixture.hpp"

namespace hyprstream {
namespace {

class StatementParameters : public StatementServiceTest {};

TEST_F(StatementParameters, RunsAPreparedQueryForEachRowOfParameters) {
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

TEST_F(StatementParameters, ChangesForEveryRowOrForNone) {
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

// Each execution is typed by the value that it has.
TEST_F(StatementParameters, RunsWithParametersThatChangeTheTypesOfColumns) {
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

TEST_F(StatementParameters, TakesDictionariesAsParameters) {
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

}  // namespace
}  // namespace hyprstream

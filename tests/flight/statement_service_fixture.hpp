// A service with a database in memory, for its tests.
#pragma once

#include <arrow/json/from_string.h>
#include <arrow/scalar.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "catalog/database.hpp"
#include "flight/statement_service.hpp"

namespace hyprstream {
inline std::shared_ptr<arrow::RecordBatchReader> rows_of(const std::shared_ptr<arrow::Schema>& schema,
                                                         const char* json) {
  const auto array = arrow::json::ArrayFromJSONString(arrow::struct_(schema->fields()), json).ValueOrDie();
  return arrow::RecordBatchReader::Make({arrow::RecordBatch::FromStructArray(array).ValueOrDie()}, schema).ValueOrDie();
}

inline const auto kPair = arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())});

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

}  // namespace hyprstream

// Results of servers that nobody vouches for, written as files.
#include "catalog/duckdb_formatter.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "catalog/arrow_schema.hpp"
#include "rows.hpp"

namespace hyprstream {
namespace {

// A result without rows, whose schema says whatever it wants.
class EmptyStream final : public ResultStream {
 public:
  explicit EmptyStream(const ArrowFieldSpec& spec) : schema_(build_arrow_schema(spec)) {}
  const ArrowSchema& schema() const noexcept override { return *schema_; }
  Result<ArrowArrayHandle> next() override { return ArrowArrayHandle(); }
  std::int64_t rows_changed() const noexcept override { return 0; }

 private:
  ArrowSchemaHandle schema_;
};

class FormatterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(allowed_);
    database_ = must(Database::open({.threads = 1, .locked_down = true, .directories = {allowed_}}));
    formatter_ = must(make_duckdb_formatter(*database_));
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("formatter_test-" + std::to_string(::getpid()));
  std::filesystem::path allowed_ = root_ / "allowed";
  std::shared_ptr<Database> database_;
  std::unique_ptr<TextFormatter> formatter_;
};

TEST_F(FormatterTest, NamesOfTypesAreNeverSql) {
  const auto planted = (allowed_ / "planted.txt").string();
  const auto file = (allowed_ / "result.parquet").string();
  ArrowFieldSpec column{.format = "i", .name = "c"};
  column.metadata[std::string(kTypeNameKey)] = "INTEGER) FROM hyprstream_result()) TO '" + file +
                                               "'; COPY (SELECT 'planted') TO '" + planted +
                                               "' (FORMAT csv); COPY (SELECT (1";
  EmptyStream stream({.format = "+s", .flags = 0, .children = {column}});
  EXPECT_EQ(must(formatter_->write_parquet(stream, file)), 0);
  EXPECT_FALSE(std::filesystem::exists(planted));
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(FormatterTest, ColumnsWithoutRowsKeepTheirTypes) {
  const auto file = (allowed_ / "result.parquet").string();
  EmptyStream stream({.format = "+s",
                      .flags = 0,
                      .children = {{.format = "l", .name = "n"},
                                   {.format = "u", .name = "a \"name\""},
                                   {.format = "d:10,2", .name = "price"},
                                   {.format = "+l", .name = "list", .children = {{.format = "g", .name = "item"}}},
                                   {.format = "tsu:UTC", .name = "time"}}});
  EXPECT_EQ(must(formatter_->write_parquet(stream, file)), 0);
  const auto session = must(database_->connect());
  EXPECT_EQ(must(query(*session, "SELECT column_name, column_type FROM (DESCRIBE FROM '" + file + "')")),
            (Rows{{"n", "BIGINT"},
                  {"a \"name\"", "VARCHAR"},
                  {"price", "DECIMAL(10,2)"},
                  {"list", "DOUBLE[]"},
                  {"time", "TIMESTAMP WITH TIME ZONE"}}));
}

TEST_F(FormatterTest, WritesNowhereElse) {
  EmptyStream stream({.format = "+s", .flags = 0, .children = {{.format = "l", .name = "n"}}});
  EXPECT_FALSE(formatter_->write_parquet(stream, (root_ / "outside.parquet").string()));
  EXPECT_FALSE(std::filesystem::exists(root_ / "outside.parquet"));
}

}  // namespace
}  // namespace hyprstream

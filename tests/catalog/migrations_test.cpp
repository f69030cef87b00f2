// Files of older and newer versions, and damaged ones.
#include "catalog/migrations.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "rows.hpp"

namespace hyprstream {
namespace {

using ::testing::HasSubstr;

class MigrationsTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove(path_); }
  void TearDown() override { std::filesystem::remove(path_); }

  Result<void> migrate(std::span<const std::string_view> migrations) {
    HYPRSTREAM_ASSIGN(const auto database, Database::open({.path = path_}));
    HYPRSTREAM_ASSIGN(const auto connection, database->connection({}));
    return migrate_tables(*connection, migrations);
  }
  Rows rows(std::string_view sql) {
    const auto database = must(Database::open({.path = path_}));
    return must(query(*must(database->connect()), sql));
  }

  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() /
      (std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + ".duckdb");
};

constexpr std::array<std::string_view, 3> kSteps{
    "CREATE TABLE things (a INTEGER); INSERT INTO things VALUES (1), (2)",
    "ALTER TABLE things ADD COLUMN b INTEGER; UPDATE things SET b = a * 10",
    "CREATE TABLE more AS SELECT sum(b) AS total FROM things"};

TEST_F(MigrationsTest, AnOlderFileGoesThroughWhatItLacks) {
  must(migrate(std::span(kSteps).first(1)));
  EXPECT_EQ(rows("FROM hyprstream_version"), (Rows{{"1"}}));
  must(migrate(kSteps));
  EXPECT_EQ(rows("FROM hyprstream_version"), (Rows{{"3"}}));
  EXPECT_EQ(rows("FROM things ORDER BY a"), (Rows{{"1", "10"}, {"2", "20"}}));
  EXPECT_EQ(rows("SELECT total::BIGINT FROM more"), (Rows{{"30"}}));
  must(migrate(kSteps));  // and no step twice
  EXPECT_EQ(rows("SELECT count(*) FROM things"), (Rows{{"2"}}));
}

TEST_F(MigrationsTest, AStepThatFailsLeavesTheVersionBefore) {
  std::array<std::string_view, 2> broken{kSteps[0], "ALTER TABLE things ADD COLUMN b INTEGER; SELECT * FROM nothing"};
  EXPECT_FALSE(migrate(broken));
  EXPECT_EQ(rows("FROM hyprstream_version"), (Rows{{"1"}}));
  EXPECT_EQ(rows("FROM things ORDER BY a"), (Rows{{"1"}, {"2"}}));
  must(migrate(kSteps));
  EXPECT_EQ(rows("FROM hyprstream_version"), (Rows{{"3"}}));
}

TEST_F(MigrationsTest, ANewerFileIsRefused) {
  must(migrate(kSteps));
  const auto refused = migrate(std::span(kSteps).first(2));
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("update hyprstream"));
  EXPECT_EQ(rows("FROM hyprstream_version"), (Rows{{"3"}}));
}

TEST_F(MigrationsTest, TheTablesOfToday) {
  must(Database::open({.path = path_, .own_tables = true}));
  must(Database::open({.path = path_, .own_tables = true}));
  EXPECT_EQ(rows("SELECT count(*) FROM generations"), (Rows{{"0"}}));
}

TEST_F(MigrationsTest, DamagedAndStrangeFilesAreNamed) {
  const auto code = [this] { return Database::open({.path = path_, .own_tables = true}).error(); };
  std::ofstream(path_)
      << "this is no database, but a text of some length, longer than the header of a database would be";
  EXPECT_EQ(code().code, ErrorCode::kCorrupt);
  EXPECT_THAT(code().message, HasSubstr(path_.string()));
  // Cut short, and with a header that says it is newer.
  std::filesystem::remove(path_);
  {
    must(change(*must(must(Database::open({.path = path_}))->connect()),
                "CREATE TABLE t AS SELECT range AS i FROM range(100000)"));
  }
  const auto size = std::filesystem::file_size(path_);
  std::filesystem::resize_file(path_, size / 2);
  if (const auto database = Database::open({.path = path_})) {
    const auto session = must((*database)->connect());
    EXPECT_FALSE(query(*session, "SELECT sum(i) FROM t"));
  }
  std::filesystem::remove(path_);
  {
    must(Database::open({.path = path_}));
  }
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(12);  // behind the checksum and the magic bytes: the version of the format
    const std::uint64_t version = 9999;
    file.write(reinterpret_cast<const char*>(&version), sizeof version);
  }
  EXPECT_TRUE(code().code == ErrorCode::kUnsupported || code().code == ErrorCode::kCorrupt) << code().message;
  EXPECT_EQ(Database::open({.path = "/nowhere/x.duckdb"}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace hyprstream

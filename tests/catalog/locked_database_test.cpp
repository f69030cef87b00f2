// What statements of others may not do to the machine that they run on.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "catalog/database.hpp"
#include "rows.hpp"

namespace hyprstream {
namespace {

class LockedDatabase : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(allowed_);
    std::ofstream(root_ / "secret.csv") << "a\n1\n";
    std::ofstream(allowed_ / "open.csv") << "a\n1\n2\n";
    std::filesystem::create_symlink(root_ / "secret.csv", allowed_ / "link.csv");
    std::filesystem::create_symlink(root_, allowed_ / "up");
    database_ = must(Database::open({.path = root_ / "x.duckdb",
                                     .memory_bytes = 200'000'000,
                                     .threads = 1,
                                     .locked_down = true,
                                     .directories = {allowed_}}));
    session_ = must(database_->connect());
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void expect_refused(const std::string& sql) {
    const auto result = query(*session_, sql);
    ASSERT_FALSE(result) << sql;
    // Whatever the reason is, it is not that the file is missing or of another format.
    EXPECT_TRUE(result.error().code == ErrorCode::kPermissionDenied ||
                result.error().code == ErrorCode::kInvalidArgument || result.error().code == ErrorCode::kUnsupported)
        << sql << ": " << result.error().message;
  }

  std::filesystem::path root_ =
      std::filesystem::temp_directory_path() /
      ("locked-" + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
  std::filesystem::path allowed_ = root_ / "allowed";
  std::shared_ptr<Database> database_;
  std::unique_ptr<Session> session_;
};

TEST_F(LockedDatabase, FilesOfTheAllowedDirectoriesCanBeRead) {
  EXPECT_EQ(must(query(*session_, "SELECT sum(a) FROM '" + (allowed_ / "open.csv").string() + "'")), (Rows{{"3"}}));
  EXPECT_EQ(must(query(*session_, "SELECT sum(a) FROM '" + (allowed_ / "op*.csv").string() + "'")), (Rows{{"3"}}));
  EXPECT_EQ(must(query(*session_, "SELECT count(*) FROM glob('" + (allowed_ / "open*").string() + "')")),
            (Rows{{"1"}}));
  EXPECT_EQ(must(change(*session_, "CREATE TABLE t AS SELECT 1 AS i")), 1);
  EXPECT_EQ(must(change(*session_, "COPY t TO '" + (allowed_ / "out.csv").string() + "'")), 1);
  EXPECT_EQ(must(change(*session_, "COPY t TO '" + (allowed_ / "out.csv").string() + "' (USE_TMP_FILE true)")), 1);
  EXPECT_EQ(must(change(*session_, "COPY t TO '" + (allowed_ / "parts").string() +
                                       "' (PARTITION_BY (i), WRITE_PARTITION_COLUMNS true)")),
            1);
  EXPECT_TRUE(std::filesystem::exists(allowed_ / "parts" / "i=1"));
  EXPECT_TRUE(std::filesystem::exists(allowed_ / "out.csv"));
}

TEST_F(LockedDatabase, OtherFilesCannot) {
  ASSERT_TRUE(change(*session_, "CREATE TABLE t (a INTEGER)"));
  const auto secret = (root_ / "secret.csv").string();
  for (const std::string& path : std::vector<std::string>{
           secret, std::string("/etc/passwd"), std::string("/proc/self/environ"),
           (allowed_ / ".." / "secret.csv").string(), (allowed_ / "link.csv").string(),
           (allowed_ / "up" / "secret.csv").string(), "file://" + secret, std::string("/etc/pass*")}) {
    expect_refused("SELECT * FROM read_csv('" + path + "')");
    expect_refused("SELECT * FROM read_text('" + path + "')");
    expect_refused("SELECT * FROM read_blob('" + path + "')");
    expect_refused("SELECT * FROM read_json('" + path + "')");
    expect_refused("SELECT * FROM read_parquet('" + path + "')");
    expect_refused("SELECT * FROM sniff_csv('" + path + "')");
    expect_refused("COPY t FROM '" + path + "'");
  }
  expect_refused("SELECT * FROM glob('/etc/*')");
  expect_refused("SELECT * FROM glob('" + (root_ / "*").string() + "')");
  expect_refused("COPY t TO '" + (root_ / "out.csv").string() + "'");
  expect_refused("COPY t TO '" + (allowed_ / "up" / "out.csv").string() + "'");
  EXPECT_FALSE(std::filesystem::exists(root_ / "out.csv"));
  // A name that is no table is a file only where files may be read.
  EXPECT_FALSE(query(*session_, "SELECT * FROM '/etc/passwd'"));
  EXPECT_FALSE(query(*session_, "SELECT getenv('HOME')"));
}

TEST_F(LockedDatabase, TheDatabasesOwnFilesCannot) {
  ASSERT_TRUE(change(*session_, "CREATE TABLE t AS SELECT 1 AS a"));
  ASSERT_TRUE(query(*session_, "CHECKPOINT"));
  ASSERT_TRUE(change(*session_, "INSERT INTO t VALUES (2)"));
  std::filesystem::create_directories(root_ / "x.duckdb.tmp");
  std::filesystem::create_symlink(root_, allowed_ / "around");
  const auto reader = must(database_->connect({.permission = SqlPermission::kRead}));
  for (const auto& way : {root_, root_ / "." / "allowed" / "..", allowed_ / "around"}) {
    for (const auto* name : {"x.duckdb", "x.duckdb.wal", "x.duckdb.wal.recovery", "x.duckdb.wal.checkpoint",
                             "x.duckdb.tmp/spilled", "x.duckdb.tmp"}) {
      const auto path = (way / name).string();
      for (const auto& prefix : {"", "file://"}) {
        const auto file = "'" + (prefix + path) + "'";
        for (const std::string& read : {"FROM read_blob(" + file + ")", "FROM read_text([" + file + "])",
                                        "FROM read_csv(" + file + ")", "FROM sniff_csv(" + file + ")"}) {
          if (std::filesystem::is_regular_file(path)) {
            expect_refused(read);
            EXPECT_EQ(query(*reader, read).error().code, ErrorCode::kPermissionDenied) << read;
          }
        }
        for (const char* options : {"", " (USE_TMP_FILE false)", " (USE_TMP_FILE true)", " (FORMAT parquet)"})
          EXPECT_FALSE(change(*session_, "COPY t TO " + file + options)) << file << options;
        EXPECT_FALSE(change(*session_, "COPY t TO " + file + " (PARTITION_BY (a), OVERWRITE true)"));
      }
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(root_ / "x.duckdb.tmp"));
  // The database itself goes on with them, beyond its memory too.
  ASSERT_TRUE(change(*session_, "CREATE TABLE u AS SELECT * FROM range(100000)"));
  ASSERT_TRUE(query(*session_, "CHECKPOINT"));
  EXPECT_EQ(must(query(*session_,
                       "SELECT count(*) FROM (SELECT i, i || repeat('x', 60) FROM range(5000000) t(i) "
                       "ORDER BY hash(i))")),
            (Rows{{"5000000"}}));
  EXPECT_TRUE(std::filesystem::exists(root_ / "x.duckdb.tmp"));
  session_.reset();
  database_.reset();
  database_ = must(Database::open({.path = root_ / "x.duckdb", .threads = 1, .locked_down = true}));
  session_ = must(database_->connect());
  EXPECT_EQ(must(query(*session_, "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)")),
            (Rows{{"2", "100000"}}));
}

TEST_F(LockedDatabase, NothingCanBeLoadedAttachedOrChanged) {
  for (const std::string& sql : std::vector<std::string>{"ATTACH ':memory:' AS m",
                                                         "INSTALL httpfs",
                                                         "LOAD httpfs",
                                                         "LOAD json",
                                                         "UPDATE EXTENSIONS",
                                                         "SET threads = 4",
                                                         "SET memory_limit = '100GB'",
                                                         "RESET memory_limit",
                                                         "SET enable_external_access = true",
                                                         "SET lock_configuration = false",
                                                         "SET allowed_directories = ['/']",
                                                         "SET GLOBAL allowed_paths = ['/etc/passwd']",
                                                         "PRAGMA threads = 4",
                                                         "SET temp_directory = '/tmp/x'",
                                                         "SET max_execution_time = 0",
                                                         "CALL enable_logging()",
                                                         "SET log_query_path = '/tmp/x'",
                                                         "SET errors_as_json = false",
                                                         "CREATE PERSISTENT SECRET s (TYPE http)",
                                                         "PRAGMA enable_profiling",
                                                         "SET profile_output = '/tmp/x'"})
    expect_refused(sql);
  expect_refused("ATTACH '" + (allowed_ / "new.duckdb").string() + "' AS m");
  expect_refused("EXPORT DATABASE '" + (allowed_ / "export").string() + "'");
  EXPECT_FALSE(std::filesystem::exists(allowed_ / "new.duckdb"));
}

TEST_F(LockedDatabase, ATransactionMayWriteWhilePreparing) {
  ASSERT_TRUE(change(*session_, "CREATE SEQUENCE s"));
  ASSERT_TRUE(session_->begin());
  EXPECT_TRUE(query(*session_, "FROM range(nextval('s'))"));
  EXPECT_TRUE(session_->commit());
  ASSERT_TRUE(change(*session_, "BEGIN"));
  EXPECT_TRUE(query(*session_, "FROM range(nextval('s'))"));
  EXPECT_TRUE(change(*session_, "COMMIT"));
  EXPECT_EQ(must(query(*session_, "SELECT 1")), (Rows{{"1"}}));
}

TEST_F(LockedDatabase, MemoryHasALimit) {
  const auto result = query(*session_, "SELECT list(i || 'some text that takes room') FROM range(100000000) t(i)");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted) << result.error().message;
  EXPECT_EQ(must(query(*session_, "SELECT 1")), (Rows{{"1"}}));
}

}  // namespace
}  // namespace hyprstream

// Tables that are made when they are read.
#include <gtest/gtest.h>

#include "catalog/database.hpp"
#include "rows.hpp"

namespace hyprstream {
namespace {

using std::chrono::system_clock;

TEST(VirtualTableTest, IsReadAnewByEachStatement) {
  int readings = 0;
  const VirtualTable numbers{.name = "numbers",
                             .columns = {{"n", CellType::kInteger},
                                         {"square", CellType::kReal},
                                         {"name", CellType::kText},
                                         {"even", CellType::kBoolean},
                                         {"time", CellType::kTime},
                                         {"words", CellType::kTexts}},
                             .read = [&] {
                               ++readings;
                               CellRows rows;
                               for (std::int64_t i = 0; i < 5000 + readings; ++i) {
                                 Cell name;
                                 if (i % 3 != 0) name = "number " + std::to_string(i);
                                 rows.push_back({i, static_cast<double>(i) * 0.5, name, i % 2 == 0,
                                                 system_clock::time_point(std::chrono::seconds(i)),
                                                 std::vector<std::string>(static_cast<std::size_t>(i % 4), "word")});
                               }
                               return Result<CellRows>(std::move(rows));
                             }};
  const auto database = must(Database::open({.threads = 2, .tables = {numbers}}));
  const auto session = must(database->connect());
  const auto statement =
      must(session->prepare("SELECT count(*), sum(n), sum(square), count(name), count(*) FILTER (even), "
                            "epoch(max(time))::BIGINT, sum(len(words)) FROM numbers"));
  EXPECT_EQ(readings, 0);  // not for preparing
  EXPECT_EQ(
      must(read_all(*must(statement->execute()))),
      must(query(*session,
                 "SELECT count(*), sum(i), sum(i / 2), count(*) FILTER (i % 3 != 0), count(*) FILTER (i % 2 = 0), "
                 "max(i), sum(i % 4) FROM range(5001) r(i)")));
  EXPECT_EQ(must(query(*session, "SELECT count(*) FROM numbers")), (Rows{{"5002"}}));
  EXPECT_EQ(must(query(*session, "SELECT name, words[3] FROM numbers WHERE n = 7")), (Rows{{"number 7", "word"}}));
}

TEST(VirtualTableTest, AnErrorIsTheStatements) {
  const VirtualTable broken{.name = "broken", .columns = {{"x"}}, .read = [] -> Result<CellRows> {
                              return fail(ErrorCode::kIo, "the folder cannot be read");
                            }};
  const auto database = must(Database::open({.threads = 1, .tables = {broken}}));
  EXPECT_EQ(query(*must(database->connect()), "FROM broken").error().message, "the folder cannot be read");
}

}  // namespace
}  // namespace hyprstream

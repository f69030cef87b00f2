#include "sql_shell/result_table.hpp"

#include <gtest/gtest.h>

#include "base/utf8.hpp"

namespace hyprstream {
namespace {

const std::vector<TextColumn> kColumns{{"id", "BIGINT", true}, {"name", "VARCHAR", false}};

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find('\n', begin);
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

TEST(BoxTable, LooksLikeDuckDBs) {
  BoxTable table(kColumns, 0);
  const std::vector<TextRow> rows{{"1", "a"}, {"23", std::nullopt}, {"456", "日本\n"}};
  table.add(rows);
  EXPECT_EQ(table.render(),
            "┌───────┬──────────┐\n"
            "│  id   │   name   │\n"
            "│ int64 │ varchar  │\n"
            "├───────┼──────────┤\n"
            "│     1 │ a        │\n"
            "│    23 │ NULL     │\n"
            "│   456 │ 日本\\x0a │\n"
            "└───────┴──────────┘\n");
}

TEST(BoxTable, NoRowsAreCounted) {
  EXPECT_EQ(BoxTable(kColumns, 0).render(),
            "┌───────┬─────────┐\n"
            "│  id   │  name   │\n"
            "│ int64 │ varchar │\n"
            "├───────┴─────────┤\n"
            "│ 0 rows          │\n"
            "└─────────────────┘\n");
}

TEST(BoxTable, OfManyRowsTheFirstAndTheLastAreShown) {
  BoxTable table(kColumns, 0);
  std::vector<TextRow> rows;
  for (int i = 0; i < 5000; ++i) {
    rows.push_back({std::to_string(i), "name"});
    if (rows.size() == 7 || i == 4999) {
      table.add(rows);
      rows.clear();
    }
  }
  const auto text = table.render();
  const auto drawn = lines(text);
  ASSERT_EQ(drawn.size(), 4u + 20 + 3 + 20 + 3);
  EXPECT_EQ(drawn[4], "│     0 │ name          │");
  EXPECT_EQ(drawn[23], "│    19 │ name          │");
  EXPECT_EQ(drawn[24], "│     · │ ·             │");
  EXPECT_EQ(drawn[27], "│  4980 │ name          │");
  EXPECT_EQ(drawn[46], "│  4999 │ name          │");
  EXPECT_NE(text.find("5,000 rows (40 shown)"), std::string::npos);
}

TEST(BoxTable, FitsIntoTheTerminal) {
  for (const std::size_t columns : {2u, 5u, 40u, 1000u}) {
    std::vector<TextColumn> wide;
    TextRow row;
    for (std::size_t i = 0; i < columns; ++i) {
      wide.push_back({"column " + std::to_string(i), "VARCHAR", false});
      row.emplace_back(std::string(i == 1 ? 1'000'000 : 30, 'x'));
    }
    for (const std::size_t width : {40u, 80u, 200u}) {
      BoxTable table(wide, width);
      table.add(std::vector<TextRow>{row});
      for (const auto& line : lines(table.render())) ASSERT_LE(display_width(line), width) << columns << ": " << line;
    }
  }
}

TEST(MarkdownTable, EscapesWhatWouldEndACell) {
  MarkdownTable table(kColumns);
  EXPECT_EQ(table.add(std::vector<TextRow>{{"1", "a|b"}}),
            "| id  | name |\n"
            "| --: | ---- |\n"
            "|   1 | a\\|b |\n");
  EXPECT_EQ(table.add({}), "");
}

TEST(ShortTypeName, AsDuckDBsBox) {
  EXPECT_EQ(short_type_name("BIGINT"), "int64");
  EXPECT_EQ(short_type_name("INTEGER[3][]"), "int32[3][]");
  EXPECT_EQ(short_type_name("DECIMAL(10,2)"), "decimal(10,2)");
}

}  // namespace
}  // namespace hyprstream

#include "sql_shell/sql_statements.hpp"

#include <gtest/gtest.h>

#include <string>

namespace hyprstream {
namespace {

std::vector<std::string> texts(std::string_view sql) {
  std::vector<std::string> out;
  for (const auto& piece : split_sql(sql)) {
    EXPECT_EQ(piece.text.data(), sql.data() + piece.offset);
    out.emplace_back(piece.text);
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(SplitSql, AtSemicolonsOutsideOfTexts) {
  EXPECT_EQ(texts("SELECT 1; SELECT 2"), (Texts{"SELECT 1", "SELECT 2"}));
  EXPECT_EQ(texts(" ;; SELECT 1 ;\n; "), (Texts{"SELECT 1"}));
  EXPECT_EQ(texts(""), Texts{});
  EXPECT_EQ(texts("SELECT 'a;b', \"c;d\", 'it''s;'; x"), (Texts{"SELECT 'a;b', \"c;d\", 'it''s;'", "x"}));
  EXPECT_EQ(texts("SELECT 'a\\'; x"), (Texts{"SELECT 'a\\'", "x"}));
  EXPECT_EQ(texts("SELECT e'a\\';b'; x"), (Texts{"SELECT e'a\\';b'", "x"}));
  EXPECT_EQ(texts("SELECT name'a\\'; x"), (Texts{"SELECT name'a\\'", "x"}));
  EXPECT_EQ(texts("SELECT $$a;b$$, $t$c;$$;$t$; x"), (Texts{"SELECT $$a;b$$, $t$c;$$;$t$", "x"}));
  EXPECT_EQ(texts("SELECT $1; SELECT $2"), (Texts{"SELECT $1", "SELECT $2"}));
  EXPECT_EQ(texts("SELECT a$b$; SELECT c$b$"), (Texts{"SELECT a$b$", "SELECT c$b$"}));
}

TEST(SplitSql, CommentsAreNoStatements) {
  EXPECT_EQ(texts("-- one;\nSELECT 1 -- two;\n; /* three; /* four; */ ; */ x"), (Texts{"SELECT 1", "x"}));
  EXPECT_EQ(texts("/* nothing ;"), Texts{});
  EXPECT_EQ(texts("SELECT 4 /* ; */ - -2"), (Texts{"SELECT 4 /* ; */ - -2"}));
}

TEST(SplitSql, WhatNeverEndsIsOneStatement) {
  for (const auto* sql : {"SELECT 'a;", "SELECT \"a;", "SELECT $$a;", "SELECT $t$ ; $$", "SELECT e'\\';"})
    EXPECT_EQ(texts(sql), (Texts{sql})) << sql;
}

TEST(UnfinishedSql, WaitsForTheSemicolon) {
  for (const auto* sql : {"SELECT 1", "SELECT ';", "SELECT 1; SELECT 2", "SELECT 1 -- ;"})
    EXPECT_TRUE(is_unfinished_sql(sql)) << sql;
  for (const auto* sql : {"", "  ", "SELECT 1;", "SELECT 1; -- done", "-- nothing"})
    EXPECT_FALSE(is_unfinished_sql(sql)) << sql;
}

}  // namespace
}  // namespace hyprstream

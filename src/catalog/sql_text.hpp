// Names and values as they stand in SQL.
#pragma once

#include <string>
#include <string_view>

namespace hyprstream {

// 'it''s'
std::string sql_string(std::string_view value);
// "a ""name"""
std::string sql_identifier(std::string_view name);

}  // namespace hyprstream

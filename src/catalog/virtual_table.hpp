// Tables that are made when they are read: what hyprstream knows from elsewhere than the database.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace hyprstream {

enum class CellType : std::uint8_t { kBoolean, kInteger, kReal, kText, kTime, kTexts };

// Of the column's type, or nothing for NULL. kTexts is a list.
using Cell = std::variant<std::monostate, bool, std::int64_t, double, std::string,
                          std::chrono::system_clock::time_point, std::vector<std::string>>;
using CellRows = std::vector<std::vector<Cell>>;

struct VirtualColumn {
  std::string name;
  CellType type = CellType::kText;
};

struct VirtualTable {
  std::string name;  // of the view
  std::vector<VirtualColumn> columns;
  // All rows as they are now. Thread-safe; must not throw.
  std::function<Result<CellRows>()> read;
};

}  // namespace hyprstream

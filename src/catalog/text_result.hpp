// Results as text, as a person reads them or a program takes them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

struct TextColumn {
  std::string name;
  std::string type;     // DuckDB's name of it
  bool number = false;  // set to the right in tables
};

using TextRow = std::vector<std::optional<std::string>>;  // nothing: NULL

// A stream's rows as text. Not thread-safe.
class TextRows {
 public:
  virtual ~TextRows() = default;
  virtual std::span<const TextColumn> columns() const noexcept = 0;
  // The next rows, valid until the call after; none at the end. Errors: the stream's.
  virtual Result<std::span<const TextRow>> next() = 0;
};

// Makes text of results, whatever session they come from. One at a time, which the stream and this must outlive. Not
// thread-safe.
class TextFormatter {
 public:
  virtual ~TextFormatter() = default;
  // As DuckDB casts values to VARCHAR.
  virtual Result<std::unique_ptr<TextRows>> as_text(ResultStream& stream) = 0;
  // One column: each row as a JSON object.
  virtual Result<std::unique_ptr<TextRows>> as_json(ResultStream& stream) = 0;
  // Writes a Parquet file of all rows, over what is at `path`; their number.
  virtual Result<std::int64_t> write_parquet(ResultStream& stream, const std::string& path) = 0;
  // The same in Arrow's file format.
  virtual Result<std::int64_t> write_arrow(ResultStream& stream, const std::string& path) = 0;
};

}  // namespace hyprstream

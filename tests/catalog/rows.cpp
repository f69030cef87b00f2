#include "rows.hpp"

#include <cstdio>

namespace hyprstream {
namespace {

bool is_null(const ArrowArray& array, std::int64_t row) {
  if (array.n_buffers == 0) return true;
  const auto* bits = static_cast<const std::uint8_t*>(array.buffers[0]);
  return bits != nullptr && ((bits[row / 8] >> (row % 8)) & 1) == 0;
}

template <typename T>
T element(const ArrowArray& array, std::int64_t row) {
  return static_cast<const T*>(array.buffers[1])[row];
}

std::string text_at(std::string_view format, const ArrowArray& array, std::int64_t row) {
  row += array.offset;
  if (format == "n" || is_null(array, row)) return "NULL";
  char text[64];
  if (format == "l") return std::to_string(element<std::int64_t>(array, row));
  if (format == "i") return std::to_string(element<std::int32_t>(array, row));
  // A sum is a HUGEINT, which is a decimal of 16 bytes here.
  if (format == "d:38,0") return std::to_string(element<std::int64_t>(array, 2 * row));
  if (format == "b") return (element<std::uint8_t>(array, row / 8) >> (row % 8)) & 1 ? "true" : "false";
  if (format == "g" || format == "f") {
    const double value = format == "g" ? element<double>(array, row) : element<float>(array, row);
    std::snprintf(text, sizeof text, "%.17g", value);
    return text;
  }
  if (format == "u") {
    const auto begin = element<std::int32_t>(array, row);
    const auto end = element<std::int32_t>(array, row + 1);
    return {static_cast<const char*>(array.buffers[2]) + begin, static_cast<std::size_t>(end - begin)};
  }
  return "?";
}

}  // namespace

void add_rows(const ArrowSchema& schema, const ArrowArray& batch, Rows& rows) {
  for (std::int64_t row = 0; row < batch.length; ++row) {
    auto& values = rows.emplace_back();
    for (std::int64_t i = 0; i < batch.n_children; ++i)
      values.push_back(text_at(schema.children[i]->format, *batch.children[i], row));
  }
}

Result<Rows> read_all(ResultStream& stream) {
  Rows rows;
  while (true) {
    HYPRSTREAM_ASSIGN(const auto batch, stream.next());
    if (!batch) return rows;
    add_rows(stream.schema(), *batch, rows);
  }
}

Result<Rows> query(Session& session, std::string_view sql) {
  HYPRSTREAM_ASSIGN(const auto statement, session.prepare(sql));
  HYPRSTREAM_ASSIGN(const auto stream, statement->execute());
  return read_all(*stream);
}

Result<std::int64_t> change(Session& session, std::string_view sql) {
  HYPRSTREAM_ASSIGN(const auto statement, session.prepare(sql));
  HYPRSTREAM_ASSIGN(const auto stream, statement->execute());
  HYPRSTREAM_TRY(read_all(*stream));
  return stream->rows_changed();
}

}  // namespace hyprstream

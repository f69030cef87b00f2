// Results as plain values, read from Arrow's buffers by hand.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "catalog/database.hpp"

namespace hyprstream {

// Each value as text: integers, floating point (%.17g), booleans, text; "NULL". Other types are "?".
using Rows = std::vector<std::vector<std::string>>;

// The value; fails the test with the error's sentence.
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

void add_rows(const ArrowSchema& schema, const ArrowArray& batch, Rows& rows);

// Everything that the stream gives.
Result<Rows> read_all(ResultStream& stream);

// Prepares, runs and reads.
Result<Rows> query(Session& session, std::string_view sql);

// Prepares and runs; the number of rows that changed.
Result<std::int64_t> change(Session& session, std::string_view sql);

}  // namespace hyprstream

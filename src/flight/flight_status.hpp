// The one place where our errors become Flight's statuses, and the other way round.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include "base/error.hpp"

namespace hyprstream {

arrow::Status to_flight_status(const Error& error);
// For a caller without a valid key (gRPC's UNAUTHENTICATED), which no ErrorCode tells from one who may not.
arrow::Status unauthenticated(std::string message);

// The message alone, without what gRPC adds about the connection.
Error from_flight_status(const arrow::Status& status);

template <typename T>
arrow::Result<T> to_flight(Result<T> result) {
  if (!result) return to_flight_status(result.error());
  return std::move(*result);
}
inline arrow::Status to_flight(const Result<void>& result) {
  return result ? arrow::Status::OK() : to_flight_status(result.error());
}

template <typename T>
Result<T> from_flight(arrow::Result<T> result) {
  if (!result.ok()) return std::unexpected(from_flight_status(result.status()));
  return std::move(result).ValueUnsafe();
}
inline Result<void> from_flight(const arrow::Status& status) {
  if (!status.ok()) return std::unexpected(from_flight_status(status));
  return {};
}

}  // namespace hyprstream

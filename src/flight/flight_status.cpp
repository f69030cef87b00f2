#include "flight/flight_status.hpp"

#include <arrow/flight/types.h>

#include <utility>

namespace hyprstream {
namespace {

namespace fl = arrow::flight;

ErrorCode error_code(const arrow::Status& status) {
  if (const auto detail = fl::FlightStatusDetail::UnwrapStatus(status)) {
    switch (detail->code()) {
      case fl::FlightStatusCode::TimedOut:
      case fl::FlightStatusCode::Unavailable: return ErrorCode::kUnavailable;
      case fl::FlightStatusCode::Cancelled: return ErrorCode::kCancelled;
      case fl::FlightStatusCode::Unauthenticated:
      case fl::FlightStatusCode::Unauthorized: return ErrorCode::kPermissionDenied;
      case fl::FlightStatusCode::Internal:
      case fl::FlightStatusCode::Failed: break;
    }
  }
  switch (status.code()) {
    case arrow::StatusCode::Invalid:
    case arrow::StatusCode::TypeError: return ErrorCode::kInvalidArgument;
    case arrow::StatusCode::KeyError: return ErrorCode::kNotFound;
    case arrow::StatusCode::AlreadyExists: return ErrorCode::kAlreadyExists;
    case arrow::StatusCode::SerializationError: return ErrorCode::kCorrupt;
    case arrow::StatusCode::NotImplemented: return ErrorCode::kUnsupported;
    case arrow::StatusCode::OutOfMemory:
    case arrow::StatusCode::CapacityError: return ErrorCode::kResourceExhausted;
    case arrow::StatusCode::Cancelled: return ErrorCode::kCancelled;
    case arrow::StatusCode::IOError: return ErrorCode::kIo;
    default: return ErrorCode::kInternal;
  }
}

}  // namespace

arrow::Status to_flight_status(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument: return arrow::Status::Invalid(error.message);
    case ErrorCode::kNotFound: return arrow::Status::KeyError(error.message);
    case ErrorCode::kAlreadyExists: return arrow::Status::AlreadyExists(error.message);
    case ErrorCode::kPermissionDenied: return fl::MakeFlightError(fl::FlightStatusCode::Unauthorized, error.message);
    case ErrorCode::kCorrupt: return arrow::Status::SerializationError(error.message);
    case ErrorCode::kUnsupported: return arrow::Status::NotImplemented(error.message);
    case ErrorCode::kResourceExhausted: return arrow::Status::CapacityError(error.message);
    case ErrorCode::kCancelled: return fl::MakeFlightError(fl::FlightStatusCode::Cancelled, error.message);
    case ErrorCode::kUnavailable: return fl::MakeFlightError(fl::FlightStatusCode::Unavailable, error.message);
    case ErrorCode::kIo: return arrow::Status::IOError(error.message);
    case ErrorCode::kInternal: break;
  }
  return fl::MakeFlightError(fl::FlightStatusCode::Internal, error.message);
}

arrow::Status unauthenticated(std::string message) {
  return fl::MakeFlightError(fl::FlightStatusCode::Unauthenticated, std::move(message));
}

Error from_flight_status(const arrow::Status& status) {
  std::string message = status.message();
  // Arrow's client adds what the connection was, for those who debug one.
  for (const char* addition : {". gRPC client debug context:", ". Client context:"})
    if (const auto at = message.find(addition); at != std::string::npos) message.resize(at);
  return {.code = error_code(status), .message = std::move(message)};
}

}  // namespace hyprstream

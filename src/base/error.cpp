#include "base/error.hpp"

#include <cerrno>
#include <system_error>

namespace hyprstream {

ErrorCode error_code_from_errno(int errno_value) noexcept {
  switch (errno_value) {
    case ENOENT:
    case ENOTDIR: return ErrorCode::kNotFound;
    case EEXIST: return ErrorCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE: return ErrorCode::kResourceExhausted;
    default: return ErrorCode::kIo;
  }
}

std::unexpected<Error> fail_errno(std::string_view what, int errno_value) {
  std::string message(what);
  message += ": ";
  message += std::generic_category().message(errno_value);
  return fail(error_code_from_errno(errno_value), std::move(message));
}

}  // namespace hyprstream

// Where the server's sessions come from.
#pragma once

#include <functional>
#include <memory>

#include "access/identity.hpp"
#include "base/error.hpp"
#include "catalog/session.hpp"

namespace hyprstream {

// A new session that may do what this scope may. Called on any thread.
using SessionSource = std::function<Result<std::unique_ptr<Session>>(Scope)>;

}  // namespace hyprstream

#include "access/identity.hpp"

namespace hyprstream {

std::string_view scope_name(Scope scope) noexcept {
  switch (scope) {
    case Scope::kPublic: return "public";
    case Scope::kInference: return "inference";
    case Scope::kAdmin: return "admin";
  }
  return "unknown";
}

}  // namespace hyprstream

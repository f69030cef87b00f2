// Who asks, and what they may do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hyprstream {

// Scopes in rising order: who may administer may also infer.
enum class Scope : std::uint8_t {
  kPublic,     // no key needed: /health
  kInference,  // generate, embed, list
  kAdmin,      // change adapters, files; train; write through SQL
};

std::string_view scope_name(Scope scope) noexcept;

struct Identity {
  std::string key_id;  // a name for logs and metrics, never the key; "" if no keys are configured
  Scope scope = Scope::kAdmin;
  // Of the key and what it may do: other once either has changed, whatever its name is. "" if no keys are configured.
  std::string fingerprint = {};
};

}  // namespace hyprstream

// What a repository has to offer, for `model info` of a model that is not on this disk.
#pragma once

#include <span>
#include <string>

#include "hub/gguf_choice.hpp"
#include "hub/hub_settings.hpp"
#include "hub/reference.hpp"

namespace hyprstream {

// A table of the GGUFs that the repository has, and which one would be pulled. `chosen`: that one.
std::string render_repository(const HubReference& reference, std::span<const RepositoryFile> files,
                              const GgufVariant& chosen, bool on_this_disk);
// The same as one JSON object.
std::string render_repository_json(const HubReference& reference, std::span<const RepositoryFile> files,
                                   const GgufVariant& chosen, bool on_this_disk);

}  // namespace hyprstream

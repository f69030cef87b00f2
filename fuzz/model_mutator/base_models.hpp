// Small models that load as they are: what mutations start from.
#pragma once

#include <vector>

#include "model_mutator/model_draft.hpp"

namespace hyprstream {

// One per combination of an architecture and a kind of tokenizer worth having. Empty if they
// cannot be made (no room for a temporary file).
std::vector<ModelDraft> make_base_models();

}  // namespace hyprstream

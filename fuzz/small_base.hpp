// The model that the adapters of fuzzers and unit tests are for.
#pragma once

#include <string>
#include <utility>

#include "adapter/base_model.hpp"

namespace hyprstream::testing_support {

// A model of two layers that exists nowhere: hidden 8, 2 query heads and 1 key head of 4, feed-forward 12.
inline BaseModel small_base(std::string architecture = "qwen3") {
  BaseModel base{.name = "small",
                 .architecture = std::move(architecture),
                 .header_sha256 = std::string(64, 'a'),
                 .heads = 2,
                 .kv_heads = 1,
                 .linears = {},
                 .other_weights = {}};
  for (int layer = 0; layer < 2; ++layer) {
    base.linears.push_back({{layer, LinearModule::kQ}, 8, 8});
    base.linears.push_back({{layer, LinearModule::kK}, 8, 4});
    base.linears.push_back({{layer, LinearModule::kV}, 8, 4});
    base.linears.push_back({{layer, LinearModule::kO}, 8, 8});
    base.linears.push_back({{layer, LinearModule::kGate}, 8, 12});
    base.linears.push_back({{layer, LinearModule::kUp}, 8, 12});
    base.linears.push_back({{layer, LinearModule::kDown}, 12, 8});
  }
  return base;
}

}  // namespace hyprstream::testing_support

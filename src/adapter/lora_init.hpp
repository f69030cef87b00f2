// Making a new adapter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/lora_adapter.hpp"

namespace hyprstream {

enum class LoraInit : std::uint8_t {
  kGaussian,  // A and B normal with standard deviation 0.02: its effect is visible at once
  kStandard,  // A Kaiming-uniform (a = sqrt(5), as PEFT), B zero: changes nothing until it is trained
};

struct LoraSpec {
  std::string name;      // empty: default_adapter_name()
  std::size_t rank = 8;  // 1 to kMaxRank
  double alpha = 16;     // finite, above 0
  std::vector<LinearModule> target_modules = {LinearModule::kQ, LinearModule::kV};
  LoraInit init = LoraInit::kGaussian;
  std::uint64_t seed = 0;
  std::string device = "cpu";  // nothing else is there yet
};

// Dense; the same for the same seed, base and spec on every machine, but for its id.
// Errors: kInvalidArgument (a field out of range), kUnsupported (device; a module that the model has not),
// kResourceExhausted (the dense weights would not fit in memory).
Result<LoraAdapter> make_lora_adapter(const BaseModel& base, const LoraSpec& spec);

}  // namespace hyprstream

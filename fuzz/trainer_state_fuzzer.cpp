// Any bytes as the state of a training run. With an even first byte the rest gets the digest that it should have, so
// that what lies behind it is reached.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>

#include "adapter/lora_init.hpp"
#include "base/sha256.hpp"
#include "small_base.hpp"
#include "training/trainer_state.hpp"

namespace {

using namespace hyprstream;

TrainableAdapter new_adapter() {
  const auto base = testing_support::small_base();
  auto start = make_lora_adapter(base, {.name = "fuzzed",
                                        .rank = 2,
                                        .alpha = 4,
                                        .target_modules = {LinearModule::kQ, LinearModule::kDown},
                                        .init = LoraInit::kGaussian,
                                        .seed = 1});
  if (!start) std::abort();
  auto adapter = TrainableAdapter::create(*start);
  if (!adapter) std::abort();
  return std::move(*adapter);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string state(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] % 2 == 0) state += *sha256_hex(std::as_bytes(std::span(state)));
  const LoraTrainingOptions options;
  auto adapter = new_adapter();
  const auto before = write_trainer_state(options, adapter, 3);
  const auto steps = read_trainer_state(state, options, adapter);
  if (!steps) {
    if (*write_trainer_state(options, adapter, 3) != *before) std::abort();
    return 0;
  }
  for (const float value : adapter.values())
    if (!std::isfinite(value)) std::abort();
  // What was read is what is written.
  if (*write_trainer_state(options, adapter, *steps) != state) std::abort();
  return 0;
}

// The seed: a state as it is written.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed);
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  if (size > 1 && seed % 16 != 0) return LLVMFuzzerMutate(data, size, most);
  const auto state = *write_trainer_state(LoraTrainingOptions{}, new_adapter(), seed % 100);
  const std::size_t length = std::min(most, state.size() - 64 + 1);
  if (length == 0) return 0;
  data[0] = 0;
  std::copy_n(state.begin(), length - 1, data + 1);
  return length;
}

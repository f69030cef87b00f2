// Sampler on llama.cpp's sampler chain. Internal to runtime.
#pragma once

#include <llama.h>

#include <memory>

#include "base/error.hpp"
#include "runtime/sampling.hpp"

namespace hyprstream {

// `params` must be valid. `context_length` is what penalty_last_n = -1 looks back on.
// Errors: kInvalidArgument (a biased token is not in the vocabulary; the grammar does not parse).
Result<std::unique_ptr<Sampler>> make_llama_sampler(const llama_vocab* vocab, const SamplingParams& params,
                                                    int context_length);

// The first index of the largest value, NaNs ignored; -1 if there is none above -infinity.
Token argmax(std::span<const float> logits) noexcept;

}  // namespace hyprstream

// What a client asks of the inference service, and what it gets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapter_engine/adapter_list.hpp"
#include "runtime/generation.hpp"
#include "runtime/logprobs.hpp"
#include "runtime/sampling.hpp"
#include "runtime/sequence.hpp"

namespace hyprstream {

// An adapter in memory, in the version that a request began with. Immutable; copies share the weights.
struct ServedAdapter {
  std::string name;
  int version = 0;
  std::shared_ptr<const LoraAdapter> weights;
};

struct RequestAdapter {
  ServedAdapter adapter;
  float scale = 1;
};

struct ServingRequest {
  std::vector<Token> prompt;             // at least one, fewer than the context holds
  std::vector<RequestAdapter> adapters;  // their deltas add up; empty: the base model
  int max_tokens = 128;                  // of each choice, >= 1; the context's end also stops
  SamplingParams sampling;               // with a seed, choice i uses seed + i
  std::vector<std::string> stop;         // non-empty strings that end the text and are not part of it
  bool ignore_end_of_generation = false;
  int choices = 1;                  // texts for this one prompt, 1 to InferenceOptions::max_choices
  std::optional<int> top_logprobs;  // set: a TokenScore per token, with this many alternatives, 0 to 20
  bool reuse_prefix = true;         // whether a cached prefix may be used, and left behind
  std::string cache_salt;           // only requests with the same salt share cached prefixes
  std::string client;               // whose request it is, for fairness and the log: a key's id, or ""
  std::string label;                // what metrics call its adapters: "" for the base model
};

struct EmbeddingRequest {
  std::vector<Token> tokens;  // at least one, no more than the context holds
  std::vector<RequestAdapter> adapters;
  std::string client;
  std::string label;
};

// A text to be read, not gone on with: how likely each token is after those before it.
struct ScoringRequest {
  std::vector<Token> tokens;  // at least two, no more than the context holds
  std::vector<RequestAdapter> adapters;
  std::string client;
  std::string label;
};

// What one request cost, so far.
struct RequestUsage {
  int prompt_tokens = 0;
  int cached_tokens = 0;           // of them, taken from the prefix cache
  int completion_tokens = 0;       // of all choices, the end-of-generation tokens included
  double queue_seconds = 0;        // from submit() to the first step that holds it
  double prompt_seconds = 0;       // from there to the first choice's first token
  double first_token_seconds = 0;  // from submit() to the first choice's first token
  double generation_seconds = 0;   // from the first token to the end of the last choice

  // Of requests that run beside each other: tokens add up, of the times the longest counts.
  RequestUsage& operator+=(const RequestUsage& other) noexcept;
};

}  // namespace hyprstream

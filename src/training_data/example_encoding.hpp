// From written examples to the tokens that a model is trained on.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "runtime/model_text.hpp"
#include "training/training_example.hpp"
#include "training_data/example_text.hpp"

namespace hyprstream {

struct EncodingOptions {
  // Only what the assistant says, up to and with the token that ends it, counts in the loss; else every token. Of
  // {"text"} every token always counts.
  bool mask_prompt = true;
  std::size_t max_tokens = 512;                 // of one example, at least 2
  bool truncate = false;                        // cut longer ones at the end instead of refusing them
  std::string_view remedy = "make it shorter";  // what the error of one that is too long advises
};

struct EncodedExamples {
  std::vector<TrainingExample> examples;
  std::size_t tokens = 0;
  std::size_t target_tokens = 0;  // that count in the loss
  std::size_t truncated = 0;      // examples
  // That were to be learned, and stand differently in the whole conversation than the model would write them.
  std::size_t unlearned_answers = 0;
};

// Called with the share done, 0 to 1; false ends it.
using EncodingProgress = std::function<bool(float)>;

// The conversation as the model's chat template writes it; what comes behind the last token that counts is left out.
// Prompt and completion stand behind each other as they are if the model has no template.
// Errors: kInvalidArgument, naming the line (longer than max_tokens; a conversation that the template refuses, or that
// a model without one cannot take; nothing left to learn after cutting); kCancelled.
Result<EncodedExamples> encode_examples(const ModelText& model, const ExampleFile& file, const EncodingOptions& options,
                                        const EncodingProgress& progress = {});

// SHA-256 of the tokens and of which of them count, in hex: whether two sets of examples train alike.
Result<std::string> digest_examples(std::span<const TrainingExample> examples);

// What a prompt looks like to the model before it answers. Errors: as encode_examples().
Result<std::vector<Token>> encode_prompt(const ModelText& model, const ExampleText& example);

}  // namespace hyprstream

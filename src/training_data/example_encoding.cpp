#include "training_data/example_encoding.hpp"

#include <algorithm>
#include <format>
#include <optional>
#include <utility>

#include "base/sha256.hpp"

namespace hyprstream {
namespace {

// A part of the text that the model is to learn, as offsets in bytes.
struct LearnedPart {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool ends_with_stop = false;  // it ends with the first token in it that ends an answer, and is none without one
};

struct WrittenExample {
  std::string text;
  std::vector<LearnedPart> parts;
  std::size_t unlearned_answers = 0;
};

// The whole conversation, and where in it the assistant's answers stand: from what the template writes before an
// answer to what it has written behind it. A template may write earlier answers differently once more follows (Qwen3
// writes its empty thoughts before the last one only): of those, what it writes between the same beginning and the
// token that ends an answer is learned, or nothing if even the beginning is another.
Result<WrittenExample> write_conversation(const ModelText& model, const ExampleText& example) {
  const std::span<const ChatMessage> messages = example.messages;
  const auto write = [&](std::size_t count, bool prompt) {
    return model.apply_chat_template(messages.first(count), {.add_generation_prompt = prompt, .tools = example.tools});
  };
  WrittenExample written;
  HYPRSTREAM_ASSIGN(written.text, write(messages.size(), false));
  for (std::size_t i = 1; i < messages.size(); ++i) {
    if (example.is_learned[i] == 0) continue;
    HYPRSTREAM_ASSIGN(const auto before, write(i, true));
    std::string through = written.text;
    if (i + 1 < messages.size()) {
      HYPRSTREAM_ASSIGN(through, write(i + 1, false));
    }
    if (before.size() < through.size() && through.starts_with(before) && written.text.starts_with(through))
      written.parts.push_back({.begin = before.size(), .end = through.size()});
    else if (before.size() < written.text.size() && written.text.starts_with(before))
      written.parts.push_back({.begin = before.size(), .end = written.text.size(), .ends_with_stop = true});
    else
      ++written.unlearned_answers;
  }
  if (written.parts.empty())
    return fail(ErrorCode::kInvalidArgument,
                "the model's chat template does not write this conversation so that the answer follows its prompt");
  return written;
}

std::size_t common_prefix(const std::vector<Token>& a, const std::vector<Token>& b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

Result<TrainingExample> encode_conversation(const ModelText& model, WrittenExample& written) {
  TrainingExample encoded;
  HYPRSTREAM_ASSIGN(encoded.tokens, tokenize_templated(model, written.text));
  encoded.is_target.resize(encoded.tokens.size());
  // The tokens of the beginning are those of the whole: a token that reaches over the border belongs to the answer.
  const auto tokens_before = [&](std::size_t bytes) -> Result<std::size_t> {
    if (bytes == written.text.size()) return encoded.tokens.size();
    HYPRSTREAM_ASSIGN(const auto beginning, tokenize_templated(model, std::string_view(written.text).substr(0, bytes)));
    return common_prefix(beginning, encoded.tokens);
  };
  for (const auto& part : written.parts) {
    HYPRSTREAM_ASSIGN(const auto begin, tokens_before(part.begin));
    HYPRSTREAM_ASSIGN(auto end, tokens_before(part.end));
    // The model writes nothing behind the token that ends its answer: the template's line break is not learned.
    const auto answer = std::span(encoded.tokens).subspan(begin, std::max(begin, end) - begin);
    const auto stop = std::ranges::find_if(answer, [&](Token token) { return model.is_end_of_generation(token); });
    if (stop != answer.end()) end = begin + static_cast<std::size_t>(stop - answer.begin()) + 1;
    if (stop == answer.end() && part.ends_with_stop) {
      ++written.unlearned_answers;
      continue;
    }
    for (std::size_t i = begin; i < end; ++i) encoded.is_target[i] = 1;
    const bool is_last = part.end == written.text.size();
    if (stop == answer.end() && is_last && model.end_token()) {
      encoded.tokens.push_back(*model.end_token());
      encoded.is_target.push_back(1);
    }
  }
  return encoded;
}

Result<std::vector<Token>> plain_prompt(const ModelText& model, const ExampleText& example) {
  return model.tokenize(example.messages[0].content, {.add_special = true, .parse_special = false});
}

// For models without a template.
Result<TrainingExample> encode_plain(const ModelText& model, const ExampleText& example) {
  HYPRSTREAM_ASSIGN(const auto prompt, plain_prompt(model, example));
  const std::string whole = example.messages[0].content + example.messages[1].content;
  TrainingExample encoded;
  HYPRSTREAM_ASSIGN(encoded.tokens, model.tokenize(whole, {.add_special = true, .parse_special = false}));
  encoded.is_target.assign(encoded.tokens.size(), 1);
  std::fill_n(encoded.is_target.begin(), common_prefix(prompt, encoded.tokens), std::uint8_t{0});
  return encoded;
}

void end_text(const ModelText& model, TrainingExample& encoded) {
  const auto end = model.end_token();
  if (!end || (!encoded.tokens.empty() && model.is_end_of_generation(encoded.tokens.back()))) return;
  encoded.tokens.push_back(*end);
  encoded.is_target.push_back(1);
}

Result<TrainingExample> encode(const ModelText& model, const ExampleText& example, std::size_t& unlearned) {
  if (example.kind == ExampleKind::kText) {
    TrainingExample encoded;
    HYPRSTREAM_ASSIGN(encoded.tokens, model.tokenize(example.text, {.add_special = true, .parse_special = true}));
    encoded.is_target.assign(encoded.tokens.size(), 1);
    end_text(model, encoded);
    return encoded;
  }
  auto written = write_conversation(model, example);
  if (written) {
    auto encoded = encode_conversation(model, *written);
    unlearned += written->unlearned_answers;
    return encoded;
  }
  if (written.error().code != ErrorCode::kUnsupported || example.kind != ExampleKind::kPromptCompletion)
    return std::unexpected(written.error());
  HYPRSTREAM_ASSIGN(auto encoded, encode_plain(model, example));
  end_text(model, encoded);
  return encoded;
}

// Nothing is predicted from what comes behind the last target; and the first token is predicted from nothing.
void trim(TrainingExample& example) {
  if (!example.is_target.empty()) example.is_target[0] = 0;
  const auto last = std::ranges::find_last(example.is_target, std::uint8_t{1});
  const auto used = last.empty() ? 0 : static_cast<std::size_t>(last.begin() - example.is_target.begin()) + 1;
  example.tokens.resize(used);
  example.is_target.resize(used);
}

Result<TrainingExample> prepare(const ModelText& model, const ExampleText& example, const EncodingOptions& options,
                                EncodedExamples& counts) {
  HYPRSTREAM_ASSIGN(auto encoded, encode(model, example, counts.unlearned_answers));
  if (!options.mask_prompt) std::ranges::fill(encoded.is_target, std::uint8_t{1});
  trim(encoded);
  if (encoded.tokens.size() > options.max_tokens) {
    if (!options.truncate)
      return fail(ErrorCode::kInvalidArgument, std::format("this example is {} tokens long, and {} are allowed: {}",
                                                           encoded.tokens.size(), options.max_tokens, options.remedy));
    encoded.tokens.resize(options.max_tokens);
    encoded.is_target.resize(options.max_tokens);
    trim(encoded);
    ++counts.truncated;
    if (encoded.tokens.empty())
      return fail(ErrorCode::kInvalidArgument,
                  std::format("the prompt alone is longer than the {} tokens allowed: nothing is left to learn",
                              options.max_tokens));
  }
  if (encoded.tokens.empty()) return fail(ErrorCode::kInvalidArgument, "there is nothing to predict in this example");
  return encoded;
}

}  // namespace

Result<EncodedExamples> encode_examples(const ModelText& model, const ExampleFile& file, const EncodingOptions& options,
                                        const EncodingProgress& progress) {
  EncodedExamples encoded;
  encoded.examples.reserve(file.examples.size());
  for (const auto& example : file.examples) {
    const float share = static_cast<float>(encoded.examples.size()) / static_cast<float>(file.examples.size());
    if (progress && !progress(share)) return fail(ErrorCode::kCancelled, "reading the examples was interrupted");
    HYPRSTREAM_ASSIGN(auto prepared, prepare(model, example, options, encoded).transform_error([&](Error e) {
      e.message = file.place(example) + ": " + e.message;
      return e;
    }));
    encoded.tokens += prepared.tokens.size();
    encoded.target_tokens += static_cast<std::size_t>(std::ranges::count(prepared.is_target, std::uint8_t{1}));
    encoded.examples.push_back(std::move(prepared));
  }
  return encoded;
}

Result<std::string> digest_examples(std::span<const TrainingExample> examples) {
  HYPRSTREAM_ASSIGN(auto hash, Sha256::create());
  for (const auto& example : examples) {
    const std::uint64_t length = example.tokens.size();
    hash.update(std::as_bytes(std::span(&length, 1)));
    hash.update(std::as_bytes(std::span(example.tokens)));
    hash.update(std::as_bytes(std::span(example.is_target)));
  }
  return hash.hex_digest();
}

Result<std::vector<Token>> encode_prompt(const ModelText& model, const ExampleText& example) {
  const auto answer = std::ranges::find_last(example.is_learned, std::uint8_t{1});
  if (answer.empty()) return fail(ErrorCode::kInvalidArgument, "the example has no prompt");
  const auto count = static_cast<std::size_t>(answer.begin() - example.is_learned.begin());
  auto prompt = tokenize_chat(model, std::span(example.messages).first(count),
                              {.add_generation_prompt = true, .tools = example.tools});
  if (!prompt && prompt.error().code == ErrorCode::kUnsupported && example.kind == ExampleKind::kPromptCompletion)
    return plain_prompt(model, example);
  return prompt;
}

}  // namespace hyprstream

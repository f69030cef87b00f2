// Examples as a user writes them: JSONL, one object a line.
//
// {"messages": [{"role", "content"}, ...]}, {"prompt", "completion"} or {"text"}, as OpenAI's, Hugging Face's TRL's and
// MLX's trainers take them; each line is of the kind that its fields say.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "runtime/chat.hpp"

namespace hyprstream {

enum class ExampleKind : std::uint8_t { kMessages, kPromptCompletion, kText };

struct ExampleText {
  ExampleKind kind = ExampleKind::kMessages;
  // For kPromptCompletion a user's message and the assistant's; empty for kText. There is one to learn from: of the
  // assistant, and not the first.
  std::vector<ChatMessage> messages;
  std::vector<std::uint8_t> is_learned;  // for each message: one of the assistant's without "weight": 0
  std::vector<ToolDefinition> tools;
  std::string text;      // of kText
  std::size_t line = 0;  // in the file, from 1
};

struct ExampleFile {
  std::string name;  // in messages: "train.jsonl"
  std::vector<ExampleText> examples;

  // "train.jsonl, line 3".
  std::string place(const ExampleText& example) const;
};

// Empty lines are passed over, and fields that nobody asks for. Errors: kCorrupt and kInvalidArgument, naming the file,
// the line and what is wrong: no examples, bad JSON or UTF-8, a field that is missing, empty or of another type.
Result<ExampleFile> parse_examples(std::string_view jsonl, std::string name);

// Errors: those of MappedFile::open() and parse_examples().
Result<ExampleFile> read_examples(const std::filesystem::path& path);

}  // namespace hyprstream

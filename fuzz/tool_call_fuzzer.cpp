// A model's text cut into pieces at any places must give the text and the calls that the whole gives.
//
// Input: { [length, 0-31] bytes } as pieces.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "structured_output/tool_calls.hpp"

namespace {

using hyprstream::ToolCallParser;

const std::vector<hyprstream::ToolDefinition> kTools = {{"add", "", ""}, {"f", "", ""}};

struct Heard {
  std::string text;
  std::vector<std::pair<std::string, std::string>> calls;

  void add(const ToolCallParser::Output& output) {
    text += output.text;
    for (const auto& call : output.calls) calls.emplace_back(call.name, call.arguments);
  }
  friend bool operator==(const Heard&, const Heard&) = default;
};

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  ToolCallParser in_pieces(kTools);
  Heard pieces;
  std::string text;
  while (!input.empty()) {
    const auto length = static_cast<std::uint8_t>(input[0]) % 32U;
    const auto piece = input.substr(1, length);
    input.remove_prefix(1 + piece.size());
    pieces.add(in_pieces.push(piece));
    text += piece;
  }
  pieces.add(in_pieces.finish());

  ToolCallParser at_once(kTools);
  Heard whole;
  whole.add(at_once.push(text));
  whole.add(at_once.finish());
  require(pieces == whole);
  // Nothing is invented, and without a call nothing is lost.
  require(whole.text.size() <= text.size());
  if (whole.calls.empty()) require(whole.text == text);
  return 0;
}

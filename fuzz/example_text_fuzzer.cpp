// The reader of training data: any bytes give examples or an error, and what it accepts keeps its promises.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.hpp"
#include "training_data/example_text.hpp"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyprstream;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto file = parse_examples(input, "fuzz");
  if (!file) {
    require(!file.error().message.empty() && !file.error().message.contains('\n'));
    return 0;
  }
  require(!file->examples.empty());
  std::size_t line = 0;
  for (const auto& example : file->examples) {
    require(example.line > line);
    line = example.line;
    if (example.kind == ExampleKind::kText) {
      require(!example.text.empty() && !find_invalid_utf8(example.text) && example.messages.empty());
      continue;
    }
    require(example.is_learned.size() == example.messages.size() && example.is_learned[0] == 0);
    require(std::ranges::contains(example.is_learned, 1));
    for (const auto& message : example.messages) require(!message.role.empty() && !find_invalid_utf8(message.content));
  }
  return 0;
}

// Any JSON as a schema: an error or a grammar, soon, within the limits, and one that llama.cpp takes.
//
// llama.cpp's parser needs no vocabulary for that, but every grammar that it refuses costs a line on stderr.
#include <llama.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json.hpp"
#include "structured_output/schema_grammar.hpp"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using hyprstream::ErrorCode;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto schema = hyprstream::parse_ordered_json(text, "the schema");
  if (!schema) return 0;
  const hyprstream::SchemaLimits limits;
  const auto grammar = hyprstream::schema_to_grammar(*schema, limits);
  if (!grammar) {
    const auto code = grammar.error().code;
    require(code == ErrorCode::kInvalidArgument || code == ErrorCode::kUnsupported ||
            code == ErrorCode::kResourceExhausted);
    require(!grammar.error().message.empty());
    return 0;
  }
  require(grammar->size() <= limits.max_grammar_bytes + 100);
  auto* const sampler = llama_sampler_init_grammar(nullptr, grammar->c_str(), "root");
  require(sampler != nullptr);
  llama_sampler_free(sampler);
  return 0;
}

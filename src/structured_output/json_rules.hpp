// GBNF rules for JSON itself (RFC 8259). Internal to structured_output.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "structured_output/gbnf_writer.hpp"

namespace hyprstream {

// Each function gives the name of a rule. Texts have at most one space between tokens, so that a model cannot go on
// with spaces forever, and numbers have at most 16 digits, so that every reader takes them.
// Errors: kResourceExhausted, as GbnfWriter's.
Result<std::string> space_rule(GbnfWriter& writer);
// A character in a string; escapes of surrogates come in pairs.
Result<std::string> character_rule(GbnfWriter& writer);
Result<std::string> string_rule(GbnfWriter& writer);
// In characters, not bytes. `most` unset: no upper end.
Result<std::string> string_rule(GbnfWriter& writer, std::size_t least, std::optional<std::size_t> most);
Result<std::string> integer_rule(GbnfWriter& writer);
Result<std::string> number_rule(GbnfWriter& writer);
Result<std::string> boolean_rule(GbnfWriter& writer);
Result<std::string> null_rule(GbnfWriter& writer);

// This one value, as a sequence and not as a rule. Errors also: kResourceExhausted (nested too deep).
Result<std::string> literal_body(GbnfWriter& writer, const nlohmann::ordered_json& value);
// A property's key with its colon, `"name": `, as a sequence.
Result<std::string> key_and_colon(GbnfWriter& writer, std::string_view key);

// Any object, any array, any value at all.
Result<std::string> any_object_rule(GbnfWriter& writer);
Result<std::string> any_array_rule(GbnfWriter& writer);
Result<std::string> any_value_rule(GbnfWriter& writer);

// `item`s with commas between them, from `least` to `most` (unset: no end), without the brackets: a sequence.
Result<std::string> list_of(GbnfWriter& writer, const std::string& item, std::size_t least,
                            std::optional<std::size_t> most);

}  // namespace hyprstream

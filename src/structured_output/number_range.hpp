// Numbers between bounds, digit by digit. Internal to structured_output.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "structured_output/gbnf_writer.hpp"

namespace hyprstream {

struct NumberBound {
  nlohmann::ordered_json value;  // a number
  bool inclusive = true;
};

struct NumberRange {
  std::optional<NumberBound> least;
  std::optional<NumberBound> most;
};

// The name of a rule whose texts are the integers of the range, without a fraction or an exponent: of up to 16 digits
// where a side is open, and never beyond 18.
// Errors: kInvalidArgument (there is none), kUnsupported (all lie beyond), kResourceExhausted.
Result<std::string> integer_range_rule(GbnfWriter& writer, const NumberRange& range);

// The same for decimal numbers of at most 15 digits, without an exponent: so many a double tells apart, so that what
// is above a bound as text is above it as a double.
// Errors: kInvalidArgument (there is none), kUnsupported (a bound of more digits), kResourceExhausted.
Result<std::string> decimal_range_rule(GbnfWriter& writer, const NumberRange& range);

}  // namespace hyprstream

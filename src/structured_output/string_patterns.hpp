// Strings after a regular expression or a format. Internal to structured_output.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "structured_output/gbnf_writer.hpp"

namespace hyprstream {

// The name of a rule for JSON strings that match a pattern of JSON Schema (ECMA-262's regular expressions; found
// anywhere in the string unless ^ and $ hold it). Taken: characters and their escapes, ".", classes, \d \w \s and
// their opposites, groups, |, * + ? {n} {n,} {n,m}, also lazy, and ^ and $ at the ends of the pattern or of what
// stands between its outermost |.
// Errors: kInvalidArgument (no regular expression), kUnsupported (another part of the language; a repetition of what
// may be empty), kResourceExhausted; each names the place in the pattern.
Result<std::string> pattern_rule(GbnfWriter& writer, std::string_view pattern);

// The same for a format of JSON Schema: date, time, date-time, duration, uuid, email, hostname, ipv4, ipv6, uri.
// docs/structured-output.md says which of its texts are generated.
// Errors: kUnsupported (another format).
Result<std::string> format_rule(GbnfWriter& writer, std::string_view format);

}  // namespace hyprstream

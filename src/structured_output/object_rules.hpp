// Objects whose properties are known. Internal to structured_output.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "structured_output/gbnf_writer.hpp"

namespace hyprstream {

struct PropertyRule {
  std::string key;
  std::string value;  // the name of a rule
  bool required = true;
};

struct ObjectRules {
  std::vector<PropertyRule> properties;  // in the order in which they are written
  // What further properties hold: the name of a rule. Unset: there are none.
  std::optional<std::string> others;
  std::optional<std::size_t> most_others;
  bool may_be_empty = true;  // if nothing is required
};

// The name of a rule for the objects. Its size grows with the number of properties, however many are optional.
// Errors: kResourceExhausted.
Result<std::string> object_rule(GbnfWriter& writer, std::string_view hint, const ObjectRules& object);

// The name of a rule for a key, quotes included, that is none of these. Such keys have no escapes.
Result<std::string> other_key_rule(GbnfWriter& writer, std::span<const PropertyRule> taken);

}  // namespace hyprstream

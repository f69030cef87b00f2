// Whether a value is what a schema asks for, said by walking the value: the other way around than the grammar.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace hyprstream::testing_support {

// Empty: it is. Else what is wrong, and where. Knows the keywords that the grammars honour, each after the words of
// JSON Schema's validation vocabulary (draft 2020-12), formats by checks of their own; fails the test at any other.
std::string why_invalid(const nlohmann::ordered_json& schema, const nlohmann::ordered_json& value);

}  // namespace hyprstream::testing_support

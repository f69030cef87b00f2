#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <format>

#include "base/json.hpp"
#include "structured_output/schema_grammar.hpp"

namespace hyprstream {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

struct Refusal {
  const char* schema;
  ErrorCode code;
  const char* words;
  const char* place;
};

TEST(SchemaErrors, NameTheKeywordAndThePlace) {
  constexpr auto kInvalid = ErrorCode::kInvalidArgument;
  constexpr auto kUnsupported = ErrorCode::kUnsupported;
  for (const auto& [schema, code, words, place] : std::initializer_list<Refusal>{
           {R"({"not":{"type":"null"}})", kUnsupported, "'not'", "'#'"},
           {R"({"type":"object","properties":{"a":{"type":"string","contentSize":3}}})", kUnsupported, "'contentSize'",
            "'#/properties/a'"},
           {R"({"type":"object","properties":{"a/b":{"if":{}}}})", kUnsupported, "'if'", "'#/properties/a~1b'"},
           {R"({"type":"array","items":{"uniqueItems":true}})", kUnsupported, "'uniqueItems'", "'#/items'"},
           {R"({"type":"object","patternProperties":{"^a":{}}})", kUnsupported, "'patternProperties'", "'#'"},
           {R"({"type":"object","propertyNames":{"maxLength":2}})", kUnsupported, "'propertyNames'", "'#'"},
           {R"({"type":"object","dependentRequired":{"a":["b"]}})", kUnsupported, "'dependentRequired'", "'#'"},
           {R"({"type":"array","contains":{}})", kUnsupported, "'contains'", "'#'"},
           {R"({"type":"integer","multipleOf":5})", kUnsupported, "'multipleOf'", "'#'"},
           {R"({"requird":["a"]})", kUnsupported, "'requird'", "'#'"},
           {R"({"anyOf":[{"$dynamicRef":"#x"}]})", kUnsupported, "'$dynamicRef'", "'#/anyOf/0'"},
           {R"({"items":{"$id":"https://x.org/y"}})", kUnsupported, "'$id'", "'#/items'"},
           {R"({"$ref":"https://x.org/y"})", kUnsupported, "leads out of the schema", "'#'"},
           {R"({"items":{"$ref":"#name"}})", kUnsupported, "an anchor", "'#/items'"},
           {R"({"$ref":"#/$defs/none"})", kInvalid, "leads to nothing", "'#'"},
           {R"({"$ref":"#/%zz"})", kInvalid, "no URI fragment", "'#'"},
           {R"({"$ref":5})", kInvalid, "'$ref' must be a string", "'#'"},
           {R"({"type":"strin"})", kInvalid, "'type' must be", "'#'"},
           {R"({"type":[]})", kInvalid, "'type' must be", "'#'"},
           {R"({"type":5})", kInvalid, "'type' must be", "'#'"},
           {R"({"properties":[]})", kInvalid, "'properties' must be an object", "'#'"},
           {R"({"required":"a"})", kInvalid, "'required' must be a list", "'#'"},
           {R"({"required":[1]})", kInvalid, "'required' must be a list of strings", "'#'"},
           {R"({"minItems":-1})", kInvalid, "'minItems' must be a whole number", "'#'"},
           {R"({"maxLength":1.5})", kInvalid, "'maxLength' must be a whole number", "'#'"},
           {R"({"minimum":"1"})", kInvalid, "'minimum' must be a number", "'#'"},
           {R"({"type":"number","exclusiveMinimum":true})", kInvalid, "'exclusiveMinimum' must be a number", "'#'"},
           {R"({"pattern":5})", kInvalid, "'pattern' must be a string", "'#'"},
           {R"({"properties":{"a":5}})", kInvalid, "a schema must be an object", "'#/properties/a'"},
           {R"({"items":false,"minItems":1})", kInvalid, "'minItems' asks for more", "'#'"},
           {R"({"minItems":3,"maxItems":2})", kInvalid, "'minItems' is more than 'maxItems'", "'#'"},
           {R"({"minLength":3,"maxLength":2})", kInvalid, "'minLength' is more than 'maxLength'", "'#'"},
           {R"({"type":"integer","minimum":3,"maximum":2})", kInvalid, "no integer between", "'#'"},
           {R"({"properties":{"a":false},"required":["a"]})", kInvalid, "'false' allows no value", "'#/properties/a'"},
           {R"({"required":["a"],"additionalProperties":false})", kInvalid, "'a' is required", "'#'"},
           {R"({"enum":[]})", kInvalid, "'enum' leaves no value", "'#'"},
           {R"({"enum":{}})", kInvalid, "'enum' must be a list", "'#'"},
           {R"({"type":"string","enum":[1]})", kInvalid, "'enum' leaves no value", "'#'"},
           {R"({"const":1,"type":"string"})", kInvalid, "'const' leaves no value", "'#'"},
           {R"({"anyOf":[]})", kInvalid, "'anyOf' has no schema", "'#'"},
           {R"({"anyOf":[false]})", kInvalid, "'anyOf' has no schema", "'#'"},
           {R"({"allOf":[{"type":"string"},{"type":"integer"}]})", kInvalid, "both 'type'", "'#'"},
           {R"({"allOf":[{"const":1},{"const":2}]})", kInvalid, "both 'const'", "'#'"},
           {R"({"enum":["a"],"minLength":2})", kUnsupported, "'minLength' beside 'enum'", "'#'"},
           {R"({"anyOf":[{}],"oneOf":[{}]})", kUnsupported, "'anyOf' beside 'oneOf'", "'#'"},
           {R"({"allOf":[{"pattern":"a"},{"pattern":"b"}]})", kUnsupported, "two different 'pattern'", "'#'"},
           {R"({"pattern":"^a$","maxLength":3})", kUnsupported, "only one is supported", "'#'"},
           {R"-({"items":{"pattern":"(?!a)"}})-", kUnsupported, "'(?'", "'#/items'"},
           {R"({"format":"regex"})", kUnsupported, "'regex'", "'#'"},
           {R"({"type":"object","minProperties":2})", kUnsupported, "'minProperties'", "'#'"},
           {R"({"properties":{"a":{},"b":{}},"maxProperties":1})", kUnsupported, "'maxProperties'", "'#'"},
           {R"({"maxLength":1001})", ErrorCode::kResourceExhausted, "'maxLength' is 1001", "'#'"},
           {R"({"minItems":99999999999999999999})", ErrorCode::kInvalidArgument, "'minItems'", "'#'"},
           {"5", kInvalid, "a schema must be an object", "'#'"},
           {"false", kInvalid, "'false' allows no value", "'#'"},
       }) {
    const auto grammar = schema_to_grammar(parse_ordered_json(schema, "the test").value());
    ASSERT_FALSE(grammar) << schema << "\n" << *grammar;
    EXPECT_EQ(grammar.error().code, code) << schema << ": " << grammar.error().message;
    EXPECT_THAT(grammar.error().message, AllOf(HasSubstr(words), HasSubstr(place))) << schema;
  }
}

TEST(SchemaErrors, ASchemaThatNeverEnds) {
  for (const char* schema : {
           R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})",
           R"({"$ref":"#"})",
           R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"})",
           R"({"anyOf":[{"$ref":"#"}]})",
           R"({"anyOf":[{"type":"null"},{"$ref":"#"}]})",
           R"({"type":"array","items":{"$ref":"#"},"minItems":1})",
           R"({"allOf":[{"$ref":"#"}]})",
       }) {
    const auto grammar = schema_to_grammar(parse_ordered_json(schema, "the test").value());
    ASSERT_FALSE(grammar) << schema << "\n" << *grammar;
    EXPECT_EQ(grammar.error().code, ErrorCode::kInvalidArgument) << schema << ": " << grammar.error().message;
  }
  for (const char* schema : {R"({"allOf":[{"$ref":"#"},{"type":"object"}]})", R"({"$ref":"#","type":"object"})"}) {
    const auto grammar = schema_to_grammar(parse_ordered_json(schema, "the test").value());
    ASSERT_FALSE(grammar) << schema;
    EXPECT_EQ(grammar.error().code, ErrorCode::kResourceExhausted) << schema << ": " << grammar.error().message;
  }
}

Json nested(int depth) {
  Json schema = {{"type", "null"}};
  for (int i = 0; i < depth; ++i) schema = {{"type", "array"}, {"items", schema}};
  return schema;
}

TEST(SchemaErrors, LimitsHold) {
  const auto refused = [](const Json& schema, const char* words, const SchemaLimits& limits = {}) {
    const auto start = std::chrono::steady_clock::now();
    const auto grammar = schema_to_grammar(schema, limits);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
    ASSERT_FALSE(grammar);
    EXPECT_EQ(grammar.error().code, ErrorCode::kResourceExhausted) << grammar.error().message;
    EXPECT_THAT(grammar.error().message, HasSubstr(words));
  };
  EXPECT_TRUE(schema_to_grammar(nested(32)));
  refused(nested(33), "nested more than 32 deep");
  refused(nested(3), "nested more than 2 deep", {.max_depth = 2});

  Json many = {{"type", "object"}, {"properties", Json::object()}};
  for (int i = 0; i < 2500; ++i) many["properties"]["p" + std::to_string(i)] = {{"const", i}};
  refused(many, "more than 2000 rules");
  Json wide = {{"enum", Json::array()}};
  for (int i = 0; i < 6000; ++i) wide["enum"].push_back(std::string(100, 'x') + std::to_string(i));
  refused(wide, "more than 524288 bytes");
  Json lengths = {{"type", "object"}, {"properties", Json::object()}};
  for (int i = 0; i < 30; ++i)
    lengths["properties"]["p" + std::to_string(i)] = {{"type", "string"}, {"maxLength", 900 + i}};
  refused(lengths, "more than 10000 together");
  Json value = 1;
  for (int i = 0; i < 60; ++i) value = Json::array({value});
  refused(Json{{"const", value}}, "a value in the schema is nested");
  Json many_refs = {{"$defs", Json::object()}};
  for (int i = 0; i < 200; ++i)
    many_refs["$defs"]["d" + std::to_string(i)] = {{"type", "array"},
                                                   {"items", {{"$ref", std::format("#/$defs/d{}", i + 1)}}}};
  many_refs["$defs"]["d200"] = {{"type", "null"}};
  many_refs["$ref"] = "#/$defs/d0";
  EXPECT_TRUE(schema_to_grammar(many_refs));  // $refs do not add to the depth

  // Twice as many at every step.
  Json doubling = {{"$defs", Json::object()}};
  for (int i = 0; i < 30; ++i) {
    const Json next = {{"$ref", std::format("#/$defs/d{}", i + 1)}, {"minProperties", 0}};
    doubling["$defs"]["d" + std::to_string(i)] = {{"maxProperties", 9}, {"anyOf", Json::array({next, next})}};
  }
  doubling["$defs"]["d30"] = {{"type", "object"}};
  doubling["$ref"] = "#/$defs/d0";
  refused(doubling, "schemas are joined");
}

}  // namespace
}  // namespace hyprstream

#include "structured_output/schema_grammar.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "grammar_driver.hpp"
#include "schema_check.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using Json = nlohmann::ordered_json;

Json json(std::string_view text) {
  auto parsed = parse_ordered_json(text, "a test's JSON");
  EXPECT_TRUE(parsed) << parsed.error().message << ": " << text;
  return parsed.value_or(Json());
}

struct Case {
  const char* name;
  const char* schema;
  std::vector<const char*> texts;    // of the grammar, and valid
  std::vector<const char*> refused;  // not of the grammar; valid or not
  int fewest_generated = 7;          // of the 14 random texts, that come to their end
};

// Google Test prints the name.
void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      // ---- Types ----
      {"any",
       "{}",
       {"1", "\"a\"", "null", "true", "[]", "{}", R"({"a": [1, {"b": null}]})", "[[[]]]"},
       {"", "[1", "a", "01", "nul"}},
      {"true_", "true", {"1", "{ }"}, {"tru"}},
      {"string",
       R"({"type":"string"})",
       {R"("")", R"("a b")", R"("größer 🚀")", R"("\"\\\/\b\f\n\r\t")", R"("\u00e9")", R"("\ud83d\ude80")"},
       {"a", R"("a)", "\"\n\"", R"("\x")", R"("\u12")", R"("\ud83d")", R"("\ude80")", "1", " \"a\""}},
      {"integer",
       R"({"type":"integer"})",
       {"0", "7", "-12", "9999999999999999"},
       {"-0", "1.0", "01", "1e3", "+1", "12345678901234567", "\"1\""}},
      {"number",
       R"({"type":"number"})",
       {"0", "-0.5", "12.25", "1e10", "-1.5E-3", "2e288"},
       {".5", "1.", "1e", "1e999", "0x1", "NaN"}},
      {"boolean", R"({"type":"boolean"})", {"true", "false"}, {"1", "True", "null"}},
      {"null_", R"({"type":"null"})", {"null"}, {"\"null\"", "0", ""}},
      {"type_list",
       R"({"type":["string","null","integer"],"minLength":2})",
       {"null", "5", R"("ab")"},
       {R"("a")", "true", "[]"}},
      {"nullable", R"({"type":"integer","nullable":true})", {"null", "4"}, {"\"4\""}},
      {"inferred_object", R"({"properties":{"a":{"type":"null"}},"required":["a"]})", {R"({"a": null})"}, {"{}", "[]"}},
      {"inferred_array", R"({"items":{"type":"boolean"},"minItems":1})", {"[true]"}, {"[]", "[1]", "{}"}},
      {"inferred_number", R"({"minimum":3})", {"3", "4.5"}, {"2.9", "\"3\""}},
      {"annotations",
       R"({"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.com/x","title":"T","description":"D","default":"q","examples":["a"],"deprecated":false,"readOnly":true,"$comment":"c","x-order":3,"type":"boolean"})",
       {"true"},
       {"\"q\""}},
      // ---- Objects ----
      {"required_in_order",
       R"({"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"string"}},"required":["a","b"],"additionalProperties":false})",
       {R"({"b": 1, "a": "x"})", R"({"b":1,"a":"x"})", R"({ "b": 1, "a": "x" })"},
       {R"({"a": "x", "b": 1})", R"({"b": 1})", R"({"b": 1, "a": "x", "c": 1})", R"({"b":  1, "a": "x"})",
        R"({"b": 1 , "a": "x"})", R"({"b": 1, "a": "x",})"}},
      {"optional_first",
       R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}},"required":["c"]})",
       {R"({"c": 3})", R"({"a": 1, "c": 3})", R"({"b": 2, "c": 3})", R"({"a": 1, "b": 2, "c": 3})"},
       {"{}", R"({"a": 1})", R"({, "c": 3})", R"({"b": 2, "a": 1, "c": 3})", R"({"a": 1 "c": 3})"}},
      {"optional_last",
       R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}},"required":["a"]})",
       {R"({"a": 1})", R"({"a": 1, "b": 2})", R"({"a": 1, "c": 3})", R"({"a": 1, "b": 2, "c": 3})"},
       {R"({"b": 2})", R"({"a": 1,})", "{}"}},
      {"all_optional",
       R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{"type":"integer"}}})",
       {"{}", "{ }", R"({"a": 1})", R"({"b": 2})", R"({"c": 3})", R"({"a": 1, "c": 3})", R"({"b": 2, "c": 3})",
        R"({"a": 1, "b": 2, "c": 3})"},
       {R"({,"c": 3})", R"({"c": 3, "a": 1})", R"({"d": 1})", R"({"a": 1, "a": 1})", "{  }"}},
      {"no_properties", R"({"type":"object","additionalProperties":false})", {"{}", "{ }"}, {R"({"a": 1})"}},
      {"any_object", R"({"type":"object"})", {"{}", R"({"x": [1], "": {}})"}, {"[]", "{", R"({1: 2})"}},
      {"map",
       R"({"type":"object","additionalProperties":{"type":"integer"}})",
       {"{}", R"({"a": 1})", R"({"a": 1, "größe": 2})"},
       {R"({"a": "1"})", R"({"a": 1,})"}},
      {"others_of_another_type",
       R"({"type":"object","properties":{"a":{"type":"integer"},"ab":{"type":"integer"},"é":{"type":"integer"}},"required":["a"],"additionalProperties":{"type":"string"}})",
       {R"({"a": 1})", R"({"a": 1, "b": "x"})", R"({"a": 1, "ab": 2, "abc": "x", "aa": "y", "": "z"})",
        R"({"a": 1, "é": 3, "è": "x"})"},
       {R"({"a": 1, "ab": "x"})", R"({"a": "x"})", R"({"a": 1, "a": "x"})", R"({"a": 1, "b": 2})",
        R"({"a": 1, "é": "x"})"}},
      {"others_after_optional",
       R"({"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":true})",
       {"{}", R"({"a": 1})", R"({"b": null})", R"({"a": 1, "b": [true], "c": {}})"},
       {R"({"a": null})", R"({"b": 1, "a": 2})"}},
      {"required_without_property",
       R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["b"]})",
       {R"({"b": "x"})", R"({"a": 1, "b": {}})"},
       {R"({"a": 1})", "{}"}},
      {"property_that_is_false",
       R"({"type":"object","properties":{"a":false,"b":{"type":"null"}}})",
       {"{}", R"({"b": null})"},
       {R"({"a": 1})"}},
      {"keys_with_escapes",
       R"({"type":"object","properties":{"a\"b\\c\nd":{"type":"null"},"é/~":{"type":"null"}},"required":["a\"b\\c\nd","é/~"]})",
       {"{\"a\\\"b\\\\c\\nd\": null, \"é/~\": null}"},
       {R"({"abcd": null, "é/~": null})"}},
      {"min_properties",
       R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"minProperties":1})",
       {R"({"a": 1})", R"({"b": 1})"},
       {"{}"}},
      {"max_properties",
       R"({"type":"object","additionalProperties":{"type":"integer"},"maxProperties":2,"minProperties":1})",
       {R"({"a": 1})", R"({"a": 1, "b": 2})"},
       {"{}", R"({"a": 1, "b": 2, "c": 3})"}},
      {"nested",
       R"({"type":"object","properties":{"p":{"type":"object","properties":{"x":{"type":"number"},"y":{"type":"number"}},"required":["x","y"]},"tags":{"type":"array","items":{"type":"string"}}},"required":["p","tags"]})",
       {R"({"p": {"x": 1.5, "y": -2}, "tags": ["a", "b"]})", R"({"p":{"x":0,"y":0},"tags":[]})"},
       {R"({"p": {"x": 1.5}, "tags": []})"}},
      // ---- Arrays ----
      {"array",
       R"({"type":"array","items":{"type":"integer"}})",
       {"[]", "[ ]", "[1]", "[1, 2,3]", "[ 1, 2 ]"},
       {"[1,]", "[\"a\"]", "[1 2]", "1"}},
      {"any_array", R"({"type":"array"})", {"[]", R"([1, "a", null, []])"}, {"{}"}},
      {"items_false", R"({"type":"array","items":false})", {"[]"}, {"[1]"}},
      {"min_items",
       R"({"type":"array","items":{"type":"integer"},"minItems":2})",
       {"[1, 2]", "[1, 2, 3, 4]"},
       {"[]", "[1]"}},
      {"max_items",
       R"({"type":"array","items":{"type":"integer"},"maxItems":2})",
       {"[]", "[1]", "[1, 2]"},
       {"[1, 2, 3]"}},
      {"exact_items",
       R"({"type":"array","items":{"type":"integer"},"minItems":3,"maxItems":3})",
       {"[1, 2, 3]"},
       {"[1, 2]", "[1, 2, 3, 4]"}},
      {"no_items", R"({"type":"array","maxItems":0})", {"[]"}, {"[1]"}},
      {"one_item",
       R"({"type":"array","items":{"type":"null"},"minItems":1,"maxItems":1})",
       {"[null]"},
       {"[]", "[null, null]"}},
      {"tuple",
       R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false})",
       {R"([1, "a"])"},
       {"[1]", R"(["a", 1])", R"([1, "a", 2])"}},
      {"tuple_with_more",
       R"({"type":"array","prefixItems":[{"type":"integer"}],"items":{"type":"boolean"},"maxItems":3})",
       {"[1]", "[1, true]", "[1, true, false]"},
       {"[true]", "[1, 2]", "[1, true, true, true]"}},
      {"tuple_partly",
       R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"},{"type":"null"}],"minItems":1,"maxItems":3})",
       {"[1]", R"([1, "a"])", R"([1, "a", null])"},
       {"[]", "[1, null]"}},
      {"tuple_from_none",
       R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"minItems":0,"items":{"type":"null"}})",
       {"[]", "[1]", R"([1, "a"])", R"([1, "a", null, null])"},
       {"[null]", "[1, null]", R"([, "a"])"}},
      {"tuple_of_draft_7",
       R"({"type":"array","items":[{"type":"integer"},{"type":"string"}],"additionalItems":{"type":"null"}})",
       {R"([1, "a"])", R"([1, "a", null])"},
       {R"([1, "a", 1])"}},
      {"tuple_needs_more",
       R"({"type":"array","prefixItems":[{"type":"integer"}],"minItems":3,"maxItems":3})",
       {R"([1, "a", null])"},
       {"[1]", "[1, 2]"}},
      // ---- Strings ----
      {"length",
       R"({"type":"string","minLength":2,"maxLength":4})",
       {R"("ab")", R"("äöü🚀")", R"("\n\n")", R"("\ud83d\ude80x")"},
       {R"("a")", R"("abcde")", R"("")"}},
      {"min_length", R"({"type":"string","minLength":3})", {R"("abc")", R"("abcdefghij")"}, {R"("ab")"}},
      {"max_length_0", R"({"type":"string","maxLength":0})", {R"("")"}, {R"("a")"}},
      {"pattern",
       R"({"type":"string","pattern":"^[a-c]{2}-\\d+$"})",
       {R"("ab-1")", R"("cc-123")"},
       {R"("ab-")", R"("xab-1")", R"("ab-1 ")"}},
      {"pattern_anywhere",
       R"({"type":"string","pattern":"b+c"})",
       {R"("bc")", R"("xxbbcyy")", R"("\nbc")"},
       {R"("bxc")", R"("")"},
       0},
      {"date",
       R"({"type":"string","format":"date"})",
       {R"("2024-02-29")", R"("2000-02-29")", R"("1999-12-31")"},
       {R"("2023-02-29")", R"("1900-02-29")", R"("2024-04-31")", R"("2024-13-01")", R"("24-01-01")", R"("2024-1-1")"}},
      {"time",
       R"({"type":"string","format":"time"})",
       {R"("23:59:59Z")", R"("00:00:00.123+02:00")"},
       {R"("24:00:00Z")", R"("12:00:00")", R"("12:60:00Z")"}},
      {"date_time",
       R"({"type":"string","format":"date-time"})",
       {R"("2024-02-29T12:00:00Z")"},
       {R"("2024-02-29 12:00:00Z")", R"("2024-02-30T12:00:00Z")"}},
      {"duration",
       R"({"type":"string","format":"duration"})",
       {R"("P3W")", R"("P1Y2M3DT4H5M6S")", R"("PT5M")", R"("P1D")"},
       {R"("P")", R"("PT")", R"("1D")", R"("P1YT")"}},
      {"uuid",
       R"({"type":"string","format":"uuid"})",
       {R"("123e4567-e89b-12d3-a456-426614174000")"},
       {R"("123e4567e89b12d3a456426614174000")"}},
      {"email",
       R"({"type":"string","format":"email"})",
       {R"("ann.b@mail.example.org")"},
       {R"("ann")", R"("ann@")", R"("@x.org")", R"(".a@x.org")", R"("a@x")"}},
      {"hostname",
       R"({"type":"string","format":"hostname"})",
       {R"("example.org")", R"("localhost")", R"("a-b.c")"},
       {R"("-a.org")", R"("a..b")", R"("a-")"}},
      {"ipv4",
       R"({"type":"string","format":"ipv4"})",
       {R"("127.0.0.1")", R"("255.255.255.255")"},
       {R"("256.0.0.1")", R"("1.2.3")", R"("01.2.3.4")"}},
      {"ipv6", R"({"type":"string","format":"ipv6"})", {R"("2001:db8:0:0:0:0:0:1")"}, {R"("2001:db8")", R"("::g")"}},
      {"uri",
       R"({"type":"string","format":"uri"})",
       {R"("https://example.org/a/b?c=d#e")", R"("http://localhost:8080")"},
       {R"("example.org")", R"("https://")"}},
      // ---- Values ----
      {"enum_",
       R"({"enum":["red","gr\"ün",1,2.5,null,true,[1,{"a":"b"}],"red"]})",
       {R"("red")", R"("gr\"ün")", "1", "2.5", "null", "true", R"([1, {"a": "b"}])", R"([1,{"a":"b"}])"},
       {R"("blue")", "red", "3", "[1]"}},
      {"enum_of_a_type", R"({"type":"string","enum":["a",1,null]})", {R"("a")"}, {"1", "null"}},
      {"const_", R"({"const":{"kind":"x","n":[]}})", {R"({"kind": "x", "n": []})", R"({"kind":"x","n":[]})"}, {"{}"}},
      {"const_in_enum", R"({"const":"b","enum":["a","b"]})", {R"("b")"}, {R"("a")"}},
      // ---- Together ----
      {"any_of",
       R"({"anyOf":[{"type":"integer"},{"type":"array","items":{"type":"integer"}}]})",
       {"1", "[1, 2]"},
       {"\"1\"", "[\"a\"]"}},
      {"one_of", R"({"oneOf":[{"type":"null"},{"type":"string","maxLength":2}]})", {"null", R"("ab")"}, {R"("abc")"}},
      {"any_of_beside_type",
       R"({"type":"object","properties":{"id":{"type":"integer"}},"required":["id"],"anyOf":[{"properties":{"a":{"type":"null"}},"required":["a"]},{"properties":{"b":{"type":"null"}},"required":["b"]}]})",
       {R"({"id": 1, "a": null})", R"({"id": 1, "b": null})"},
       {R"({"id": 1})", R"({"a": null})"}},
      {"all_of",
       R"({"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"string"}},"required":["b"]}]})",
       {R"({"a": 1, "b": "x"})"},
       {R"({"a": 1})", R"({"b": "x"})"}},
      {"all_of_same_property",
       R"({"allOf":[{"properties":{"a":{"type":"number","minimum":1}}},{"properties":{"a":{"type":"integer","maximum":5}}}],"type":"object","required":["a"]})",
       {R"({"a": 1})", R"({"a": 5})"},
       {R"({"a": 6})", R"({"a": 1.5})"}},
      {"all_of_closed",
       R"({"allOf":[{"properties":{"a":{"type":"null"}},"additionalProperties":false},{"type":"object","properties":{"b":{"type":"null"}}}]})",
       {"{}", R"({"a": null})"},
       {R"({"b": null})"}},
      {"ref",
       R"({"$defs":{"name":{"type":"string","maxLength":3}},"type":"array","items":{"$ref":"#/$defs/name"}})",
       {R"(["abc", ""])"},
       {R"(["abcd"])"}},
      {"ref_with_more",
       R"({"definitions":{"p":{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]}},"$ref":"#/definitions/p","properties":{"y":{"type":"integer"}},"required":["y"]})",
       {R"({"x": 1, "y": 2})"},
       {R"({"x": 1})", R"({"y": 1})", R"({"y": 2, "x": 1})"}},
      {"ref_escaped", R"({"$defs":{"a/b":{"c%d":{"type":"null"}}},"$ref":"#/$defs/a~1b/c%25d"})", {"null"}, {"1"}},
      {"recursive_tree",
       R"({"type":"object","properties":{"v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#"}}},"required":["v"]})",
       {R"({"v": 1})", R"({"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3}]})"},
       {R"({"kids": []})", R"({"v": 1, "kids": [1]})"}},
      {"recursive_list",
       R"({"$defs":{"node":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"required":["next"],"additionalProperties":false}},"$ref":"#/$defs/node"})",
       {R"({"next": null})", R"({"next": {"next": {"next": null}}})"},
       {R"({"next": {}})"}},
      {"mutually_recursive",
       R"({"$defs":{"a":{"type":"array","items":{"$ref":"#/$defs/b"}},"b":{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"required":["a"]}},"$ref":"#/$defs/a"})",
       {"[]", R"([{"a": [{"a": []}]}])"},
       {"[[]]"}},
      {"of_pydantic",
       R"({"$defs":{"Item":{"properties":{"name":{"title":"Name","type":"string"},"price":{"anyOf":[{"type":"number"},{"type":"null"}],"default":null,"title":"Price"}},"required":["name"],"title":"Item","type":"object"},"Kind":{"enum":["a","b"],"title":"Kind","type":"string"}},"properties":{"kind":{"allOf":[{"$ref":"#/$defs/Kind"}],"default":"a"},"items":{"items":{"$ref":"#/$defs/Item"},"title":"Items","type":"array"}},"required":["items"],"title":"Order","type":"object"})",
       {R"({"items": [{"name": "x", "price": null}]})", R"({"kind": "b", "items": []})"},
       {R"({"kind": "c", "items": []})"}},
      // ---- Numbers ----
      {"integer_range",
       R"({"type":"integer","minimum":8,"maximum":123})",
       {"8", "9", "10", "99", "100", "119", "123"},
       {"7", "0", "124", "200", "1000", "-8", "008"}},
      {"integer_around_0",
       R"({"type":"integer","minimum":-15,"maximum":7})",
       {"-15", "-9", "-1", "0", "7"},
       {"-16", "-0", "8", "10", "-20"}},
      {"integer_exclusive",
       R"({"type":"integer","exclusiveMinimum":0,"exclusiveMaximum":10})",
       {"1", "9"},
       {"0", "10"}},
      {"integer_from",
       R"({"type":"integer","minimum":18})",
       {"18", "20", "99", "100", "9999999999999999"},
       {"17", "9", "-18"}},
      {"integer_to", R"({"type":"integer","maximum":-3.5})", {"-4", "-10", "-9999999999999999"}, {"-3", "0", "4"}},
      {"integer_of_64_bits",
       R"({"type":"integer","minimum":-9223372036854775808,"maximum":18446744073709551615})",
       {"0", "999999999999999999", "-999999999999999999"},
       {"1.0"}},
      {"number_range",
       R"({"type":"number","minimum":0,"maximum":1})",
       {"0", "0.5", "1", "0.0", "1.000", "0.99999"},
       {"-0.1", "1.01", "2", "-1", "1e0", "-0"}},
      {"number_exclusive",
       R"({"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1.5})",
       {"0.001", "1", "1.499", "1.4"},
       {"0", "0.0", "1.5", "1.50", "2"}},
      {"number_fractions",
       R"({"type":"number","minimum":-2.75,"maximum":-0.125})",
       {"-2.75", "-2.749", "-2", "-0.125", "-0.13", "-1.5", "-0.9"},
       {"-2.76", "-2.751", "-0.124", "-0.1", "0", "-3"}},
      {"multiple_of_1", R"({"type":"number","multipleOf":1})", {"3"}, {"3.5"}},
  };
  return kCases;
}

class SchemaGrammar : public testing::TestWithParam<Case> {};

TEST_P(SchemaGrammar, TakesItsTextsAndNoOthers) {
  const auto schema = json(GetParam().schema);
  const auto grammar = schema_to_grammar(schema);
  ASSERT_TRUE(grammar) << grammar.error().message;
  ASSERT_TRUE(parses(*grammar));
  for (const char* text : GetParam().texts) {
    EXPECT_TRUE(accepts(*grammar, text)) << text << "\n" << *grammar;
    EXPECT_EQ(why_invalid(schema, json(text)), "") << text;
  }
  for (const char* text : GetParam().refused) EXPECT_FALSE(accepts(*grammar, text)) << text << "\n" << *grammar;
}

TEST_P(SchemaGrammar, WhatIsGeneratedIsValid) {
  const auto schema = json(GetParam().schema);
  const auto grammar = schema_to_grammar(schema);
  ASSERT_TRUE(grammar) << grammar.error().message;
  int whole = 0;
  const auto check = [&](const std::optional<std::string>& text) {
    if (!text) return;
    ++whole;
    const auto value = parse_ordered_json(*text, "what was generated", 1000);
    // Nothing in a grammar keeps a key from being written twice; the last one counts.
    if (!value && value.error().message.contains("twice in one object")) return;
    ASSERT_TRUE(value) << value.error().message << ": " << *text;
    EXPECT_EQ(why_invalid(schema, *value), "") << *text;
  };
  for (std::uint32_t seed = 1; seed <= 12; ++seed) check(wander(*grammar, seed));
  for (std::uint32_t seed = 1; seed <= 2; ++seed) check(generate(*grammar, seed));
  EXPECT_GE(whole, GetParam().fewest_generated) << *grammar;
}

INSTANTIATE_TEST_SUITE_P(Keywords, SchemaGrammar, testing::ValuesIn(cases()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(SchemaGrammarRules, EqualPartsAreOneRule) {
  const auto grammar = schema_to_grammar(json(R"({"type":"object","properties":{
      "a":{"type":"string","maxLength":9},"b":{"type":"string","maxLength":9},"c":{"enum":[1,2]},"d":{"enum":[1,2]}}})"));
  ASSERT_TRUE(grammar);
  const auto count = [&](std::string_view words) {
    int found = 0;
    for (auto at = grammar->find(words); at != grammar->npos; at = grammar->find(words, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("char{0,9}"), 1) << *grammar;
  EXPECT_EQ(count(R"("1" | "2")"), 1) << *grammar;
}

TEST(SchemaGrammarRules, ManyOptionalPropertiesStaySmall) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}};
  for (int i = 0; i < 300; ++i) schema["properties"]["property_" + std::to_string(i)] = {{"type", "integer"}};
  const auto grammar = schema_to_grammar(schema);
  ASSERT_TRUE(grammar) << grammar.error().message;
  EXPECT_LT(grammar->size(), 100'000U);
  EXPECT_TRUE(accepts(*grammar, R"({"property_0": 1, "property_150": 2, "property_299": 3})"));
  EXPECT_TRUE(accepts(*grammar, R"({"property_299": 3})"));
  EXPECT_FALSE(accepts(*grammar, R"({"property_299": 3, "property_0": 1})"));
}

TEST(SchemaGrammarRules, TheLongestRepetitions) {
  for (
      const char* schema :
      {R"({"type":"string","minLength":1000,"maxLength":1000})", R"({"type":"string","maxLength":1000})",
       R"({"type":"array","items":{"type":"string","maxLength":1000},"minItems":1000,"maxItems":1000})",
       R"({"type":"array","items":{"type":"array","items":{"type":"integer","maximum":99999},"maxItems":1000},"maxItems":1000})",
       R"({"type":"string","pattern":"^(ab?[0-9]{1,500}){1,1000}$"})", R"({"type":"string","minLength":1000})"}) {
    const auto grammar = schema_to_grammar(json(schema));
    ASSERT_TRUE(grammar) << grammar.error().message;
    EXPECT_TRUE(parses(*grammar)) << schema;
  }
  const auto grammar = schema_to_grammar(json(R"({"type":"string","maxLength":1000})"));
  EXPECT_TRUE(accepts(*grammar, '"' + std::string(1000, 'x') + '"'));
  EXPECT_FALSE(accepts(*grammar, '"' + std::string(1001, 'x') + '"'));
}

TEST(JsonObjectGrammar, IsAnyObject) {
  const auto grammar = json_object_grammar();
  EXPECT_TRUE(accepts(grammar, R"({"a": [1, -2.5e3, "x", {"b": null}], "c": true})"));
  EXPECT_TRUE(accepts(grammar, "{}"));
  for (const char* text : {"[]", "1", "\"a\"", "{", "{\"a\"}", "", "null"})
    EXPECT_FALSE(accepts(grammar, text)) << text;
  int whole = 0;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    const auto text = wander(grammar, seed);
    if (!text) continue;
    ++whole;
    EXPECT_TRUE(Json::parse(*text, nullptr, /*allow_exceptions=*/false).is_object()) << *text;
  }
  EXPECT_GE(whole, 10);
}

}  // namespace
}  // namespace hyprstream

#include "schema_check.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <regex>
#include <set>

#include "base/utf8.hpp"

namespace hyprstream::testing_support {
namespace {

using Json = nlohmann::ordered_json;

bool is_type(const Json& value, const std::string& type) {
  if (type == "integer")
    return value.is_number_integer() ||
           (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>());
  if (type == "number") return value.is_number();
  return type == value.type_name() || (type == "null" && value.is_null());
}

bool is_date(const std::string& text) {
  int year = 0, month = 0, day = 0, length = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &length) != 3 || length != 10) return false;
  return text.size() == 10 &&
         std::chrono::year_month_day(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                     std::chrono::day(static_cast<unsigned>(day)))
             .ok();
}

bool matches(const std::string& text, const char* pattern) { return std::regex_match(text, std::regex(pattern)); }

bool is_format(const std::string& text, const std::string& format) {
  constexpr const char* kTime = R"((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d))";
  constexpr const char* kHost =
      R"([a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)";
  if (format == "date") return is_date(text);
  if (format == "time") return matches(text, kTime);
  if (format == "date-time")
    return text.size() > 11 && is_date(text.substr(0, 10)) && text[10] == 'T' && matches(text.substr(11), kTime);
  if (format == "duration")
    return text.back() != 'T' && text.size() > 1 &&
           matches(text, R"(P(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+S)?)?))");
  if (format == "uuid") return matches(text, "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  if (format == "hostname") return text.size() <= 253 && matches(text, kHost);
  if (format == "email") {
    const auto at = text.rfind('@');
    return at != text.npos && at >= 1 && at <= 64 && matches(text.substr(0, at), R"([\w+%-]+(?:\.[\w+%-]+)*)") &&
           matches(text.substr(at + 1), kHost);
  }
  std::array<unsigned char, 16> address{};
  if (format == "ipv4") return ::inet_pton(AF_INET, text.c_str(), address.data()) == 1;
  if (format == "ipv6") return ::inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
  if (format == "uri") return matches(text, R"([a-z][a-z0-9+.-]*://[^\s/?#]+[^\s?#]*(?:\?[^\s#]*)?(?:#\S*)?)");
  ADD_FAILURE() << "no check for the format " << format;
  return false;
}

class Check {
 public:
  explicit Check(const Json& root) : root_(root) {}

  std::string run(const Json& schema, const Json& value, const std::string& at) {
    if (schema.is_boolean()) return schema == true ? "" : at + ": nothing is allowed";
    for (const auto& [keyword, asked] : schema.items())
      if (auto why = one(schema, keyword, asked, value, at); !why.empty()) return why;
    return "";
  }

 private:
  std::string one(const Json& schema, const std::string& keyword, const Json& asked, const Json& value,
                  const std::string& at) {
    const auto wrong = [&](bool holds) {
      return holds ? "" : at + " breaks " + keyword + " " + asked.dump() + ": " + value.dump();
    };
    if (keyword == "$ref") {
      auto pointer = asked.get<std::string>().substr(1);
      if (const auto percent = pointer.find("%25"); percent != pointer.npos) pointer.replace(percent, 3, "%");
      return run(root_.at(Json::json_pointer(pointer)), value, at);
    }
    if (keyword == "type") {
      const auto types = asked.is_array() ? asked : Json::array({asked});
      const bool nullable = schema.value("nullable", Json(false)) == true && value.is_null();
      return wrong(nullable || std::ranges::any_of(types, [&](const Json& type) { return is_type(value, type); }));
    }
    if (keyword == "enum") return wrong(std::ranges::find(asked, value) != asked.end());
    if (keyword == "const") return wrong(value == asked);
    if (keyword == "allOf") return every(asked, value, at);
    if (keyword == "anyOf" || keyword == "oneOf")
      return wrong(std::ranges::any_of(asked, [&](const Json& part) { return run(part, value, at).empty(); }));
    if (value.is_number()) {
      const double number = value;
      if (keyword == "minimum") return wrong(number >= asked.get<double>());
      if (keyword == "maximum") return wrong(number <= asked.get<double>());
      if (keyword == "exclusiveMinimum") return wrong(number > asked.get<double>());
      if (keyword == "exclusiveMaximum") return wrong(number < asked.get<double>());
      if (keyword == "multipleOf") return wrong(std::fmod(number, asked.get<double>()) == 0);
    }
    if (value.is_string()) {
      const auto text = value.get<std::string>();
      const auto length = decode_utf8(text).size();
      if (keyword == "minLength") return wrong(length >= asked.get<std::size_t>());
      if (keyword == "maxLength") return wrong(length <= asked.get<std::size_t>());
      if (keyword == "pattern") return wrong(std::regex_search(text, std::regex(asked.get<std::string>())));
      if (keyword == "format") return wrong(is_format(text, asked));
    }
    if (value.is_array()) return of_array(schema, keyword, asked, value, at, wrong);
    if (value.is_object()) return of_object(schema, keyword, asked, value, at, wrong);
    return "";
  }

  std::string every(const Json& parts, const Json& value, const std::string& at) {
    for (const auto& part : parts)
      if (auto why = run(part, value, at); !why.empty()) return why;
    return "";
  }

  template <typename Wrong>
  std::string of_array(const Json& schema, const std::string& keyword, const Json& asked, const Json& value,
                       const std::string& at, const Wrong& wrong) {
    if (keyword == "minItems") return wrong(value.size() >= asked.get<std::size_t>());
    if (keyword == "maxItems") return wrong(value.size() <= asked.get<std::size_t>());
    const bool first = keyword == "prefixItems" || (keyword == "items" && asked.is_array());
    const bool others = (keyword == "items" && !asked.is_array()) || keyword == "additionalItems";
    std::size_t named = schema.contains("prefixItems") ? schema["prefixItems"].size() : 0;
    if (keyword == "additionalItems") named = schema["items"].size();
    for (std::size_t i = 0; i < value.size(); ++i) {
      const bool mine = (first && i < asked.size()) || (others && i >= named);
      if (!mine) continue;
      if (auto why = run(first ? asked[i] : asked, value[i], at + "/" + std::to_string(i)); !why.empty()) return why;
    }
    return "";
  }

  template <typename Wrong>
  std::string of_object(const Json& schema, const std::string& keyword, const Json& asked, const Json& value,
                        const std::string& at, const Wrong& wrong) {
    if (keyword == "minProperties") return wrong(value.size() >= asked.get<std::size_t>());
    if (keyword == "maxProperties") return wrong(value.size() <= asked.get<std::size_t>());
    if (keyword == "required")
      return wrong(
          std::ranges::all_of(asked, [&](const Json& name) { return value.contains(name.get<std::string>()); }));
    const auto properties = schema.value("properties", Json::object());
    for (const auto& [name, part] : value.items()) {
      const bool mine = keyword == "properties" ? asked.contains(name)
                                                : keyword == "additionalProperties" && !properties.contains(name);
      if (!mine) continue;
      if (auto why = run(keyword == "properties" ? asked[name] : asked, part, at + "/" + name); !why.empty())
        return why;
    }
    return "";
  }

  const Json& root_;
};

}  // namespace

std::string why_invalid(const Json& schema, const Json& value) { return Check(schema).run(schema, value, "#"); }

}  // namespace hyprstream::testing_support

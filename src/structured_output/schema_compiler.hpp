// Walks a JSON schema and writes its rules. Internal to structured_output.
#pragma once

#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "structured_output/gbnf_writer.hpp"

namespace hyprstream {

// For one schema; several may share a writer. Not thread-safe.
class SchemaCompiler {
 public:
  // The schema must outlive the compiler.
  SchemaCompiler(GbnfWriter& writer, const nlohmann::ordered_json& root) : writer_(writer), root_(root) {}

  // The name of a rule for the schema's values; `hint` is what it is called.
  // Errors: those of schema_to_grammar().
  Result<std::string> compile(std::string_view hint);

 private:
  using Json = nlohmann::ordered_json;

  // Where the walk is.
  struct Place {
    std::string pointer;  // into the schema, for messages
    std::size_t depth = 0;
    std::string hint;  // what its rule is called

    Place inside(std::string_view keyword) const;
    Place inside(std::string_view keyword, std::string_view name) const;
    // The same place again, one level deeper: a schema made of this one.
    Place again() const { return {pointer, depth + 1, hint}; }
  };

  // Each gives the name of a rule.
  Result<std::string> visit(const Json& schema, const Place& place);
  Result<std::string> visit_ref(const std::string& reference, const Place& place);
  Result<std::string> visit_all_of(const Json& schema, const Place& place);
  Result<std::string> visit_any_of(const Json& schema, const char* keyword, const Place& place);
  Result<std::string> visit_values(const Json& schema, const Place& place);
  Result<std::string> visit_type(const Json& schema, const std::string& type, const Place& place);
  Result<std::string> visit_object(const Json& schema, const Place& place);
  Result<std::string> visit_array(const Json& schema, const Place& place);
  Result<std::string> visit_string(const Json& schema, const Place& place);
  Result<std::string> visit_number(const Json& schema, bool integer, const Place& place);

  // A schema without $ref and allOf of its own level: what they ask for is joined to the rest.
  Result<Json> flattened(const Json& schema, const Place& place);
  Result<void> count_visit();
  Result<void> count_merge();
  // minItems and the like; within SchemaLimits::max_repetitions.
  Result<std::optional<std::size_t>> limited_count(const Json& schema, const char* keyword, const Place& place) const;

  // A place that a $ref names, whose rule is still to be written: so that circles end, and the depth starts anew.
  struct Waiting {
    std::string name;
    const Json* schema;
    Place place;
  };

  GbnfWriter& writer_;
  const Json& root_;
  std::map<std::string, std::string> rules_of_refs_;  // by pointer
  std::deque<Waiting> waiting_;
  std::size_t visits_ = 0;
  std::size_t merges_ = 0;
};

}  // namespace hyprstream

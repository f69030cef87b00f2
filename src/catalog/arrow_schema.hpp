// Making and reading ArrowSchema structures.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/arrow_c_data.hpp"

namespace hyprstream {

// Flight SQL's key for the database's name of a column's type.
inline constexpr std::string_view kTypeNameKey = "ARROW:FLIGHT:SQL:TYPE_NAME";

// One field or, with children, a whole schema. Building copies everything.
struct ArrowFieldSpec {
  std::string format;
  std::string name;
  std::map<std::string, std::string, std::less<>> metadata;
  std::int64_t flags = ARROW_FLAG_NULLABLE;
  std::vector<ArrowFieldSpec> children;
  std::vector<ArrowFieldSpec> dictionary;  // none or one
};

ArrowFieldSpec read_arrow_schema(const ArrowSchema& schema);
ArrowSchemaHandle build_arrow_schema(const ArrowFieldSpec& spec);

// Whether the field, or one within it, is dictionary-encoded.
bool has_dictionary(const ArrowSchema& schema);

// A value of a field's metadata.
std::optional<std::string> arrow_metadata(const ArrowSchema& field, std::string_view key);

}  // namespace hyprstream

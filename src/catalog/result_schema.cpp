#include "catalog/result_schema.hpp"

#include <algorithm>
#include <utility>

#include "catalog/arrow_schema.hpp"
#include "catalog/duckdb_error.hpp"
#include "catalog/type_name.hpp"

namespace hyprstream {

Result<ArrowSchemaHandle> schema_of(duckdb_arrow_options options, const std::vector<ResultColumn>& columns) {
  const bool known = std::ranges::all_of(columns, [](const ResultColumn& column) {
    const auto id = duckdb_get_type_id(column.type.get());
    return id != DUCKDB_TYPE_INVALID && id != DUCKDB_TYPE_ANY && duckdb_type_name(column.type.get()) != "UNKNOWN";
  });
  if (!known || columns.empty()) return empty_schema();
  std::vector<duckdb_logical_type> types;
  std::vector<const char*> names;
  for (const auto& column : columns) {
    types.push_back(column.type.get());
    names.push_back(column.name.c_str());
  }
  ArrowSchemaHandle made;
  HYPRSTREAM_TRY(check_duckdb(duckdb_to_arrow_schema(options, types.data(), names.data(), types.size(), made.out())));
  auto spec = read_arrow_schema(*made);
  for (std::size_t i = 0; i < spec.children.size(); ++i)
    spec.children[i].metadata[std::string(kTypeNameKey)] = duckdb_type_name(types[i]);
  return build_arrow_schema(spec);
}

ArrowSchemaHandle empty_schema() { return build_arrow_schema({.format = "+s", .flags = 0}); }

}  // namespace hyprstream

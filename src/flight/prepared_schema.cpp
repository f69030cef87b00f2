#include "flight/prepared_schema.hpp"

#include <arrow/util/key_value_metadata.h>

namespace hyprstream {
namespace {

constexpr const char* kHandleKey = "hyprstream.handle";
constexpr const char* kKindKey = "hyprstream.kind";

std::string kind_name(StatementKind kind) {
  switch (kind) {
    case StatementKind::kQuery: return "query";
    case StatementKind::kChange: return "change";
    case StatementKind::kOther: break;
  }
  return "other";
}

}  // namespace

std::shared_ptr<arrow::Schema> prepared_schema(const PreparedInfo& info, const std::shared_ptr<arrow::Schema>& result) {
  const auto shown = info.kind == StatementKind::kQuery ? result : arrow::schema({});
  return shown->WithMetadata(arrow::key_value_metadata({kHandleKey, kKindKey}, {info.handle, kind_name(info.kind)}));
}

PreparedInfo read_prepared_schema(const arrow::Schema& schema) {
  PreparedInfo info{.handle = {}, .kind = schema.num_fields() > 0 ? StatementKind::kQuery : StatementKind::kChange};
  if (schema.metadata() == nullptr) return info;
  info.handle = schema.metadata()->Get(kHandleKey).ValueOr("");
  const auto kind = schema.metadata()->Get(kKindKey).ValueOr("");
  for (const auto known : {StatementKind::kQuery, StatementKind::kChange, StatementKind::kOther})
    if (kind == kind_name(known)) info.kind = known;
  return info;
}

}  // namespace hyprstream

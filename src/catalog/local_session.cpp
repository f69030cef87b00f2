#include "catalog/local_session.hpp"

#include "catalog/local_statement.hpp"
#include "catalog/table_appender.hpp"

namespace hyprstream {

Result<std::unique_ptr<Statement>> LocalSession::prepare(std::string_view sql) {
  return LocalStatement::prepare(connection_, sql);
}

Result<std::unique_ptr<BulkAppender>> LocalSession::append_to(const TableName& table, const ArrowSchema& schema) {
  return TableAppender::create(connection_, table, schema);
}

}  // namespace hyprstream

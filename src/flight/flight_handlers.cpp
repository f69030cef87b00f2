#include "flight/flight_handlers.hpp"

#include <utility>

#include "flight/access_middleware.hpp"
#include "flight/call_interceptor.hpp"
#include "flight/flight_status.hpp"
#include "flight/prepared_schema.hpp"
#include "flight/session_cookie.hpp"
#include "flight/sql_info.hpp"
#include "flight/upload_reader.hpp"

namespace hyprstream {
namespace {

namespace fl = arrow::flight;

constexpr std::int64_t kUnknown = -1;

// An answer that says: fetch the rows here, with this handle.
arrow::Result<FlightHandlers::Info> info_for(const PlannedQuery& planned, const fl::FlightDescriptor& descriptor) {
  ARROW_ASSIGN_OR_RAISE(auto ticket, fl::sql::CreateStatementQueryTicket(planned.handle));
  const fl::FlightEndpoint endpoint({std::move(ticket)}, {}, std::nullopt, "");
  ARROW_ASSIGN_OR_RAISE(auto info,
                        fl::FlightInfo::Make(planned.schema, descriptor, {endpoint}, kUnknown, kUnknown, true));
  return std::make_unique<fl::FlightInfo>(std::move(info));
}

arrow::Result<FlightHandlers::Stream> stream_of(Result<std::shared_ptr<arrow::RecordBatchReader>> rows) {
  ARROW_ASSIGN_OR_RAISE(auto reader, to_flight(std::move(rows)));
  return std::make_unique<fl::RecordBatchStream>(std::move(reader));
}

IngestTarget ingest_target(const fl::sql::StatementIngest& command) {
  using NotThere = fl::sql::TableDefinitionOptionsTableNotExistOption;
  using There = fl::sql::TableDefinitionOptionsTableExistsOption;
  const auto& options = command.table_definition_options;
  IngestTarget target{
      .name = {.catalog = command.catalog.value_or(""), .schema = command.schema.value_or(""), .table = command.table},
      .create = options.if_not_exist == NotThere::kCreate,
      .existing = {},
      .temporary = command.temporary,
      .transaction = command.transaction_id.value_or("")};
  switch (options.if_exists) {
    case There::kUnspecified:
    case There::kAppend: target.existing = IngestTarget::Existing::kAppend; break;
    case There::kFail: target.existing = IngestTarget::Existing::kFail; break;
    case There::kReplace: target.existing = IngestTarget::Existing::kReplace; break;
  }
  return target;
}

}  // namespace

FlightHandlers::FlightHandlers(SessionSource sessions, const StatementLimits& limits, const std::string& version)
    : statements_(std::move(sessions), limits),
      watch_([this] { statements_.expire(std::chrono::steady_clock::now()); }, limits.statement_time) {
  for (const auto& [id, value] : sql_info(limits, version)) RegisterSqlInfo(id, value);
}

Caller FlightHandlers::caller(const Context& context) {
  Identity identity{.key_id = {}, .scope = Scope::kPublic};  // no middleware: nobody has looked at the keys
  if (const auto* access = dynamic_cast<AccessMiddleware*>(context.GetMiddleware(AccessMiddleware::kName)))
    identity = access->identity();
  std::string session;
  const auto [first, last] = context.incoming_headers().equal_range("cookie");
  for (auto at = first; at != last && session.empty(); ++at) session = session_in_cookies(at->second);
  return {.identity = std::move(identity),
          .session = std::move(session),
          .call = watch_.watch([&context] { return context.is_cancelled(); }, hang_up_of_this_call())};
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoStatement(const Context& context,
                                                                           const fl::sql::StatementQuery& command,
                                                                           const Descriptor& descriptor) {
  ARROW_ASSIGN_OR_RAISE(const auto planned,
                        to_flight(statements_.plan(caller(context), command.query, command.transaction_id)));
  return info_for(planned, descriptor);
}

arrow::Result<std::unique_ptr<fl::SchemaResult>> FlightHandlers::GetSchemaStatement(
    const Context& context, const fl::sql::StatementQuery& command, const Descriptor& /*descriptor*/) {
  const auto who = caller(context);
  ARROW_ASSIGN_OR_RAISE(const auto planned, to_flight(statements_.prepare(who, command.query, command.transaction_id)));
  ARROW_RETURN_NOT_OK(to_flight(statements_.close(who, planned.handle)));
  return fl::SchemaResult::Make(*planned.schema);
}

arrow::Result<FlightHandlers::Stream> FlightHandlers::DoGetStatement(const Context& context,
                                                                     const fl::sql::StatementQueryTicket& command) {
  return stream_of(statements_.fetch(caller(context), command.statement_handle));
}

arrow::Result<std::int64_t> FlightHandlers::DoPutCommandStatementUpdate(const Context& context,
                                                                        const fl::sql::StatementUpdate& command) {
  return to_flight(statements_.update(caller(context), command.query, command.transaction_id));
}

arrow::Result<std::int64_t> FlightHandlers::DoPutCommandStatementIngest(const Context& context,
                                                                        const fl::sql::StatementIngest& command,
                                                                        fl::FlightMessageReader* reader) {
  UploadReader rows(*reader);
  return to_flight(statements_.ingest(caller(context), ingest_target(command), rows));
}

arrow::Result<fl::CancelFlightInfoResult> FlightHandlers::CancelFlightInfo(const Context& context,
                                                                           const fl::CancelFlightInfoRequest& request) {
  if (request.info == nullptr || request.info->endpoints().empty())
    return fl::CancelFlightInfoResult(fl::CancelStatus::kNotCancellable);
  ARROW_ASSIGN_OR_RAISE(const auto ticket,
                        fl::sql::StatementQueryTicket::Deserialize(request.info->endpoints().front().ticket.ticket));
  const auto ran = statements_.cancel(caller(context), ticket.statement_handle);
  if (!ran) return fl::CancelFlightInfoResult(fl::CancelStatus::kNotCancellable);  // it has ended, or never was
  return fl::CancelFlightInfoResult(*ran ? fl::CancelStatus::kCancelling : fl::CancelStatus::kCancelled);
}

arrow::Result<fl::sql::ActionCreatePreparedStatementResult> FlightHandlers::CreatePreparedStatement(
    const Context& context, const fl::sql::ActionCreatePreparedStatementRequest& request) {
  ARROW_ASSIGN_OR_RAISE(const auto planned,
                        to_flight(statements_.prepare(caller(context), request.query, request.transaction_id)));
  return fl::sql::ActionCreatePreparedStatementResult{
      .dataset_schema = prepared_schema({planned.handle, planned.kind}, planned.schema),
      .parameter_schema = planned.parameters,
      .prepared_statement_handle = planned.handle};
}

arrow::Status FlightHandlers::ClosePreparedStatement(const Context& context,
                                                     const fl::sql::ActionClosePreparedStatementRequest& request) {
  return to_flight(statements_.close(caller(context), request.prepared_statement_handle));
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoPreparedStatement(
    const Context& context, const fl::sql::PreparedStatementQuery& command, const Descriptor& descriptor) {
  ARROW_ASSIGN_OR_RAISE(const auto planned,
                        to_flight(statements_.describe(caller(context), command.prepared_statement_handle)));
  return info_for(planned, descriptor);
}

arrow::Result<std::unique_ptr<fl::SchemaResult>> FlightHandlers::GetSchemaPreparedStatement(
    const Context& context, const fl::sql::PreparedStatementQuery& command, const Descriptor& /*descriptor*/) {
  ARROW_ASSIGN_OR_RAISE(const auto planned,
                        to_flight(statements_.describe(caller(context), command.prepared_statement_handle)));
  return fl::SchemaResult::Make(*planned.schema);
}

arrow::Result<FlightHandlers::Stream> FlightHandlers::DoGetPreparedStatement(
    const Context& context, const fl::sql::PreparedStatementQuery& command) {
  return stream_of(statements_.fetch(caller(context), command.prepared_statement_handle));
}

arrow::Status FlightHandlers::DoPutPreparedStatementQuery(const Context& context,
                                                          const fl::sql::PreparedStatementQuery& command,
                                                          fl::FlightMessageReader* reader,
                                                          fl::FlightMetadataWriter* /*writer*/) {
  UploadReader rows(*reader);
  return to_flight(statements_.set_parameters(caller(context), command.prepared_statement_handle, rows));
}

arrow::Result<std::int64_t> FlightHandlers::DoPutPreparedStatementUpdate(
    const Context& context, const fl::sql::PreparedStatementUpdate& command, fl::FlightMessageReader* reader) {
  UploadReader rows(*reader);
  return to_flight(statements_.update_for_each(caller(context), command.prepared_statement_handle, rows));
}

arrow::Result<fl::sql::ActionBeginTransactionResult> FlightHandlers::BeginTransaction(
    const Context& context, const fl::sql::ActionBeginTransactionRequest& /*request*/) {
  ARROW_ASSIGN_OR_RAISE(auto id, to_flight(statements_.begin(caller(context))));
  return fl::sql::ActionBeginTransactionResult{.transaction_id = std::move(id)};
}

arrow::Status FlightHandlers::EndTransaction(const Context& context,
                                             const fl::sql::ActionEndTransactionRequest& request) {
  const bool commit = request.action == fl::sql::ActionEndTransactionRequest::kCommit;
  return to_flight(statements_.end(caller(context), request.transaction_id, commit));
}

}  // namespace hyprstream

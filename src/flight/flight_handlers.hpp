// Flight SQL's commands, handed on to what does them. Nothing here needs a network: tests call these functions.
#pragma once

#include <arrow/flight/sql/server.h>

#include <atomic>
#include <memory>
#include <string>

#include "access/api_keys.hpp"
#include "flight/active_call.hpp"
#include "flight/metadata.hpp"
#include "flight/statement_service.hpp"

namespace hyprstream {

// Thread-safe.
class FlightHandlers final : public arrow::flight::sql::FlightSqlServerBase {
 public:
  template <typename T>
  using Answer = arrow::Result<T>;
  using Context = arrow::flight::ServerCallContext;
  using Descriptor = arrow::flight::FlightDescriptor;
  using Info = std::unique_ptr<arrow::flight::FlightInfo>;
  using Stream = std::unique_ptr<arrow::flight::FlightDataStream>;

  // `version`: of the program, for SqlInfo.
  FlightHandlers(SessionSource sessions, const StatementLimits& limits, const std::string& version);

  // Ends what runs; what comes is refused.
  void cancel_all() { watch_.cancel_all(); }

  // Statements.
  Answer<Info> GetFlightInfoStatement(const Context& context, const arrow::flight::sql::StatementQuery& command,
                                      const Descriptor& descriptor) override;
  Answer<std::unique_ptr<arrow::flight::SchemaResult>> GetSchemaStatement(
      const Context& context, const arrow::flight::sql::StatementQuery& command, const Descriptor& descriptor) override;
  Answer<Stream> DoGetStatement(const Context& context,
                                const arrow::flight::sql::StatementQueryTicket& command) override;
  Answer<std::int64_t> DoPutCommandStatementUpdate(const Context& context,
                                                   const arrow::flight::sql::StatementUpdate& command) override;
  Answer<std::int64_t> DoPutCommandStatementIngest(const Context& context,
                                                   const arrow::flight::sql::StatementIngest& command,
                                                   arrow::flight::FlightMessageReader* reader) override;
  Answer<arrow::flight::CancelFlightInfoResult> CancelFlightInfo(
      const Context& context, const arrow::flight::CancelFlightInfoRequest& request) override;

  // Prepared statements.
  Answer<arrow::flight::sql::ActionCreatePreparedStatementResult> CreatePreparedStatement(
      const Context& context, const arrow::flight::sql::ActionCreatePreparedStatementRequest& request) override;
  arrow::Status ClosePreparedStatement(const Context& context,
                                       const arrow::flight::sql::ActionClosePreparedStatementRequest& request) override;
  Answer<Info> GetFlightInfoPreparedStatement(const Context& context,
                                              const arrow::flight::sql::PreparedStatementQuery& command,
                                              const Descriptor& descriptor) override;
  Answer<std::unique_ptr<arrow::flight::SchemaResult>> GetSchemaPreparedStatement(
      const Context& context, const arrow::flight::sql::PreparedStatementQuery& command,
      const Descriptor& descriptor) override;
  Answer<Stream> DoGetPreparedStatement(const Context& context,
                                        const arrow::flight::sql::PreparedStatementQuery& command) override;
  arrow::Status DoPutPreparedStatementQuery(const Context& context,
                                            const arrow::flight::sql::PreparedStatementQuery& command,
                                            arrow::flight::FlightMessageReader* reader,
                                            arrow::flight::FlightMetadataWriter* writer) override;
  Answer<std::int64_t> DoPutPreparedStatementUpdate(const Context& context,
                                                    const arrow::flight::sql::PreparedStatementUpdate& command,
                                                    arrow::flight::FlightMessageReader* reader) override;

  // Transactions.
  Answer<arrow::flight::sql::ActionBeginTransactionResult> BeginTransaction(
      const Context& context, const arrow::flight::sql::ActionBeginTransactionRequest& request) override;
  arrow::Status EndTransaction(const Context& context,
                               const arrow::flight::sql::ActionEndTransactionRequest& request) override;

  // Sessions (flight_handlers_sessions.cpp).
  Answer<arrow::flight::SetSessionOptionsResult> SetSessionOptions(
      const Context& context, const arrow::flight::SetSessionOptionsRequest& request) override;
  Answer<arrow::flight::GetSessionOptionsResult> GetSessionOptions(
      const Context& context, const arrow::flight::GetSessionOptionsRequest& request) override;
  Answer<arrow::flight::CloseSessionResult> CloseSession(const Context& context,
                                                         const arrow::flight::CloseSessionRequest& request) override;

  // What there is (flight_handlers_metadata.cpp).
  Answer<Info> GetFlightInfoSqlInfo(const Context& context, const arrow::flight::sql::GetSqlInfo& command,
                                    const Descriptor& descriptor) override;
  Answer<Info> GetFlightInfoXdbcTypeInfo(const Context& context, const arrow::flight::sql::GetXdbcTypeInfo& command,
                                         const Descriptor& descriptor) override;
  Answer<Stream> DoGetXdbcTypeInfo(const Context& context, const arrow::flight::sql::GetXdbcTypeInfo& command) override;
  Answer<Info> GetFlightInfoCatalogs(const Context& context, const Descriptor& descriptor) override;
  Answer<Stream> DoGetCatalogs(const Context& context) override;
  Answer<Info> GetFlightInfoSchemas(const Context& context, const arrow::flight::sql::GetDbSchemas& command,
                                    const Descriptor& descriptor) override;
  Answer<Stream> DoGetDbSchemas(const Context& context, const arrow::flight::sql::GetDbSchemas& command) override;
  Answer<Info> GetFlightInfoTables(const Context& context, const arrow::flight::sql::GetTables& command,
                                   const Descriptor& descriptor) override;
  Answer<Stream> DoGetTables(const Context& context, const arrow::flight::sql::GetTables& command) override;
  Answer<Info> GetFlightInfoTableTypes(const Context& context, const Descriptor& descriptor) override;
  Answer<Stream> DoGetTableTypes(const Context& context) override;
  Answer<Info> GetFlightInfoPrimaryKeys(const Context& context, const arrow::flight::sql::GetPrimaryKeys& command,
                                        const Descriptor& descriptor) override;
  Answer<Stream> DoGetPrimaryKeys(const Context& context, const arrow::flight::sql::GetPrimaryKeys& command) override;
  Answer<Info> GetFlightInfoExportedKeys(const Context& context, const arrow::flight::sql::GetExportedKeys& command,
                                         const Descriptor& descriptor) override;
  Answer<Stream> DoGetExportedKeys(const Context& context, const arrow::flight::sql::GetExportedKeys& command) override;
  Answer<Info> GetFlightInfoImportedKeys(const Context& context, const arrow::flight::sql::GetImportedKeys& command,
                                         const Descriptor& descriptor) override;
  Answer<Stream> DoGetImportedKeys(const Context& context, const arrow::flight::sql::GetImportedKeys& command) override;
  Answer<Info> GetFlightInfoCrossReference(const Context& context, const arrow::flight::sql::GetCrossReference& command,
                                           const Descriptor& descriptor) override;
  Answer<Stream> DoGetCrossReference(const Context& context,
                                     const arrow::flight::sql::GetCrossReference& command) override;

 private:
  Caller caller(const Context& context);
  // The rows of a catalog's function, with a session of the caller's.
  template <typename Function>
  Answer<Stream> metadata_stream(const Context& context, Function&& function);

  StatementService statements_;
  CallWatch watch_;  // after what it calls each second
};

}  // namespace hyprstream

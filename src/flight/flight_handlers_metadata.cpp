#include <utility>

#include "flight/flight_handlers.hpp"
#include "flight/flight_status.hpp"
#include "flight/type_info.hpp"

namespace hyprstream {
namespace {

namespace fl = arrow::flight;
using fl::sql::SqlSchema;

constexpr std::int64_t kUnknown = -1;

// An answer that says: fetch the rows here, with the command itself.
arrow::Result<FlightHandlers::Info> info_for(const std::shared_ptr<arrow::Schema>& schema,
                                             const fl::FlightDescriptor& descriptor) {
  const fl::FlightEndpoint endpoint({descriptor.cmd}, {}, std::nullopt, "");
  ARROW_ASSIGN_OR_RAISE(auto info, fl::FlightInfo::Make(schema, descriptor, {endpoint}, kUnknown, kUnknown, true));
  return std::make_unique<fl::FlightInfo>(std::move(info));
}

arrow::Result<FlightHandlers::Stream> stream_of(MetadataRows rows) {
  ARROW_ASSIGN_OR_RAISE(auto reader, to_flight(std::move(rows)));
  return std::make_unique<fl::RecordBatchStream>(std::move(reader));
}

}  // namespace

template <typename Function>
arrow::Result<FlightHandlers::Stream> FlightHandlers::metadata_stream(const Context& context, Function&& function) {
  return stream_of(statements_.with_session(caller(context), std::forward<Function>(function)));
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoSqlInfo(const Context& /*context*/,
                                                                         const fl::sql::GetSqlInfo& /*command*/,
                                                                         const Descriptor& descriptor) {
  return info_for(SqlSchema::GetSqlInfoSchema(), descriptor);
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoXdbcTypeInfo(
    const Context& /*context*/, const fl::sql::GetXdbcTypeInfo& /*command*/, const Descriptor& descriptor) {
  return info_for(SqlSchema::GetXdbcTypeInfoSchema(), descriptor);
}

arrow::Result<FlightHandlers::Stream> FlightHandlers::DoGetXdbcTypeInfo(const Context& /*context*/,
                                                                        const fl::sql::GetXdbcTypeInfo& command) {
  return stream_of(type_info(command.data_type));
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoCatalogs(const Context& /*context*/,
                                                                          const Descriptor& descriptor) {
  return info_for(SqlSchema::GetCatalogsSchema(), descriptor);
}

arrow::Result<FlightHandlers::Stream> FlightHandlers::DoGetCatalogs(const Context& context) {
  return metadata_stream(context, list_catalogs);
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoSchemas(const Context& /*context*/,
                                                                         const fl::sql::GetDbSchemas& /*command*/,
                                                                         const Descriptor& descriptor) {
  return info_for(SqlSchema::GetDbSchemasSchema(), descriptor);
}

arrow::Result<FlightHandlers::Stream> FlightHandlers::DoGetDbSchemas(const Context& context,
                                                                     const fl::sql::GetDbSchemas& command) {
  return metadata_stream(context, [&](Session& session) { return list_schemas(session, command); });
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoTables(const Context& /*context*/,
                                                                        const fl::sql::GetTables& command,
                                                                        const Descriptor& descriptor) {
  return info_for(
      command.include_schema ? SqlSchema::GetTablesSchemaWithIncludedSchema() : SqlSchema::GetTablesSchema(),
      descriptor);
}

arrow::Result<FlightHandlers::Stream> FlightHandlers::DoGetTables(const Context& context,
                                                                  const fl::sql::GetTables& command) {
  return metadata_stream(context, [&](Session& session) { return list_tables(session, command); });
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoTableTypes(const Context& /*context*/,
                                                                            const Descriptor& descriptor) {
  return info_for(SqlSchema::GetTableTypesSchema(), descriptor);
}

arrow::Result<FlightHandlers::Stream> FlightHandlers::DoGetTableTypes(const Context& /*context*/) {
  return stream_of(list_table_types());
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoPrimaryKeys(const Context& /*context*/,
                                                                             const fl::sql::GetPrimaryKeys& /*command*/,
                                                                             const Descriptor& descriptor) {
  return info_for(SqlSchema::GetPrimaryKeysSchema(), descriptor);
}

arrow::Result<FlightHandlers::Stream> FlightHandlers::DoGetPrimaryKeys(const Context& context,
                                                                       const fl::sql::GetPrimaryKeys& command) {
  return metadata_stream(context, [&](Session& session) { return list_primary_keys(session, command.table_ref); });
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoExportedKeys(
    const Context& /*context*/, const fl::sql::GetExportedKeys& /*command*/, const Descriptor& descriptor) {
  return info_for(SqlSchema::GetExportedKeysSchema(), descriptor);
}

arrow::Result<FlightHandlers::Stream> FlightHandlers::DoGetExportedKeys(const Context& context,
                                                                        const fl::sql::GetExportedKeys& command) {
  return metadata_stream(context,
                         [&](Session& session) { return list_foreign_keys(session, command.table_ref, std::nullopt); });
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoImportedKeys(
    const Context& /*context*/, const fl::sql::GetImportedKeys& /*command*/, const Descriptor& descriptor) {
  return info_for(SqlSchema::GetImportedKeysSchema(), descriptor);
}

arrow::Result<FlightHandlers::Stream> FlightHandlers::DoGetImportedKeys(const Context& context,
                                                                        const fl::sql::GetImportedKeys& command) {
  return metadata_stream(context,
                         [&](Session& session) { return list_foreign_keys(session, std::nullopt, command.table_ref); });
}

arrow::Result<FlightHandlers::Info> FlightHandlers::GetFlightInfoCrossReference(
    const Context& /*context*/, const fl::sql::GetCrossReference& /*command*/, const Descriptor& descriptor) {
  return info_for(SqlSchema::GetCrossReferenceSchema(), descriptor);
}

arrow::Result<FlightHandlers::Stream> FlightHandlers::DoGetCrossReference(const Context& context,
                                                                          const fl::sql::GetCrossReference& command) {
  return metadata_stream(context, [&](Session& session) {
    return list_foreign_keys(session, command.pk_table_ref, command.fk_table_ref);
  });
}

}  // namespace hyprstream

#include "catalog/database.hpp"

#include <format>
#include <string>
#include <utility>

#include "catalog/connection.hpp"
#include "catalog/duckdb_error.hpp"
#include "catalog/duckdb_handles.hpp"
#include "catalog/guarded_files.hpp"
#include "catalog/local_session.hpp"
#include "catalog/migrations.hpp"
#include "catalog/model_sql.hpp"
#include "catalog/sql_text.hpp"
#include "catalog/virtual_sql.hpp"

namespace hyprstream {
namespace {

Result<DuckConfig> make_config(const DatabaseOptions& options) {
  DuckConfig config;
  if (duckdb_create_config(config.out()) != DuckDBSuccess)
    return fail(ErrorCode::kResourceExhausted, "there is not enough memory for a database");
  const auto set = [&config](const char* name, const std::string& value) -> Result<void> {
    if (duckdb_set_config(config.get(), name, value.c_str()) == DuckDBSuccess) return {};
    return fail(ErrorCode::kInternal, std::format("DuckDB does not take the setting {} = {}", name, value));
  };
  HYPRSTREAM_TRY(set("errors_as_json", "true"));
  if (options.memory_bytes) HYPRSTREAM_TRY(set("memory_limit", std::format("{}B", *options.memory_bytes)));
  if (options.threads) HYPRSTREAM_TRY(set("threads", std::to_string(*options.threads)));
  if (options.statement_timeout.count() > 0)
    HYPRSTREAM_TRY(set("max_execution_time", std::to_string(options.statement_timeout.count())));
  if (options.locked_down) {
    HYPRSTREAM_TRY(set("autoload_known_extensions", "false"));
    HYPRSTREAM_TRY(set("allow_community_extensions", "false"));
    HYPRSTREAM_TRY(set("allow_persistent_secrets", "false"));
  }
  return config;
}

// In this order: what may be read cannot be said after everything else is forbidden.
Result<void> lock_down(Connection& connection, const DatabaseOptions& options) {
  std::string directories;
  for (const auto& directory : options.directories)
    directories += (directories.empty() ? "" : ", ") + sql_string(directory.string());
  HYPRSTREAM_TRY(connection.run(std::format("SET allowed_directories = [{}]", directories).c_str()));
  HYPRSTREAM_TRY(guard_database_files(connection, options.path));
  HYPRSTREAM_TRY(connection.run("SET enable_external_access = false"));
  return connection.run("SET lock_configuration = true");
}

CellRows rows_of(const std::vector<RowError>& errors) {
  CellRows rows;
  for (const auto& error : errors) rows.push_back({error.time, error.function, error.message, error.input});
  return rows;
}

Result<void> register_tables(Connection& connection, const std::shared_ptr<const ConnectionRegistry>& connections,
                             const std::vector<VirtualTable>& tables) {
  const VirtualTable errors{.name = "sql_errors",
                            .columns = {{"time", CellType::kTime}, {"function"}, {"message"}, {"input"}}};
  HYPRSTREAM_TRY(register_virtual_table(
      connection, {errors, [](const Connection& reader) { return rows_of(reader.errors()); }, connections}));
  for (const auto& table : tables)
    HYPRSTREAM_TRY(register_virtual_table(
        connection, {table, [read = table.read](const Connection&) { return read(); }, connections}));
  return {};
}

// "... is held in /usr/bin/python3.13 (PID 4711) ..." -> "4711 (python3.13)".
std::string holder_of_lock(std::string_view message) {
  constexpr std::string_view kPid = " (PID ";
  const auto pid = message.find(kPid);
  const auto end = message.find(')', pid);
  if (pid == std::string_view::npos || end == std::string_view::npos) return "of another user";
  const auto number = message.substr(pid + kPid.size(), end - pid - kPid.size());
  const auto program = message.substr(0, pid);
  return std::format("{} ({})", number, program.substr(program.find_last_of("/ ") + 1));
}

Error opening_error(Error error, const DatabaseOptions& options) {
  const auto file = options.path ? options.path->string() : std::string("in memory");
  if (error.code == ErrorCode::kUnavailable) {
    error.message = std::format("process {} has the database {} open", holder_of_lock(error.message), file);
    return error;
  }
  if (error.message.contains("version number") || error.message.contains("newer version"))
    error.code = ErrorCode::kUnsupported;
  error.message = std::format("the database {} cannot be opened: {}", file, error.message);
  return error;
}

}  // namespace

struct Database::Impl {
  DatabaseOptions options;
  std::shared_ptr<ConnectionRegistry> connections = std::make_shared<ConnectionRegistry>();
  ModelSql model;
  DuckDatabase handle;  // last, so that it ends first
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

Result<std::shared_ptr<Database>> Database::open(const DatabaseOptions& options) {
  HYPRSTREAM_ASSIGN(const auto config, make_config(options));
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  char* message = nullptr;
  const auto path = options.path ? options.path->string() : std::string();
  if (duckdb_open_ext(options.path ? path.c_str() : nullptr, impl->handle.out(), config.get(), &message) !=
      DuckDBSuccess) {
    const DuckText said(message);
    return std::unexpected(opening_error(translate_duckdb_error(said.get()), options));
  }
  std::shared_ptr<Database> database(new Database(std::move(impl)));
  HYPRSTREAM_ASSIGN(const auto connection, database->connection({}));
  auto& state = *database->impl_;
  state.model.model = options.model;
  state.model.connections = state.connections;
  HYPRSTREAM_TRY(register_model_functions(*connection, state.model));
  HYPRSTREAM_TRY(register_tables(*connection, state.connections, options.tables));
  if (options.own_tables) {
    if (const auto migrated = migrate_tables(*connection, table_migrations()); !migrated)
      return std::unexpected(opening_error(migrated.error(), options));
  }
  if (options.locked_down) HYPRSTREAM_TRY(lock_down(*connection, options));
  return database;
}

Result<std::shared_ptr<Connection>> Database::connection(const SessionOptions& options) {
  return Connection::create(shared_from_this(), impl_->handle.get(), impl_->connections, impl_->options, options);
}

Result<std::unique_ptr<Session>> Database::connect(const SessionOptions& options) {
  HYPRSTREAM_ASSIGN(auto made, connection(options));
  std::string setup = model_macros() + virtual_view("sql_errors");
  for (const auto& table : impl_->options.tables) setup += virtual_view(table.name);
  HYPRSTREAM_TRY(made->run(setup.c_str()));
  return std::make_unique<LocalSession>(std::move(made));
}

}  // namespace hyprstream

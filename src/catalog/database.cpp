#include "catalog/database.hpp"

#include <format>
#include <string>
#include <utility>

#include "catalog/connection.hpp"
#include "catalog/duckdb_error.hpp"
#include "catalog/duckdb_handles.hpp"
#include "catalog/local_session.hpp"
#include "catalog/sql_text.hpp"

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
  HYPRSTREAM_TRY(connection.run("SET enable_external_access = false"));
  return connection.run("SET lock_configuration = true");
}

Error opening_error(Error error, const DatabaseOptions& options) {
  const auto file = options.path ? options.path->string() : std::string("in memory");
  if (error.message.contains("version number") || error.message.contains("newer version"))
    error.code = ErrorCode::kUnsupported;
  error.message = std::format("the database {} cannot be opened: {}", file, error.message);
  return error;
}

}  // namespace

struct Database::Impl {
  DatabaseOptions options;
  DuckDatabase handle;
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
  if (options.locked_down) {
    HYPRSTREAM_ASSIGN(const auto connection, database->connection({}));
    HYPRSTREAM_TRY(lock_down(*connection, options));
  }
  return database;
}

Result<std::shared_ptr<Connection>> Database::connection(const SessionOptions& options) {
  return Connection::create(shared_from_this(), impl_->handle.get(), impl_->options, options);
}

Result<std::unique_ptr<Session>> Database::connect(const SessionOptions& options) {
  HYPRSTREAM_ASSIGN(auto made, connection(options));
  return std::make_unique<LocalSession>(std::move(made));
}

}  // namespace hyprstream

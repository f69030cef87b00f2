#include "cli/server_sql.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <format>
#include <system_error>
#include <utility>

#include "base/hex.hpp"
#include "base/paths.hpp"
#include "cli/sql_inventory.hpp"
#include "sql_shell/sql_endpoint.hpp"
#include "sql_shell/sql_module_loader.hpp"

namespace hyprstream {
namespace {

constexpr int kDefaultPort = 50051;  // of Flight SQL servers

Result<std::string> random_token() {
  std::array<std::byte, 24> bytes;
  if (::getentropy(bytes.data(), bytes.size()) != 0) return fail_errno("random bytes", errno);
  return to_hex(bytes);
}

constexpr const char* kLocalKey = "hyprstream sql";  // with a space, which no name in a file of keys has

// Keys of the server's clients, and the one of `hyprstream sql` beside it. Without keys nobody needs one.
Result<ApiKeys> with_local_key(ApiKeys keys, const std::string& token) {
  if (!keys.empty()) HYPRSTREAM_TRY(keys.add(kLocalKey, Scope::kAdmin, token));
  return keys;
}

class RunningSql final : public ServerSql {
 public:
  RunningSql(GenerationLogger& logger, std::string token) : logger_(logger), token_(std::move(token)) {}
  ~RunningSql() override {
    endpoint_.reset();
    flight_.reset();
    logger_.finish();
  }

  Result<void> set_keys(const ApiKeys& keys) override {
    HYPRSTREAM_ASSIGN(auto all, with_local_key(keys, token_));
    flight_->set_keys(std::move(all));
    return {};
  }
  std::shared_ptr<Database> database_;
  std::unique_ptr<SqlServer> flight_;
  std::optional<PublishedSqlEndpoint> endpoint_;

 private:
  GenerationLogger& logger_;
  std::string token_;
};

Result<DatabaseOptions> database_options(const ServerSqlFlags& flags, const ServedModel& model) {
  DatabaseOptions options{.path = data_home() / "hyprstream.duckdb",
                          .own_tables = true,
                          .memory_bytes = static_cast<std::uint64_t>(flags.memory_megabytes) * 1'000'000,
                          .threads = flags.threads,
                          .locked_down = true,
                          .statement_timeout = std::chrono::seconds(flags.timeout_seconds),
                          .model = std::make_shared<ServedModelFunctions>(model),
                          .tables = inventory_tables()};
  for (const auto& directory : flags.directories) {
    std::error_code error;
    auto path = std::filesystem::canonical(directory, error);
    if (error) return fail_errno("--sql-directory " + directory, error.value());
    options.directories.push_back(std::move(path));
  }
  std::error_code error;
  std::filesystem::create_directories(data_home(), error);
  if (error) return fail_errno(data_home().string(), error.value());
  return options;
}

// Where no port was asked for and the usual one is taken, any.
Result<std::unique_ptr<SqlServer>> listen(const HyprstreamSqlModule& module, const ServerSqlFlags& flags,
                                          FlightServerOptions options, const SessionSource& sessions) {
  options.port = flags.flight_port.value_or(kDefaultPort);
  auto server = module.start_flight(options, sessions);
  if (server || flags.flight_port || server.error().code != ErrorCode::kUnavailable) return server;
  options.port = 0;
  return module.start_flight(options, sessions);
}

}  // namespace

void ServerSqlFlags::declare(ArgumentList& arguments) {
  arguments.begin_section("SQL");
  arguments.integer("--flight-port", flight_port, {0, 65535}, "Port for Arrow Flight SQL; 0: any that is free",
                    "50051, or any if that is in use");
  arguments.flag("--no-sql", off, "Neither listen for SQL nor log requests");
  arguments.flag("--log-prompts", log_prompts, "Log what was asked and answered, not only how long it took");
  arguments.integer("--log-days", log_days, {1, 36500}, "Days after which logged requests are removed");
  arguments.integer("--log-rows", log_rows, {1, 1 << 30}, "Logged requests that are kept");
  arguments.texts("--sql-directory", "DIR", directories, "A directory whose files SQL may read and write");
  arguments.integer("--sql-memory", memory_megabytes, {64, 1 << 20}, "MB that SQL may use");
  arguments.integer("--sql-threads", threads, {1, 1024}, "Processor threads for SQL");
  arguments.integer("--sql-timeout", timeout_seconds, {0, 1 << 20}, "Seconds that a statement may take; 0: any time");
}

Result<ServerSqlStart> start_server_sql(const ServerSqlFlags& flags, const NetworkFlags& network, const ApiKeys& keys,
                                        const ServerSqlContext& context) {
  if (flags.off) return ServerSqlStart();
  HYPRSTREAM_ASSIGN(const auto* module, load_sql_module());
  HYPRSTREAM_ASSIGN(const auto options, database_options(flags, context.model));
  auto database = module->open_database(options);
  if (!database && database.error().code == ErrorCode::kUnavailable)
    return ServerSqlStart{.said = "without SQL and the log of requests: " + database.error().message};
  if (!database) return std::unexpected(std::move(database).error());
  HYPRSTREAM_ASSIGN(auto token, random_token());
  auto sql = std::make_unique<RunningSql>(*context.logger, token);
  sql->database_ = *database;

  FlightServerOptions flight{.host = network.host, .version = HYPRSTREAM_VERSION};
  HYPRSTREAM_ASSIGN(flight.keys, with_local_key(keys, token));
  flight.limits.statement_time = options.statement_timeout;
  if (network.tls_cert)
    flight.tls =
        TlsSettings{.certificate = *network.tls_cert, .key = *network.tls_key, .client_ca = network.tls_client_ca};
  const SessionSource sessions = [module, database = *database](Scope scope) {
    return module->connect(*database,
                           {.permission = scope == Scope::kAdmin ? SqlPermission::kWrite : SqlPermission::kRead});
  };
  HYPRSTREAM_ASSIGN(sql->flight_, listen(*module, flags, std::move(flight), sessions));
  HYPRSTREAM_ASSIGN(auto endpoint,
                    PublishedSqlEndpoint::publish(sql_endpoint_path(), {.process = ::getpid(),
                                                                        .host = network.host,
                                                                        .port = sql->flight_->port(),
                                                                        .tls = network.tls_cert.has_value(),
                                                                        .token = keys.empty() ? "" : token}));
  sql->endpoint_.emplace(std::move(endpoint));
  HYPRSTREAM_ASSIGN(auto log,
                    module->make_generation_log(*database, {.most_age = std::chrono::hours(24) * flags.log_days,
                                                            .most_rows = static_cast<std::uint64_t>(flags.log_rows)}));
  context.logger->begin(std::move(log), context.model_id, context.model.service->engine(), flags.log_prompts);
  auto said =
      std::format("SQL on {}://{}:{}", network.tls_cert ? "grpc+tls" : "grpc", network.host, sql->flight_->port());
  return ServerSqlStart{.sql = std::move(sql), .said = std::move(said)};
}

}  // namespace hyprstream

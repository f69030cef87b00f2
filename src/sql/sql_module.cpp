#include "sql/sql_module.hpp"

#include <utility>

#include "catalog/duckdb_formatter.hpp"
#include "catalog/duckdb_version.hpp"
#include "flight/arrow_version.hpp"

namespace {

using namespace hyprstream;

Result<std::unique_ptr<Session>> connect(Database& database, const SessionOptions& options) {
  return database.connect(options);
}

class ListeningServer final : public SqlServer {
 public:
  explicit ListeningServer(std::unique_ptr<FlightServer> server) : server_(std::move(server)) {}
  int port() const noexcept override { return server_->port(); }
  void set_keys(ApiKeys keys) override { server_->set_keys(std::move(keys)); }

 private:
  std::unique_ptr<FlightServer> server_;
};

Result<std::unique_ptr<SqlServer>> start_flight(FlightServerOptions options, SessionSource sessions) {
  HYPRSTREAM_ASSIGN(auto server, FlightServer::create(std::move(options), std::move(sessions)));
  return std::make_unique<ListeningServer>(std::move(server));
}

}  // namespace

const HyprstreamSqlModule* hyprstream_sql_module() {
  static constexpr HyprstreamSqlModule kModule{
      .abi_version = kSqlModuleAbi,
      .program_version = HYPRSTREAM_VERSION,
      .duckdb_version = duckdb_runtime_version,
      .arrow_version = arrow_runtime_version,
      .open_database = Database::open,
      .connect = connect,
      .make_generation_log = make_generation_log,
      .start_flight = start_flight,
      .connect_flight = connect_flight,
      .make_formatter = make_duckdb_formatter,
  };
  return &kModule;
}

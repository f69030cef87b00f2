// The Flight SQL server by itself, for the tests of its clients: without a model, and ended by the end of its input.
//   flight_server_main [--database FILE] [--keys FILE] [--tls-cert FILE --tls-key FILE [--client-ca FILE]]
//                      [--running N] [--waiting N] [--idle-ms N] [--statement-ms N]
// Prints the port.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "catalog/database.hpp"
#include "flight/flight_server.hpp"

namespace {

using namespace hyprstream;

template <typename T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> flags;
  for (int i = 1; i + 1 < argc; i += 2) flags[argv[i]] = argv[i + 1];
  DatabaseOptions options{.locked_down = true};
  if (flags.contains("--database")) options.path = flags["--database"];
  const auto database = must(Database::open(options));

  FlightServerOptions server_options{.port = 0, .version = "test"};
  if (flags.contains("--keys")) server_options.keys = must(ApiKeys::read(flags["--keys"]));
  if (flags.contains("--tls-cert")) {
    server_options.tls = TlsSettings{.certificate = flags["--tls-cert"], .key = flags["--tls-key"], .client_ca = {}};
    if (flags.contains("--client-ca")) server_options.tls->client_ca = flags["--client-ca"];
  }
  auto& limits = server_options.limits;
  if (flags.contains("--running")) limits.queries.running = std::atoi(flags["--running"].c_str());
  if (flags.contains("--waiting")) limits.queries.waiting = std::atoi(flags["--waiting"].c_str());
  if (flags.contains("--idle-ms"))
    limits.statement_idle = limits.transaction_idle = std::chrono::milliseconds(std::atoi(flags["--idle-ms"].c_str()));
  if (flags.contains("--statement-ms"))
    limits.statement_time = std::chrono::milliseconds(std::atoi(flags["--statement-ms"].c_str()));
  const auto server = must(FlightServer::create(std::move(server_options), [&](Scope scope) {
    return database->connect({.permission = scope == Scope::kAdmin ? SqlPermission::kWrite : SqlPermission::kRead});
  }));
  std::printf("%d\n", server->port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}

#include "cli/sql_connector.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file_descriptor.hpp"
#include "base/paths.hpp"
#include "cli/served_model_functions.hpp"
#include "cli/sql_inventory.hpp"
#include "sql_shell/sql_endpoint.hpp"
#include "sql_shell/sql_module_loader.hpp"
#include "terminal/input_text.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

constexpr int kDefaultPort = 50051;
constexpr std::size_t kLongestToken = 4096;

// Where a server listens that says it listens everywhere.
std::string reachable(const std::string& host) {
  return host.empty() || host == "0.0.0.0" || host == "::" ? "127.0.0.1" : host;
}

Result<std::string> read_token(const std::string& path, const InterruptScope& interrupt) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno(path, errno);
  HYPRSTREAM_ASSIGN(auto token, read_input(file.get(), path, kLongestToken, interrupt));
  while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  if (token.empty()) return fail(ErrorCode::kInvalidArgument, std::format("{} has no key in it", path));
  return token;
}

Result<FlightClientOptions> server_address(const std::string& text) {
  FlightClientOptions options;
  std::string_view rest = text;
  static constexpr std::array<std::pair<std::string_view, bool>, 3> kSchemes{
      {{"grpc+tls://", true}, {"grpc+tcp://", false}, {"grpc://", false}}};
  for (const auto& [scheme, tls] : kSchemes)
    if (rest.starts_with(scheme)) {
      rest.remove_prefix(scheme.size());
      options.tls = tls;
      break;
    }
  options.host = rest;
  options.port = kDefaultPort;
  const auto colon = rest.rfind(':');
  const bool v6 = rest.starts_with('[');
  if (colon != std::string_view::npos && (!v6 || colon > rest.find(']'))) {
    HYPRSTREAM_ASSIGN(const auto port, parse_integer("the port of --host", rest.substr(colon + 1), {1, 65535}));
    options.port = static_cast<int>(port);
    options.host = rest.substr(0, colon);
  }
  if (v6 && options.host.ends_with(']')) options.host = options.host.substr(1, options.host.size() - 2);
  if (options.host.empty())
    return fail(ErrorCode::kInvalidArgument, std::format("--host must be HOST:PORT, not '{}'", text));
  return options;
}

class Connector {
 public:
  Connector(const HyprstreamSqlModule& module, const SqlConnectionFlags& flags, bool exact_types, Console& console,
            std::optional<InterruptScope>& interrupt)
      : module_(module), flags_(flags), exact_types_(exact_types), console_(console), interrupt_(interrupt) {}

  Result<SqlConnection> connect() {
    if (flags_.server) {
      if (flags_.database) return fail(ErrorCode::kInvalidArgument, "--host and --database name two databases");
      HYPRSTREAM_ASSIGN(auto options, server_address(*flags_.server));
      return to_server(std::move(options));
    }
    DatabaseOptions options;
    HYPRSTREAM_ASSIGN(options, database_options());
    for (bool told = false;;) {
      // Looked for each time: the process that is waited for may be a server that is just starting.
      if (!flags_.database) {
        HYPRSTREAM_ASSIGN(const auto endpoint, find_sql_endpoint(sql_endpoint_path()));
        if (endpoint)
          return to_server({.host = reachable(endpoint->host),
                            .port = endpoint->port,
                            .token = endpoint->token,
                            .tls = endpoint->tls});
      }
      auto database = module_.open_database(options);
      if (database) return to_database(std::move(*database));
      if (database.error().code != ErrorCode::kUnavailable) return std::unexpected(std::move(database).error());
      if (!std::exchange(told, true)) console_.status("hyprstream: waiting: " + database.error().message);
      for (int i = 0; i < 10; ++i) {
        if (interrupt_->was_interrupted()) return fail(ErrorCode::kCancelled, "interrupted");
        std::this_thread::sleep_for(20ms);
      }
    }
  }

 private:
  Result<DatabaseOptions> database_options() {
    DatabaseOptions options;
    options.tables = inventory_tables();
    options.model =
        std::make_shared<LazyModelFunctions>([&flags = flags_, &console = console_, &interrupt = interrupt_] {
          return local_model_path(flags.model, flags.hub, console, *interrupt).and_then([&](const std::string& path) {
            return load_model_functions(flags.engine, path, *interrupt);
          });
        });
    if (flags_.database) {
      if (*flags_.database != ":memory:") options.path = *flags_.database;
      return options;
    }
    options.path = data_home() / "hyprstream.duckdb";
    options.own_tables = true;
    std::error_code error;
    std::filesystem::create_directories(data_home(), error);
    if (error) return fail_errno(data_home().string(), error.value());
    return options;
  }

  Result<SqlConnection> to_database(std::shared_ptr<Database> database) {
    SqlConnection made{.database = std::move(database)};
    HYPRSTREAM_ASSIGN(made.session, module_.connect(*made.database, {.exact_types = exact_types_}));
    HYPRSTREAM_ASSIGN(made.formatter, module_.make_formatter(*made.database));
    return made;
  }

  Result<SqlConnection> to_server(FlightClientOptions options) {
    if (flags_.token_file) {
      HYPRSTREAM_ASSIGN(options.token, read_token(*flags_.token_file, *interrupt_));
    } else if (const char* key = std::getenv("HYPRSTREAM_API_KEY"); options.token.empty() && key != nullptr) {
      options.token = key;
    }
    if (flags_.tls_cert.has_value() != flags_.tls_key.has_value())
      return fail(ErrorCode::kInvalidArgument, "--tls-cert and --tls-key belong together: one is missing");
    options.tls = options.tls || flags_.tls_ca || flags_.tls_cert;
    options.tls_ca = flags_.tls_ca;
    options.client_certificate = flags_.tls_cert;
    options.client_key = flags_.tls_key;
    SqlConnection made{.server = std::format("{}:{}", options.host, options.port)};
    HYPRSTREAM_ASSIGN(made.session, module_.connect_flight(options));
    // Nothing that a server says may reach further than the files that it is asked for.
    DatabaseOptions formatting{.threads = 1, .locked_down = true};
    for (const auto& directory : flags_.result_directories) {
      std::error_code error;
      formatting.directories.push_back(std::filesystem::weakly_canonical(directory, error));
    }
    HYPRSTREAM_ASSIGN(made.database, module_.open_database(formatting));
    HYPRSTREAM_ASSIGN(made.formatter, module_.make_formatter(*made.database));
    return made;
  }

  const HyprstreamSqlModule& module_;
  const SqlConnectionFlags& flags_;
  const bool exact_types_;
  Console& console_;
  std::optional<InterruptScope>& interrupt_;
};

}  // namespace

void SqlConnectionFlags::declare(ArgumentList& arguments) {
  arguments.begin_section("Database");
  arguments.file("--database", "FILE", database, "Another database; ':memory:' for one that is forgotten",
                 "hyprstream.duckdb in the data directory, or the server that has it open");
  arguments.text("--host", "HOST:PORT", server, "A Flight SQL server; grpc+tls://HOST:PORT for one with TLS",
                 "the one that has the database open, if there is one");
  arguments.file("--token-file", "FILE", token_file, "A file with the key to show", "HYPRSTREAM_API_KEY");
  arguments.file("--tls-ca", "FILE", tls_ca, "Who has signed the server's certificate, in PEM", "the system's");
  arguments.file("--tls-cert", "FILE", tls_cert, "A certificate to show, in PEM", "none");
  arguments.file("--tls-key", "FILE", tls_key, "Its private key in PEM");
  arguments.begin_section("Model of generate(), embed() and the like");
  arguments.file("--model,-m", "MODEL", model, std::string(kModelForms), "the bundled model");
  hub.declare(arguments);
  engine.declare(arguments, /*short_names=*/false);
}

Result<SqlConnection> connect_sql(const SqlConnectionFlags& flags, bool exact_types, Console& console,
                                  std::optional<InterruptScope>& interrupt) {
  HYPRSTREAM_ASSIGN(const auto* module, load_sql_module());
  return Connector(*module, flags, exact_types, console, interrupt).connect();
}

}  // namespace hyprstream

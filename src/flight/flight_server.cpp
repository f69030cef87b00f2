#include "flight/flight_server.hpp"

#include <arrow/flight/server.h>
#include <arrow/flight/server_auth.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <format>
#include <fstream>
#include <iterator>
#include <mutex>
#include <utility>

#include "flight/access_middleware.hpp"
#include "flight/call_interceptor.hpp"
#include "flight/flight_handlers.hpp"
#include "flight/flight_status.hpp"

namespace hyprstream {
namespace {

namespace fl = arrow::flight;

constexpr int kLookahead = 8 << 20;

// TlsContext has seen that it can be read, and is what it should be.
std::string read_pem(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<void> set_tls(const TlsSettings& settings, fl::FlightServerOptions& options) {
  HYPRSTREAM_TRY(TlsContext::create(settings));
  options.tls_certificates.push_back({read_pem(settings.certificate), read_pem(settings.key)});
  if (settings.client_ca) {
    options.verify_client = true;
    options.root_certificates = read_pem(*settings.client_ca);
  }
  return {};
}

void set_limits(grpc::ServerBuilder& builder, const FlightServerOptions& options) {
  follow_calls(builder);
  grpc::ResourceQuota quota("hyprstream");
  quota.SetMaxThreads(options.threads);
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.message_bytes));
  // A second server must not share the port: clients would reach either.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Of an upload, so much comes in while the rows before are put into their table.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kLookahead);
  // A client whose machine has vanished does not hold its statements for ever.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
}

}  // namespace

struct FlightServer::Impl {
  Impl(SessionSource sessions, const StatementLimits& limits, const std::string& version)
      : handlers(std::move(sessions), limits, version) {}

  std::shared_ptr<const ApiKeys> current_keys() const {
    const std::scoped_lock lock(mutex);
    return keys;
  }

  mutable std::mutex mutex;
  std::shared_ptr<const ApiKeys> keys;  // under mutex
  std::chrono::seconds goodbye{};
  FlightHandlers handlers;
};

FlightServer::FlightServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<FlightServer>> FlightServer::create(FlightServerOptions options, SessionSource sessions) {
  auto impl = std::make_unique<Impl>(std::move(sessions), options.limits, options.version);
  impl->keys = std::make_shared<const ApiKeys>(std::move(options.keys));
  impl->goodbye = options.goodbye;
  const auto make_location = options.tls ? fl::Location::ForGrpcTls : fl::Location::ForGrpcTcp;
  HYPRSTREAM_ASSIGN(const auto location, from_flight(make_location(options.host, options.port)));
  fl::FlightServerOptions flight(location);
  if (options.tls) HYPRSTREAM_TRY(set_tls(*options.tls, flight));
  flight.auth_handler = std::make_shared<fl::NoOpAuthHandler>();  // without one there is no handshake to log in with
  flight.middleware.emplace_back(AccessMiddleware::kName, std::make_shared<AccessMiddlewareFactory>(
                                                              [impl = impl.get()] { return impl->current_keys(); }));
  flight.builder_hook = [&options](void* builder) { set_limits(*static_cast<grpc::ServerBuilder*>(builder), options); };
  if (const auto status = impl->handlers.Init(flight); !status.ok())
    return fail(
        ErrorCode::kUnavailable,
        std::format("Flight SQL cannot listen on {}:{}: the port is taken, or the address is not this machine's",
                    options.host, options.port));
  return std::unique_ptr<FlightServer>(new FlightServer(std::move(impl)));
}

FlightServer::~FlightServer() {
  impl_->handlers.cancel_all();
  const auto deadline = std::chrono::system_clock::now() + impl_->goodbye;
  static_cast<void>(impl_->handlers.Shutdown(&deadline));
}

int FlightServer::port() const noexcept { return impl_->handlers.port(); }

void FlightServer::set_keys(ApiKeys keys) {
  const std::scoped_lock lock(impl_->mutex);
  impl_->keys = std::make_shared<const ApiKeys>(std::move(keys));
}

}  // namespace hyprstream

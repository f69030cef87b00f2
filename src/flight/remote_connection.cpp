#include "flight/remote_connection.hpp"

#include <arrow/flight/client_cookie_middleware.h>
#include <arrow/flight/sql/server.h>

#include <cerrno>
#include <format>
#include <fstream>
#include <iterator>
#include <utility>

#include "flight/flight_status.hpp"

namespace hyprstream {
namespace {

namespace fl = arrow::flight;

constexpr double kGoodbyeSeconds = 2;  // for the server to answer when this side is about to end anyway

Result<std::string> read_pem(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return fail_errno(path.string(), errno);
  if (!text.contains("-----BEGIN ")) return fail(ErrorCode::kInvalidArgument, path.string() + " is not a file in PEM");
  return text;
}

Result<fl::FlightClientOptions> client_options(const FlightClientOptions& options) {
  auto made = fl::FlightClientOptions::Defaults();
  made.middleware.push_back(fl::GetCookieFactory());
  // So much of a result comes in while the rows before are worked on; gRPC's own name for it.
  made.generic_options.emplace_back("grpc.http2.lookahead_bytes", 8 << 20);
  if (options.client_certificate.has_value() != options.client_key.has_value())
    return fail(ErrorCode::kInvalidArgument, "a client's certificate and its key belong together: one is missing");
  if (options.tls_ca) {
    HYPRSTREAM_ASSIGN(made.tls_root_certs, read_pem(*options.tls_ca));
  }
  if (options.client_certificate) {
    HYPRSTREAM_ASSIGN(made.cert_chain, read_pem(*options.client_certificate));
    HYPRSTREAM_ASSIGN(made.private_key, read_pem(*options.client_key));
  }
  return made;
}

}  // namespace

Result<std::shared_ptr<RemoteConnection>> RemoteConnection::open(const FlightClientOptions& options) {
  const auto make_location = options.tls ? fl::Location::ForGrpcTls : fl::Location::ForGrpcTcp;
  HYPRSTREAM_ASSIGN(const auto location, from_flight(make_location(options.host, options.port)));
  HYPRSTREAM_ASSIGN(const auto settings, client_options(options));
  HYPRSTREAM_ASSIGN(auto client, from_flight(fl::FlightClient::Connect(location, settings)));
  fl::FlightCallOptions call;
  if (!options.token.empty()) call.headers.emplace_back("authorization", "Bearer " + options.token);
  std::shared_ptr<RemoteConnection> connection(new RemoteConnection(std::move(client), std::move(call)));
  HYPRSTREAM_TRY(connection->open_session(options));
  return connection;
}

Result<void> RemoteConnection::open_session(const FlightClientOptions& options) {
  auto call = call_;
  call.timeout = fl::TimeoutDuration(static_cast<double>(options.connect_timeout.count()));
  const auto opened = sql_.SetSessionOptions(call, {});
  has_session_ = opened.ok();
  if (opened.ok() || opened.status().IsNotImplemented()) return {};
  auto error = from_flight_status(opened.status());
  if (error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kIo)
    error.message = std::format("no server answers at {}:{}{}: {}", options.host, options.port,
                                options.tls ? " with TLS" : "", error.message);
  return std::unexpected(std::move(error));
}

RemoteConnection::~RemoteConnection() {
  if (!has_session_) return;
  auto call = call_;
  call.timeout = fl::TimeoutDuration(kGoodbyeSeconds);
  static_cast<void>(sql_.CloseSession(call, {}));
}

void RemoteConnection::set_running(std::string handle, std::shared_ptr<fl::FlightStreamReader> stream) {
  const std::scoped_lock lock(mutex_);
  running_ = std::move(handle);
  stream_ = std::move(stream);
}

void RemoteConnection::interrupt() noexcept {
  interrupted_ = true;
  std::string handle;
  {
    const std::scoped_lock lock(mutex_);
    if (stream_ != nullptr) stream_->Cancel();
    handle = running_;
  }
  if (handle.empty()) return;
  // What runs there without a stream yet - a change, the first rows of a query - the server ends by its handle.
  const auto ticket = fl::sql::CreateStatementQueryTicket(handle);
  if (!ticket.ok()) return;
  auto info = fl::FlightInfo::Make(arrow::Schema({}), fl::FlightDescriptor::Command(""),
                                   {fl::FlightEndpoint({*ticket}, {}, std::nullopt, "")}, -1, -1);
  if (!info.ok()) return;
  auto call = call_;
  call.timeout = fl::TimeoutDuration(kGoodbyeSeconds);
  static_cast<void>(
      sql_.CancelFlightInfo(call, fl::CancelFlightInfoRequest(std::make_unique<fl::FlightInfo>(std::move(*info)))));
}

Error RemoteConnection::error(const arrow::Status& status) const {
  if (interrupted_) return {.code = ErrorCode::kCancelled, .message = "the statement was cancelled"};
  return from_flight_status(status);
}

}  // namespace hyprstream

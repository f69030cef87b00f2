#include "http/http_server.hpp"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <format>
#include <new>
#include <thread>
#include <utility>
#include <variant>

#include "base/log.hpp"
#include "http/admission.hpp"
#include "http/client_watch.hpp"
#include "http/connection_server.hpp"
#include "http/error_response.hpp"
#include "http/request_body.hpp"
#include "http/request_head.hpp"

namespace hyprstream {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

class SinkWriter final : public BodyWriter {
 public:
  explicit SinkWriter(httplib::DataSink& sink) : sink_(sink) {}
  bool write(std::string_view bytes) override { return sink_.write(bytes.data(), bytes.size()); }

 private:
  httplib::DataSink& sink_;
};

// Without its body.
HttpRequest convert(const httplib::Request& from) {
  HttpRequest request{.method = from.method, .path = from.path};
  for (const auto& [name, value] : from.params) request.query.emplace(name, value);
  for (const auto& [name, value] : from.headers) {
    auto& joined = request.headers[lower(name)];
    joined += (joined.empty() ? "" : ", ") + value;
  }
  return request;
}

// A request whose head has been let in, between the handlers that httplib calls.
struct Admitted {
  HttpRequest request;
  const Route* route;
};
constexpr const char* kAdmitted = "admitted";
constexpr const char* kCounted = "counted";

}  // namespace

struct HttpServer::Impl {
  Impl(HttpServerOptions settings, std::vector<Route> table)
      : options(std::move(settings)),
        routes(std::move(table)),
        policy(std::make_shared<const AccessPolicy>(std::move(options.policy))),
        server(
            {.connections = options.max_connections,
             .requests = options.max_requests,
             .request = options.request_timeout,
             .write = options.write_timeout,
             .idle = options.keep_alive},
            [this] { return policy.load()->tls; }, [this](int status) { count("", "", status); }) {}

  HttpServerOptions options;  // without its policy
  std::vector<Route> routes;
  std::atomic<std::shared_ptr<const AccessPolicy>> policy;
  int port = 0;
  ClientWatch watch;
  ConnectionServer server;
  std::thread thread;

  void count(std::string_view method, std::string_view route, int status) const {
    if (options.answered) options.answered(method, route, status);
  }
  // Whether the request is answered by its head alone.
  bool decide(const httplib::Request& from, httplib::Response& to);
  void handle(const httplib::Request& from, Body body, httplib::Response& to);
  HttpResponse call(const Route& route, const HttpRequest& request) const;
  void respond(const httplib::Request& from, const HttpRequest& request, const Route* route, HttpResponse response,
               std::shared_ptr<ClientWatch::Entry> entry, httplib::Response& to);
  void install_handlers();
};

bool HttpServer::Impl::decide(const httplib::Request& from, httplib::Response& to) {
  auto request = convert(from);
  const auto answer = [&](HttpResponse response) {
    respond(from, request, nullptr, std::move(response), nullptr, to);
    return true;
  };
  if (const auto error = check_framing(request)) return answer(error_response(*error));
  auto admitted = admit(*policy.load(), routes, request);
  if (auto* instead = std::get_if<HttpResponse>(&admitted)) return answer(std::move(*instead));
  if (const auto error = check_body_length(request, options.max_body)) return answer(error_response(*error));
  to.user_data.set(kAdmitted, Admitted{std::move(request), std::get<const Route*>(admitted)});
  return false;
}

HttpResponse HttpServer::Impl::call(const Route& route, const HttpRequest& request) const {
  try {
    return route.handler(request);
  } catch (const std::bad_alloc&) {
    return error_response({503, "server_error", "there is not enough memory for this request", "overloaded", ""});
  } catch (const std::exception& error) {
    log_line(LogLevel::kError, std::format("{} {}: {}", request.method, request.path, error.what()));
    return error_response({500, "server_error", "this is a bug in hyprstream", "internal_error", ""});
  }
}

void HttpServer::Impl::handle(const httplib::Request& from, Body body, httplib::Response& to) {
  auto [request, route] = std::move(*to.user_data.get<Admitted>(kAdmitted));
  request.body = std::move(body.whole);
  request.parts = std::move(body.parts);
  server.begin_answer(/*interim=*/from.version == "HTTP/1.1");
  auto entry = std::make_shared<ClientWatch::Entry>(watch, ConnectionServer::client_has_gone());
  request.disconnected = entry->token();
  auto response = call(*route, request);
  respond(from, request, route, std::move(response), std::move(entry), to);
}

void HttpServer::Impl::respond(const httplib::Request& from, const HttpRequest& request, const Route* route,
                               HttpResponse response, std::shared_ptr<ClientWatch::Entry> entry,
                               httplib::Response& to) {
  // Only those that are allowed come so far without an error; and an error may be read by whoever caused it.
  if (const auto origin = request.headers.find("origin");
      origin != request.headers.end() && is_allowed_origin(request, *policy.load())) {
    response.headers.emplace_back("Access-Control-Allow-Origin", origin->second);
    response.headers.emplace_back("Access-Control-Expose-Headers", "Retry-After");
    response.headers.emplace_back("Vary", "Origin");
  }
  log_line(LogLevel::kInfo, std::format("{} {} {} {}", from.method, from.path, response.status, request.client.key_id));
  count(from.method, route == nullptr ? "" : std::string_view(route->path), response.status);
  to.user_data.set(kCounted, true);
  to.status = response.status;
  const bool failed = response.status >= 400;
  // httplib takes the next request of the connection for the body of this one.
  const bool no_end = from.method != "GET" && from.method != "HEAD" && !says_body_length(from);
  if (failed || no_end) ConnectionServer::close_after_answer();
  // To errors, and to those who close themselves, httplib says it.
  if (no_end && !failed && from.get_header_value("Connection") != "close") to.set_header("Connection", "close");
  for (const auto& [name, value] : response.headers) to.set_header(name, value);
  if (!response.stream) return to.set_content(response.body, response.content_type);
  to.set_chunked_content_provider(response.content_type,
                                  [stream = std::move(response.stream), entry](std::size_t, httplib::DataSink& sink) {
                                    SinkWriter writer(sink);
                                    stream(writer);
                                    sink.done();
                                    return true;
                                  });
}

void HttpServer::Impl::install_handlers() {
  server.set_pre_routing_handler([this](const httplib::Request& from, httplib::Response& to) {
    return decide(from, to) ? httplib::Server::HandlerResponse::Handled : httplib::Server::HandlerResponse::Unhandled;
  });
  // Who is refused is not told to send a body.
  server.set_expect_100_continue_handler([this](const httplib::Request& from, httplib::Response& to) {
    return decide(from, to) ? to.status : static_cast<int>(httplib::StatusCode::Continue_100);
  });
  // All methods and paths: routing is ours.
  const auto without_body = [this](const httplib::Request& from, httplib::Response& to) { handle(from, {}, to); };
  const auto with_body = [this](const httplib::Request& from, httplib::Response& to,
                                const httplib::ContentReader& read) {
    auto body = [&] {
      const ConnectionServer::BodyScope scope(server);
      return read_body(from, read, options.max_body);
    }();
    if (body) return handle(from, std::move(*body), to);
    const auto& [request, route] = *to.user_data.get<Admitted>(kAdmitted);
    // httplib may have found an encoding that it does not know: 415.
    const int status = body.error() == 413 || to.status < 400 ? body.error() : to.status;
    auto error = HttpError{status, "invalid_request_error", "the body cannot be read", "bad_request", ""};
    if (status == 413) error = body_too_large(options.max_body);
    if (ConnectionServer::is_request_late()) error = request_too_slow();
    respond(from, request, route, error_response(error), nullptr, to);
  };
  server.Get(".*", without_body);
  server.Options(".*", without_body);
  server.Delete(".*", without_body);
  server.Post(".*", httplib::Server::HandlerWithContentReader(with_body));
  server.Put(".*", httplib::Server::HandlerWithContentReader(with_body));
  server.Patch(".*", httplib::Server::HandlerWithContentReader(with_body));
  // What httplib refuses itself.
  server.set_error_handler([this](const httplib::Request&, httplib::Response& to) {
    if (!to.body.empty()) return;
    ConnectionServer::close_after_answer();
    auto error = head_error(to.status == 414 ? HeadState::kTargetTooLong : HeadState::kMalformed);
    error.status = to.status;
    if (to.status == 413) error = body_too_large(options.max_body);
    // Of a request that broke off, httplib says that it is malformed.
    if (ConnectionServer::is_request_late()) error = request_too_slow();
    to.status = error.status;
    // It also throws away what it was given for a body that unpacks to too much.
    if (to.user_data.get<bool>(kCounted) == nullptr) count("", "", to.status);
    to.set_content(error_body(error), "application/json");
  });
}

Result<std::unique_ptr<HttpServer>> HttpServer::create(HttpServerOptions options, std::vector<Route> routes) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(routes));
  auto& server = impl->server;
  const auto& settings = impl->options;
  // httplib's default lets two servers share a port, each getting some of the connections.
  server.set_socket_options([](socket_t socket) { httplib::set_socket_opt(socket, SOL_SOCKET, SO_REUSEADDR, 1); });
  // What the header Keep-Alive says; the connections themselves are ours.
  server.set_keep_alive_timeout(settings.keep_alive.count());
  server.set_payload_max_length(settings.max_body);  // a second line: decide() and read_body() have the limit
  impl->install_handlers();
  const bool bound = settings.port == 0 ? (impl->port = server.bind_to_any_port(settings.host)) > 0
                                        : server.bind_to_port(settings.host, impl->port = settings.port);
  if (!bound)
    return fail(ErrorCode::kUnavailable, std::format("cannot listen on {}:{}: is another server there? Choose another "
                                                     "port with --port",
                                                     settings.host, settings.port));
  server.lengthen_backlog();
  impl->thread = std::thread([state = impl.get()] { state->server.listen_after_bind(); });
  server.wait_until_ready();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  stop_listening();
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->server.end_connections();
}

int HttpServer::port() const noexcept { return impl_->port; }
void HttpServer::set_policy(AccessPolicy policy) {
  impl_->policy.store(std::make_shared<const AccessPolicy>(std::move(policy)));
}
void HttpServer::stop_listening() { impl_->server.stop(); }
bool HttpServer::wait_until_answered(std::chrono::milliseconds timeout) {
  return impl_->server.wait_until_answered(timeout);
}

}  // namespace hyprstream

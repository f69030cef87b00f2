#include "http/http_server.hpp"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <expected>
#include <format>
#include <functional>
#include <limits>
#include <list>
#include <mutex>
#include <new>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "http/connection_server.hpp"
#include "http/error_response.hpp"
#include "http/router.hpp"

namespace hyprstream {
namespace {

// How often it is looked whether the clients of running requests are still there.
constexpr std::chrono::milliseconds kLookForClients{50};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

// Asks a request to stop once its client has gone, for as long as this lives.
class ClientWatch {
 public:
  ClientWatch() : thread_([this](const std::stop_token& stop) { run(stop); }) {}

  class Entry {
   public:
    Entry(ClientWatch& watch, std::function<bool()> is_gone) : watch_(watch), is_gone_(std::move(is_gone)) {
      const std::scoped_lock lock(watch_.mutex_);
      at_ = watch_.entries_.insert(watch_.entries_.end(), this);
    }
    ~Entry() {
      const std::scoped_lock lock(watch_.mutex_);
      watch_.entries_.erase(at_);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    std::stop_token token() const { return source_.get_token(); }
    void look() {
      if (!source_.stop_requested() && is_gone_()) source_.request_stop();
    }

   private:
    ClientWatch& watch_;
    std::function<bool()> is_gone_;
    std::stop_source source_;
    std::list<Entry*>::iterator at_;
  };

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, stop, kLookForClients, [&] { return stop.stop_requested(); }))
      for (Entry* entry : entries_) entry->look();
  }

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::list<Entry*> entries_;
  std::jthread thread_;
};

class SinkWriter final : public BodyWriter {
 public:
  explicit SinkWriter(httplib::DataSink& sink) : sink_(sink) {}
  bool write(std::string_view bytes) override { return sink_.write(bytes.data(), bytes.size()); }

 private:
  httplib::DataSink& sink_;
};

// Without either there is no body (RFC 9112, section 6.3); httplib would read on to the connection's end.
bool says_body_length(const httplib::Request& from) {
  return from.has_header("Content-Length") || from.has_header("Transfer-Encoding");
}

// A request's body, as it is or in parts.
struct Body {
  std::string whole;
  std::vector<FormPart> parts;
};

// Read here: httplib would take what curl sends without a content type for a form, of at most 8 kB.
// Errors: 400, 413.
std::expected<Body, int> read_body(const httplib::Request& from, const httplib::ContentReader& read, std::size_t most) {
  constexpr std::size_t kMostParts = 16;
  Body body;
  if (!says_body_length(from)) return body;
  // Before anything is read: httplib would take in all of a body that is too large.
  if (from.get_header_value_u64("Content-Length") > most) return std::unexpected(413);
  std::size_t size = 0;
  const auto append = [&](std::string& to, const char* data, std::size_t count) {
    size += count;
    if (size <= most) to.append(data, count);
    return size <= most;
  };
  const bool complete =
      from.is_multipart_form_data()
          ? read(
                [&](const httplib::FormData& part) {
                  body.parts.push_back({.name = part.name, .filename = part.filename, .body = {}});
                  return body.parts.size() <= kMostParts;
                },
                [&](const char* data, std::size_t count) { return append(body.parts.back().body, data, count); })
          : read([&](const char* data, std::size_t count) { return append(body.whole, data, count); });
  if (complete) return body;
  return std::unexpected(size > most ? 413 : 400);
}

HttpRequest convert(const httplib::Request& from, Body body) {
  HttpRequest request{
      .method = from.method, .path = from.path, .body = std::move(body.whole), .parts = std::move(body.parts)};
  for (const auto& [name, value] : from.params) request.query.emplace(name, value);
  for (const auto& [name, value] : from.headers) {
    auto& joined = request.headers[lower(name)];
    joined += (joined.empty() ? "" : ", ") + value;
  }
  return request;
}

// Errors: 401, 403. Else `request` knows its client.
std::optional<HttpError> check_key(const ApiKeys& keys, const Route& route, HttpRequest& request) {
  if (keys.empty() || route.scope == Scope::kPublic) return std::nullopt;
  const auto header = request.headers.find("authorization");
  const auto token = header == request.headers.end() ? std::nullopt : bearer_token(header->second);
  const auto identity = token ? keys.identify(*token) : std::nullopt;
  if (!identity)
    return HttpError{
        401, "authentication_error",
        token ? "this API key is not known here" : "an API key is needed: send 'Authorization: Bearer KEY'",
        "invalid_api_key", ""};
  if (identity->scope < route.scope)
    return HttpError{403, "permission_error",
                     std::format("the key '{}' allows {} only, and this needs {}", identity->key_id,
                                 scope_name(identity->scope), scope_name(route.scope)),
                     "insufficient_scope", ""};
  request.client = *identity;
  return std::nullopt;
}

bool is_allowed_origin(const HttpRequest& request, const AccessPolicy& policy) {
  const auto origin = request.headers.find("origin");
  return origin == request.headers.end() || std::ranges::contains(policy.allowed_origins, origin->second);
}

// What a browser asks before it lets a page send the request itself
// (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
HttpResponse preflight_response() {
  HttpResponse response{.status = 204};
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, DELETE");
  response.headers.emplace_back("Access-Control-Allow-Headers", "Authorization, Content-Type");
  response.headers.emplace_back("Access-Control-Max-Age", "600");
  return response;
}

}  // namespace

struct HttpServer::Impl {
  Impl(HttpServerOptions settings, std::vector<Route> table)
      : options(std::move(settings)),
        routes(std::move(table)),
        policy(std::make_shared<const AccessPolicy>(std::move(options.policy))),
        server({.connections = options.max_connections,
                .requests = options.max_requests,
                .request = options.request_timeout,
                .write = options.write_timeout,
                .idle = options.keep_alive},
               [this] { return policy.load()->tls; }) {}

  HttpServerOptions options;  // without its policy
  std::vector<Route> routes;
  std::atomic<std::shared_ptr<const AccessPolicy>> policy;
  int port = 0;
  ClientWatch watch;
  ConnectionServer server;
  std::thread thread;

  HttpResponse answer(HttpRequest& request) const;
  void handle(const httplib::Request& from, Body body, httplib::Response& to);
};

HttpResponse HttpServer::Impl::answer(HttpRequest& request) const {
  const auto rules = policy.load();
  const auto host = request.headers.find("host");
  if (host == request.headers.end() || !is_allowed_host(host->second, rules->allowed_hosts))
    return error_response({403, "permission_error",
                           "this server does not go by the name in the Host header: start it with --allowed-host",
                           "host_not_allowed", ""});
  // No page of another origin may read or change anything here.
  if (!is_allowed_origin(request, *rules))
    return error_response({403, "permission_error",
                           "requests from web pages are not allowed, but from those that --allowed-origin names",
                           "origin_not_allowed", ""});
  if (request.method == "OPTIONS" && request.headers.contains("origin")) return preflight_response();
  auto found = find_route(routes, request.method, request.path);
  if (const auto* error = std::get_if<HttpError>(&found)) {
    // Who has no key does not learn what there is.
    if (const auto refused = check_key(rules->keys, {.scope = Scope::kInference}, request))
      return error_response(*refused);
    return error_response(*error);
  }
  auto& match = std::get<RouteMatch>(found);
  if (const auto refused = check_key(rules->keys, *match.route, request)) return error_response(*refused);
  request.path_parameters = std::move(match.parameters);
  try {
    return match.route->handler(request);
  } catch (const std::bad_alloc&) {
    return error_response({503, "server_error", "there is not enough memory for this request", "overloaded", ""});
  } catch (const std::exception& error) {
    log_line(LogLevel::kError, std::format("{} {}: {}", request.method, request.path, error.what()));
    return error_response({500, "server_error", "this is a bug in hyprstream", "internal_error", ""});
  }
}

void HttpServer::Impl::handle(const httplib::Request& from, Body body, httplib::Response& to) {
  auto request = convert(from, std::move(body));
  auto entry = std::make_shared<ClientWatch::Entry>(watch, from.is_connection_closed);
  request.disconnected = entry->token();
  auto response = answer(request);
  // Only those that are allowed come so far without an error; and an error may be read by whoever caused it.
  if (const auto origin = request.headers.find("origin");
      origin != request.headers.end() && is_allowed_origin(request, *policy.load())) {
    response.headers.emplace_back("Access-Control-Allow-Origin", origin->second);
    response.headers.emplace_back("Vary", "Origin");
  }
  log_line(LogLevel::kInfo, std::format("{} {} {} {}", from.method, from.path, response.status, request.client.key_id));
  to.status = response.status;
  // httplib takes the next request of the connection for the body of this one.
  if (from.method != "GET" && from.method != "HEAD" && !says_body_length(from)) {
    to.set_header("Connection", "close");
    ConnectionServer::close_after_answer();
  }
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

Result<std::unique_ptr<HttpServer>> HttpServer::create(HttpServerOptions options, std::vector<Route> routes) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(routes));
  auto& server = impl->server;
  const auto& settings = impl->options;
  // httplib's default lets two servers share a port, each getting some of the connections.
  server.set_socket_options([](socket_t socket) { httplib::set_socket_opt(socket, SOL_SOCKET, SO_REUSEADDR, 1); });
  // What the header Keep-Alive says; the connections themselves are ours.
  server.set_keep_alive_timeout(settings.keep_alive.count());
  server.set_payload_max_length(std::numeric_limits<std::size_t>::max());  // read_body() has the limit
  // All methods and paths: routing is ours.
  const auto without_body = [state = impl.get()](const httplib::Request& from, httplib::Response& to) {
    state->handle(from, {}, to);
  };
  const auto with_body = [state = impl.get()](const httplib::Request& from, httplib::Response& to,
                                              const httplib::ContentReader& read) {
    auto body = read_body(from, read, state->options.max_body);
    if (body) return state->handle(from, std::move(*body), to);
    ConnectionServer::close_after_answer();
    if (to.status < 400) to.status = ConnectionServer::is_request_late() ? 408 : body.error();
  };
  server.Get(".*", without_body);
  server.Options(".*", without_body);
  server.Delete(".*", without_body);
  server.Post(".*", httplib::Server::HandlerWithContentReader(with_body));
  server.Put(".*", httplib::Server::HandlerWithContentReader(with_body));
  server.Patch(".*", httplib::Server::HandlerWithContentReader(with_body));
  // What httplib refuses itself.
  server.set_error_handler([](const httplib::Request&, httplib::Response& to) {
    if (!to.body.empty()) return;
    ConnectionServer::close_after_answer();
    HttpError error{to.status, "invalid_request_error", "this is no HTTP request that can be understood", "bad_request",
                    ""};
    // Of a request that broke off, httplib says that it is malformed.
    if (ConnectionServer::is_request_late()) to.status = 408, error = request_too_slow();
    if (to.status == 413) error.message = "the body is too large", error.code = "body_too_large";
    if (to.status == 414 || to.status == 431)
      error.message = "the headers are too large", error.code = "headers_too_large";
    to.set_content(error_body(error), "application/json");
  });
  const bool bound = settings.port == 0 ? (impl->port = server.bind_to_any_port(settings.host)) > 0
                                        : server.bind_to_port(settings.host, impl->port = settings.port);
  if (!bound)
    return fail(ErrorCode::kUnavailable, std::format("cannot listen on {}:{}: is another server there? Choose another "
                                                     "port with --port",
                                                     settings.host, settings.port));
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

}  // namespace hyprstream

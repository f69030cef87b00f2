// Requests and responses as the endpoints see them, whatever carries them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/identity.hpp"

namespace hyprstream {

// One part of a multipart/form-data body.
struct FormPart {
  std::string name;
  std::string filename;  // as the client calls it; "" for a plain field
  std::string body;
};

struct HttpRequest {
  std::string method;                                  // "GET"
  std::string path;                                    // decoded, without the query
  std::map<std::string, std::string> path_parameters;  // those of the route: {"name": "pirate"}
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;  // names in lower case; several of one name are joined by ", "
  std::string body;
  std::vector<FormPart> parts;   // of a form; `body` is empty then
  Identity client;               // whose key came with it
  std::stop_token disconnected;  // asked to stop when the client has gone
};

// Writes a body while it is being made. Not thread-safe: belongs to the connection's thread.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  // Waits for a slow reader; false: it has gone, or took longer than the write timeout.
  virtual bool write(std::string_view bytes) = 0;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // Set: the body is what this writes (chunked), and `body` is not used.
  std::function<void(BodyWriter&)> stream;
};

}  // namespace hyprstream

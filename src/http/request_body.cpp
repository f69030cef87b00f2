#include "http/request_body.hpp"

namespace hyprstream {

bool says_body_length(const httplib::Request& from) {
  return from.has_header("Content-Length") || from.has_header("Transfer-Encoding");
}

// Read here: httplib would take what curl sends without a content type for a form, of at most 8 kB.
std::expected<Body, int> read_body(const httplib::Request& from, const httplib::ContentReader& read, std::size_t most) {
  constexpr std::size_t kMostParts = 16;
  Body body;
  if (!says_body_length(from)) return body;
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

}  // namespace hyprstream

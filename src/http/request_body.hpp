// The body of a request, as it is or in the parts of a form. Internal to http.
#pragma once

#include <httplib.h>

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

#include "http/message.hpp"

namespace hyprstream {

struct Body {
  std::string whole;
  std::vector<FormPart> parts;
};

// Without either there is no body (RFC 9112, section 6.3); httplib would read on to the connection's end.
bool says_body_length(const httplib::Request& from);

// Unpacked; no more than `most` bytes. Errors: 400, 413.
std::expected<Body, int> read_body(const httplib::Request& from, const httplib::ContentReader& read, std::size_t most);

}  // namespace hyprstream

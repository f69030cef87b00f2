#include "catalog/duckdb_error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <optional>
#include <string>
#include <utility>

#include "base/json.hpp"
#include "base/utf8.hpp"
#include "catalog/duckdb_handles.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kLongestMessage = 2000;
constexpr std::string_view kStopped =
    "the database has stopped after an error inside DuckDB, and answers nothing more: start the server, or the "
    "command, "
    "anew; what was committed is kept; the first error was: ";

// DuckDB's names of its errors; what is not listed is the statement's fault.
constexpr std::array<std::pair<std::string_view, ErrorCode>, 20> kCodes{{
    {"Permission", ErrorCode::kPermissionDenied},
    {"IO", ErrorCode::kIo},
    {"HTTP", ErrorCode::kIo},
    {"Network", ErrorCode::kIo},
    {"Connection", ErrorCode::kIo},
    {"Out of Memory", ErrorCode::kResourceExhausted},
    {"Object Size", ErrorCode::kResourceExhausted},
    {"INTERRUPT", ErrorCode::kCancelled},
    {"TransactionContext", ErrorCode::kUnavailable},
    {"Serialization", ErrorCode::kCorrupt},
    {"Not implemented", ErrorCode::kUnsupported},
    {"Missing Extension", ErrorCode::kUnsupported},
    {"Autoload", ErrorCode::kUnsupported},
    {"INTERNAL", ErrorCode::kInternal},
    {"FATAL", ErrorCode::kInternal},
    {"Fatal", ErrorCode::kInternal},
    {"Scheduler", ErrorCode::kInternal},
    {"Executor", ErrorCode::kInternal},
    {"Optimizer", ErrorCode::kInternal},
    {"NullPointer", ErrorCode::kInternal},
}};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

ErrorCode code_of(std::string_view type, std::string_view message, std::string_view subtype) {
  if (contains(message, "No space left") || contains(message, "failed to offload data block"))
    return ErrorCode::kResourceExhausted;
  if (contains(message, "Could not set lock")) return ErrorCode::kUnavailable;
  if (contains(message, "maximum execution time")) return ErrorCode::kUnavailable;
  if (contains(message, "in read-only mode")) return ErrorCode::kPermissionDenied;
  if (contains(message, "not a valid DuckDB database file") || contains(message, "Corrupt database file"))
    return ErrorCode::kCorrupt;
  if (type == "IO" && contains(message, "No such file")) return ErrorCode::kNotFound;
  if (type == "IO" && contains(message, "No files found")) return ErrorCode::kNotFound;
  if (type == "Catalog") {
    if (subtype == "MISSING_ENTRY" || contains(message, "does not exist")) return ErrorCode::kNotFound;
    if (contains(message, "already exists")) return ErrorCode::kAlreadyExists;
    return ErrorCode::kInvalidArgument;
  }
  const auto found = std::ranges::find(kCodes, type, &std::pair<std::string_view, ErrorCode>::first);
  return found == kCodes.end() ? ErrorCode::kInvalidArgument : found->second;
}

// DuckDB's lines as one sentence.
std::string one_sentence(std::string_view text) {
  std::string sentence;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '!' || line.back() == '.' || line.back() == '\r'))
      line.remove_suffix(1);
    if (line.empty()) continue;
    if (!sentence.empty()) sentence += sentence.ends_with(':') ? " " : "; ";
    sentence += line;
  }
  if (sentence.size() > kLongestMessage) {
    sentence.resize(kLongestMessage);
    sentence.resize(sentence.size() - incomplete_utf8_suffix(sentence));
    sentence += " ...";
  }
  return sentence;
}

// Without the addresses of DuckDB's own functions; after an error that has ended the whole database, with the remedy.
std::string readable(std::string said) {
  said.resize(std::min(said.size(), said.find("\n\nStack Trace")));
  if (!contains(said, "database has been invalidated")) return said;
  constexpr std::string_view kOriginal = "Original error: ";
  const auto original = said.find(kOriginal);
  return std::string(kStopped) + (original == std::string::npos ? said : said.substr(original + kOriginal.size()));
}

// "line 2, column 7: ", counted in characters from 1.
std::string place(std::string_view sql, std::size_t position) {
  const auto before = sql.substr(0, position);
  const auto line = std::ranges::count(before, '\n') + 1;
  const auto line_start = before.rfind('\n');
  const auto column = decode_utf8(line_start == std::string_view::npos ? before : before.substr(line_start + 1)).size();
  return std::format("line {}, column {}: ", line, column + 1);
}

std::string text_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// A message may hold, behind words of DuckDB's own, the object of the error that it is about.
std::string innermost_message(std::string message) {
  const auto object = message.rfind("{\"exception_type\"");
  if (object == std::string::npos) return message;
  const auto json = parse_json(std::string_view(message).substr(object), "DuckDB's error");
  const auto inner = json && json->is_object() ? text_of(*json, "exception_message") : std::string();
  return inner.empty() ? message : inner;
}

}  // namespace

Error translate_duckdb_error(std::string_view message, std::string_view sql) {
  const auto brace = message.find('{');
  // With a prefix of DuckDB's own in front of it, if it was said while preparing.
  if (brace < 40) {
    if (const auto json = parse_json(message.substr(brace), "DuckDB's error"); json && json->is_object()) {
      const auto said = readable(innermost_message(text_of(*json, "exception_message")));
      const auto code = code_of(text_of(*json, "exception_type"), said, text_of(*json, "error_subtype"));
      const auto position_text = text_of(*json, "position");
      std::size_t position = 0;
      const auto [end, error] =
          std::from_chars(position_text.data(), position_text.data() + position_text.size(), position);
      const bool known = error == std::errc() && !position_text.empty() && position <= sql.size() && !sql.empty();
      return {code, (known ? place(sql, position) : std::string()) + one_sentence(said)};
    }
  }
  // "IO Error: ...": errors_as_json is not set before a database is open.
  const auto colon = message.find(" Error: ");
  if (colon == std::string_view::npos || colon > 40) return {code_of("", message, ""), one_sentence(message)};
  const auto said = readable(std::string(message.substr(colon + 8)));
  return {code_of(message.substr(0, colon), said, ""), one_sentence(said)};
}

Result<void> check_duckdb(duckdb_error_data error) {
  const DuckErrorData owned(error);
  if (!owned || !duckdb_error_data_has_error(error)) return {};
  return std::unexpected(translate_duckdb_error(duckdb_error_data_message(error)));
}

}  // namespace hyprstream

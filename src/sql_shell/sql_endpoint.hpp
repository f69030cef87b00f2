// How `hyprstream sql` finds the server that has the database open: a file beside it, locked while the server lives.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

namespace hyprstream {

struct SqlEndpoint {
  long process = 0;
  std::string host;
  int port = 0;
  bool tls = false;
  std::string token;  // an admin key of this server alone; only the user can read the file
};

// The published file. Removed with this object; a killed server leaves one without a lock, which nobody believes.
// Movable.
class PublishedSqlEndpoint {
 public:
  // Errors: kUnavailable (another server has published there), kPermissionDenied, kResourceExhausted, kIo.
  static Result<PublishedSqlEndpoint> publish(std::filesystem::path path, const SqlEndpoint& endpoint);

  PublishedSqlEndpoint(PublishedSqlEndpoint&&) noexcept = default;
  PublishedSqlEndpoint& operator=(PublishedSqlEndpoint&&) = delete;
  ~PublishedSqlEndpoint();

 private:
  PublishedSqlEndpoint(std::filesystem::path path, FileDescriptor file) noexcept
      : path_(std::move(path)), file_(std::move(file)) {}

  std::filesystem::path path_;
  FileDescriptor file_;
};

// data_home()/sql-endpoint.json
std::filesystem::path sql_endpoint_path();

// Nothing: no server lives. Errors: kCorrupt (one does, and what it has written makes no sense), kPermissionDenied,
// kIo.
Result<std::optional<SqlEndpoint>> find_sql_endpoint(const std::filesystem::path& path);

}  // namespace hyprstream

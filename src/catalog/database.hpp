// The database: one DuckDB file, or one in memory, with the views, the model's functions and the limits that hyprstream
// puts around it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "catalog/model_functions.hpp"
#include "catalog/session.hpp"
#include "catalog/virtual_table.hpp"

namespace hyprstream {

struct DatabaseOptions {
  std::optional<std::filesystem::path> path;  // nothing: in memory. Made if it is not there
  bool own_tables = false;                    // hyprstream's own are made, or brought to the newest version
  std::optional<std::uint64_t> memory_bytes;  // most memory; nothing: DuckDB's choice, 80% of the machine's
  std::optional<int> threads;                 // >= 1; nothing: one for each core
  // For statements of others: no files but those below `directories`, no extensions, no other databases, no change of
  // the configuration.
  bool locked_down = false;
  std::vector<std::filesystem::path> directories;  // absolute
  std::chrono::milliseconds statement_timeout{0};  // of each statement, in DuckDB and in the model; 0: none
  std::shared_ptr<ModelFunctions> model;           // nothing: the functions fail and say so
  std::vector<VirtualTable> tables;                // views of each session, in no file
};

enum class SqlPermission : std::uint8_t {
  kRead,   // queries, and functions of the model
  kWrite,  // everything
};

struct SessionOptions {
  SqlPermission permission = SqlPermission::kWrite;
  // Whether types that Arrow does not have come as extension types that only DuckDB reads (HUGEINT, BIT, TIME WITH TIME
  // ZONE), instead of the nearest that everyone reads.
  bool exact_types = false;
};

class Connection;

// Thread-safe. Sessions keep it open.
class Database : public std::enable_shared_from_this<Database> {
 public:
  // Errors: kUnavailable (another process has the file open: names it), kCorrupt (damaged), kUnsupported (made by a
  // newer version of DuckDB or hyprstream), kPermissionDenied, kResourceExhausted, kIo.
  static Result<std::shared_ptr<Database>> open(const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<std::unique_ptr<Session>> connect(const SessionOptions& options = {});
  // What a session is made of, for the other files of this folder.
  Result<std::shared_ptr<Connection>> connection(const SessionOptions& options);

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace hyprstream

#include "catalog/guarded_files.hpp"

#include <duckdb.hpp>
#include <duckdb/common/file_opener.hpp>
#include <duckdb/common/local_file_system.hpp>
#include <duckdb/common/memory_mapped_file.hpp>
#include <exception>
#include <format>
#include <string>
#include <string_view>

namespace hyprstream {
namespace {

using duckdb::FileOpener;
using duckdb::FileOpenFlags;
using duckdb::optional_ptr;
using duckdb::string;

// The C interface has nothing like it, so this is DuckDB's own. Of two who open a file, the one that is a statement has
// a client's context, and the database itself has none. Thread-safe.
class GuardedFiles final : public duckdb::LocalFileSystem {
 public:
  // `database`: its path; empty: in memory.
  explicit GuardedFiles(const string& database)
      : file_(database.empty() ? "" : CanonicalizePath(database, nullptr)),
        spill_(CanonicalizePath(database + ".tmp", nullptr)),
        directory_(spill_.substr(0, spill_.rfind('/') + 1)) {}

  string GetName() const override { return "GuardedFiles"; }
  // All files beside the database's, because what is written beside it may be moved onto it.
  bool CanHandleFile(const string& path) override {
    if (path.contains("://") && !path.starts_with("file:")) return false;
    return CanonicalizePath(path, nullptr).starts_with(directory_);
  }

  duckdb::unique_ptr<duckdb::FileHandle> OpenFile(const string& path, FileOpenFlags flags,
                                                  optional_ptr<FileOpener> opener) override {
    refuse_own(path, opener);
    return LocalFileSystem::OpenFile(path, flags, opener);
  }
  duckdb::unique_ptr<duckdb::MemoryMappedFile> MemoryMapFile(const duckdb::OpenFileInfo& path, FileOpenFlags flags,
                                                             const duckdb::MMapOptions& options,
                                                             optional_ptr<FileOpener> opener) override {
    refuse_own(path.path, opener);
    return LocalFileSystem::MemoryMapFile(path, flags, options, opener);
  }
  void MoveFile(const string& source, const string& target, optional_ptr<FileOpener> opener) override {
    refuse_own(source, opener);
    refuse_own(target, opener);
    LocalFileSystem::MoveFile(source, target, opener);
  }
  void RemoveFile(const string& path, optional_ptr<FileOpener> opener) override {
    refuse_own(path, opener);
    LocalFileSystem::RemoveFile(path, opener);
  }
  void CreateDirectory(const string& path, optional_ptr<FileOpener> opener) override {
    refuse_own(path, opener);
    LocalFileSystem::CreateDirectory(path, opener);
  }
  bool CreateDirectoryExtended(const string& path, const duckdb::CreateDirectoryOptions& options,
                               optional_ptr<FileOpener> opener) override {
    refuse_own(path, opener);
    return LocalFileSystem::CreateDirectoryExtended(path, options, opener);
  }
  void CreateDirectoriesRecursive(const string& path, optional_ptr<FileOpener> opener) override {
    refuse_own(path, opener);
    LocalFileSystem::CreateDirectoriesRecursive(path, opener);
  }
  void RemoveDirectory(const string& path, optional_ptr<FileOpener> opener) override {
    refuse_own(path, opener);
    LocalFileSystem::RemoveDirectory(path, opener);
  }
  bool RemoveDirectoryExtended(const string& path, const duckdb::RemoveDirectoryOptions& options,
                               optional_ptr<FileOpener> opener) override {
    refuse_own(path, opener);
    return LocalFileSystem::RemoveDirectoryExtended(path, options, opener);
  }

 private:
  void refuse_own(const string& path, optional_ptr<FileOpener> opener) {
    if (!FileOpener::TryGetClientContext(opener)) return;
    const auto found = CanonicalizePath(path, nullptr);
    const bool own = !file_.empty() && (found == file_ || found.starts_with(file_ + "."));  // ".wal" and others
    if (own || found == spill_ || found.starts_with(spill_ + "/"))
      throw duckdb::PermissionException(
          std::format("{} belongs to the database itself: statements cannot use it as a file", path));
  }

  const string file_;
  const string spill_;
  const string directory_;
};

}  // namespace

Result<void> guard_database_files(Connection& connection, const std::optional<std::filesystem::path>& path) {
  try {
    const auto& client = *reinterpret_cast<duckdb::Connection*>(connection.handle());
    client.context->db->GetFileSystem().RegisterSubSystem(duckdb::make_uniq<GuardedFiles>(path ? path->string() : ""));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, std::format("the database's files cannot be guarded: {}", error.what()));
  }
  return {};
}

}  // namespace hyprstream

#include "sql_shell/sql_endpoint.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <format>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/json.hpp"
#include "base/paths.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

constexpr int kAttempts = 50;  // of 20 ms: somebody looks at the lock, or writes the file, at this moment

std::string format(const SqlEndpoint& endpoint) {
  const nlohmann::ordered_json json = {{"process", endpoint.process},
                                       {"host", endpoint.host},
                                       {"port", endpoint.port},
                                       {"tls", endpoint.tls},
                                       {"token", endpoint.token}};
  return json.dump() + "\n";
}

std::optional<SqlEndpoint> parse(std::string_view text, const std::string& what) {
  const auto json = parse_json(text, what);
  if (!json || !json->is_object()) return std::nullopt;
  SqlEndpoint endpoint;
  try {
    endpoint.process = json->at("process").get<long>();
    endpoint.host = json->at("host").get<std::string>();
    endpoint.port = json->at("port").get<int>();
    endpoint.tls = json->at("tls").get<bool>();
    endpoint.token = json->at("token").get<std::string>();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
  return endpoint;
}

Result<void> write_whole(int fd, std::string_view text, const std::filesystem::path& path) {
  if (::ftruncate(fd, 0) != 0) return fail_errno(path.string(), errno);
  if (::pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return fail_errno(path.string(), errno == 0 ? EIO : errno);
  return {};
}

}  // namespace

std::filesystem::path sql_endpoint_path() { return data_home() / "sql-endpoint.json"; }

Result<PublishedSqlEndpoint> PublishedSqlEndpoint::publish(std::filesystem::path path, const SqlEndpoint& endpoint) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
    if (!file) return fail_errno(path.string(), errno);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
      // Unless its last owner has removed it since it was opened.
      struct stat opened{};
      struct stat named{};
      if (::fstat(file.get(), &opened) != 0 || ::stat(path.c_str(), &named) != 0 || opened.st_ino != named.st_ino)
        continue;
      if (::fchmod(file.get(), S_IRUSR | S_IWUSR) != 0) return fail_errno(path.string(), errno);
      HYPRSTREAM_TRY(write_whole(file.get(), format(endpoint), path));
      return PublishedSqlEndpoint(std::move(path), std::move(file));
    }
    if (errno != EWOULDBLOCK) return fail_errno(path.string(), errno);
    std::this_thread::sleep_for(20ms);
  }
  return fail(ErrorCode::kUnavailable, std::format("another server has published {}", path.string()));
}

PublishedSqlEndpoint::~PublishedSqlEndpoint() {
  if (file_) ::unlink(path_.c_str());
}

Result<std::optional<SqlEndpoint>> find_sql_endpoint(const std::filesystem::path& path) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) return std::optional<SqlEndpoint>();
    if (!file) return fail_errno(path.string(), errno);
    if (::flock(file.get(), LOCK_SH | LOCK_NB) == 0) return std::optional<SqlEndpoint>();
    if (errno != EWOULDBLOCK) return fail_errno(path.string(), errno);
    std::array<char, 4096> text{};
    const auto size = ::pread(file.get(), text.data(), text.size(), 0);
    if (size < 0) return fail_errno(path.string(), errno);
    if (auto endpoint = parse({text.data(), static_cast<std::size_t>(size)}, path.string()))
      return std::optional(std::move(*endpoint));
    std::this_thread::sleep_for(20ms);
  }
  return fail(ErrorCode::kCorrupt,
              std::format("{} does not say where its server listens: start the server again", path.string()));
}

}  // namespace hyprstream

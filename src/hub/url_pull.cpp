#include "hub/url_pull.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <charconv>
#include <format>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/file_descriptor.hpp"
#include "base/hex.hpp"
#include "base/json.hpp"
#include "base/paths.hpp"
#include "base/sha256.hpp"
#include "gguf/gguf_file.hpp"
#include "hub/file_lock.hpp"
#include "hub/gguf_choice.hpp"
#include "hub/gguf_start.hpp"
#include "hub/http_client.hpp"
#include "hub/names.hpp"

namespace hyprstream {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSourceFile = "source.json";

fs::path downloads() { return data_home() / "downloads"; }

Result<std::string> digest_of(std::string_view text) {
  HYPRSTREAM_ASSIGN(auto sum, Sha256::create());
  sum.update(std::as_bytes(std::span(text)));
  return sum.hex_digest();
}

Result<fs::path> directory_of(const HttpUrl& url) {
  HYPRSTREAM_ASSIGN(const auto digest, digest_of(url.text()));
  return downloads() / digest.substr(0, 16);
}

// The last part of the address, with what is unusual in file names replaced.
std::string file_name_of(const HttpUrl& url) {
  std::string name = url.path().substr(url.path().rfind('/') + 1);
  for (char& c : name)
    if (static_cast<unsigned char>(c) >= 0x80 ||
        !(std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.'))
      c = '_';
  if (name.size() > 200) name = name.substr(name.size() - 200);
  while (name.starts_with('.')) name.front() = '_';
  return name;
}

struct Source {
  UrlModel model;
  std::string etag;
};

std::optional<Source> read_source(const fs::path& directory) {
  std::ifstream file(directory / kSourceFile);
  if (!file) return std::nullopt;
  const auto json = parse_json(std::string{std::istreambuf_iterator<char>(file), {}}, "source.json");
  if (!json || !json->is_object()) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto value = json->find(key);
    return value != json->end() && value->is_string() ? value->get<std::string>() : std::string();
  };
  Source source{.model = {.path = directory / text("file"), .url = text("url"), .sha256 = text("sha256")},
                .etag = text("etag")};
  if (!check_file_path(text("file")) || text("file").contains('/') || !is_lower_hex(source.model.sha256, 64))
    return std::nullopt;
  std::error_code error;
  source.model.size = fs::file_size(source.model.path, error);
  if (error) return std::nullopt;
  return source;
}

Result<void> write_source(const fs::path& directory, const Source& source) {
  const nlohmann::ordered_json json{{"url", source.model.url},
                                    {"file", source.model.path.filename().string()},
                                    {"etag", source.etag},
                                    {"size_bytes", source.model.size},
                                    {"sha256", source.model.sha256}};
  return write_whole_file(directory / kSourceFile,
                          json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

struct Remote {
  std::string etag;  // or the date of its last change; empty if the server says neither
  std::uint64_t size = 0;
  RedirectChain chain;
};

Result<Remote> ask(HttpClient& client, const HttpUrl& url) {
  HYPRSTREAM_ASSIGN(auto response, client.head(url, FollowRedirects::kAll));
  if (response.status != 200)
    return fail(response.status == 404                             ? ErrorCode::kNotFound
                : response.status == 401 || response.status == 403 ? ErrorCode::kPermissionDenied
                                                                   : ErrorCode::kUnavailable,
                std::format("{} answers {} for {}: check the address", url.host(), response.status, url.path()));
  const auto length = response.headers.find("content-length");
  std::uint64_t size = 0;
  if (!length || std::from_chars(length->data(), length->data() + length->size(), size).ec != std::errc() ||
      size > INT64_MAX)
    return fail(ErrorCode::kUnsupported,
                std::format("{} does not say how long {} is, so it cannot be checked", url.host(), url.path()));
  auto tag = response.headers.find("x-linked-etag");
  if (!tag) tag = response.headers.find("etag");
  if (!tag) tag = response.headers.find("last-modified");
  return Remote{.etag = std::string(strip_etag(tag.value_or(""))), .size = size, .chain = std::move(response.chain)};
}

PulledModel as_pulled(const UrlModel& model, std::uint64_t fetched) {
  return {.repository = {},
          .revision = {},
          .commit = {},
          .quantization = quantization_of(model.path.filename().string()),
          .files = {model.path},
          .size = model.size,
          .fetched = fetched};
}

Result<PulledModel> fetch(const HubSettings& settings, const HttpUrl& url, const fs::path& directory,
                          const PullOptions& options) {
  HYPRSTREAM_ASSIGN(auto client, HttpClient::create(settings.http(settings.metadata_timeout, options.cancelled)));
  HYPRSTREAM_ASSIGN(auto remote, ask(client, url));
  const auto known = read_source(directory);
  if (known && known->model.size == remote.size && !remote.etag.empty() && known->etag == remote.etag)
    return as_pulled(known->model, 0);

  const auto name = file_name_of(url);
  PullProgress progress{.stage = PullProgress::Stage::kDownloading, .file = name};
  const auto report = [&](PullProgress::Stage stage, const DownloadProgress& bytes) {
    progress.stage = stage;
    progress.bytes = bytes;
    if (options.on_progress) options.on_progress(progress);
  };
  // A digest is only what looks like one; anything else just tells one version from the next.
  std::string identity = remote.etag;
  if (!is_lower_hex(identity, 64)) {
    HYPRSTREAM_ASSIGN(const auto digest, digest_of(remote.etag));
    identity = "version " + digest;
  }
  DownloadRequest request{.name = name,
                          .size = remote.size,
                          .identity = identity,
                          .data = directory / (name + ".incomplete"),
                          .state = directory / (name + ".state"),
                          .locate = {},
                          .check_start = [&](auto start) { return check_gguf_start(start, name); },
                          .on_progress = [&](const auto& bytes) { report(PullProgress::Stage::kDownloading, bytes); },
                          .connections = options.connections};
  std::optional<RedirectChain> first = std::move(remote.chain);
  request.locate = [&]() -> Result<RedirectChain> {
    if (first) return *std::exchange(first, std::nullopt);
    HYPRSTREAM_ASSIGN(auto now, ask(client, url));
    if (now.etag == remote.etag && now.size == remote.size) return std::move(now.chain);
    return fail(ErrorCode::kUnavailable, std::format("{} has changed while it was fetched: try again", name));
  };
  HYPRSTREAM_ASSIGN(auto download, download_file(request, settings.http(settings.download_timeout, options.cancelled)));
  HYPRSTREAM_TRY(check_gguf(request.data, request.state, name));
  Source source{.model = {.path = directory / name, .url = url.text(), .sha256 = download.sha256, .size = remote.size},
                .etag = remote.etag};
  const FileDescriptor file(::open(request.data.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file || ::fdatasync(file.get()) != 0) return fail_errno("writing " + request.data.string() + " failed", errno);
  std::error_code error;
  fs::rename(request.data, source.model.path, error);
  if (error) return fail_errno("cannot publish " + source.model.path.string(), error.value());
  HYPRSTREAM_TRY(write_source(directory, source));
  fs::remove(request.state, error);
  report(PullProgress::Stage::kFinished, {.done = remote.size, .total = remote.size, .resumed = 0});
  return as_pulled(source.model, download.fetched);
}

}  // namespace

Result<UrlModel> find_url_model(const HttpUrl& url) {
  HYPRSTREAM_ASSIGN(const auto directory, directory_of(url));
  if (auto source = read_source(directory); source && source->model.url == url.text()) return std::move(source->model);
  return fail(ErrorCode::kNotFound,
              std::format("{} was not fetched yet: get it with hyprstream model pull", url.text()));
}

std::vector<UrlModel> list_url_models() {
  std::vector<UrlModel> models;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(downloads(), error))
    if (auto source = read_source(entry.path())) models.push_back(std::move(source->model));
  return models;
}

Result<void> verify_url_model(const UrlModel& model) {
  HYPRSTREAM_ASSIGN(const auto digest, sha256_file(model.path));
  if (digest != model.sha256)
    return fail(ErrorCode::kCorrupt, std::format("has the digest {} instead of {}", digest, model.sha256));
  const auto gguf = GgufFile::open(model.path);
  return gguf ? Result<void>() : std::unexpected(gguf.error());
}

Result<void> remove_url_model(const UrlModel& model) {
  std::error_code error;
  fs::remove_all(model.path.parent_path(), error);
  if (error) return fail_errno("cannot remove " + model.path.parent_path().string(), error.value());
  return {};
}

Result<PulledModel> pull_url(const HubSettings& settings, const HttpUrl& url, const PullOptions& options) {
  if (settings.offline) {
    HYPRSTREAM_ASSIGN(const auto model, find_url_model(url));
    return as_pulled(model, 0);
  }
  HYPRSTREAM_ASSIGN(const auto directory, directory_of(url));
  HYPRSTREAM_ASSIGN(const auto lock, FileLock::take(directory / ".lock", [&] {
                      if (options.on_progress)
                        options.on_progress({.stage = PullProgress::Stage::kWaiting, .file = file_name_of(url)});
                      return !options.cancelled || !options.cancelled();
                    }));
  return fetch(settings, url, directory, options);
}

}  // namespace hyprstream

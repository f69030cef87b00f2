#include "hub/pull.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <format>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "gguf/gguf_file.hpp"
#include "hub/gguf_choice.hpp"
#include "hub/gguf_start.hpp"
#include "hub/hub_cache.hpp"
#include "hub/names.hpp"

namespace hyprstream {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kRoomLeft = 64 << 20;  // bytes of the disk that stay free
constexpr int kMostChanges = 3;                // of the file on the hub while it is fetched
constexpr std::array<std::string_view, 2> kAdapterFiles{"adapter_config.json", "adapter_model.safetensors"};

// The bytes of a file that the disk already holds.
std::uint64_t allocated(const fs::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

class Pull {
 public:
  Pull(const HubSettings& settings, const HubReference& reference, const PullOptions& options, HubClient client)
      : settings_(settings),
        reference_(reference),
        options_(options),
        client_(std::move(client)),
        cache_(settings.cache),
        revision_(reference.revision) {}

  Result<std::vector<RepositoryFile>> list() { return client_.list_files(reference_.repository, reference_.revision); }

  // All of them, of one commit.
  Result<std::vector<fs::path>> fetch(std::span<const RepositoryFile> files);

  const std::string& commit() const noexcept { return commit_; }
  std::uint64_t fetched() const noexcept { return fetched_; }

 private:
  Result<void> require_room(std::span<const RepositoryFile> files) const;
  Result<fs::path> fetch_file(const std::string& file);
  Result<void> fetch_blob(const std::string& file, const ResolvedFile& resolved, bool& changed);
  void report(PullProgress::Stage stage, const DownloadProgress& bytes = {});

  const HubSettings& settings_;
  const HubReference& reference_;
  const PullOptions& options_;
  HubClient client_;
  HubCache cache_;
  std::string revision_;  // the commit, once it is known
  std::string commit_;
  std::uint64_t fetched_ = 0;
  PullProgress progress_;
};

Result<std::vector<fs::path>> Pull::fetch(std::span<const RepositoryFile> files) {
  HYPRSTREAM_TRY(cache_.prepare(reference_.repository));
  HYPRSTREAM_TRY(require_room(files));
  std::vector<fs::path> paths;
  progress_.count = files.size();
  for (const auto& file : files) {
    progress_.file = file.path;
    progress_.number = paths.size() + 1;
    HYPRSTREAM_ASSIGN(auto path, fetch_file(file.path));
    paths.push_back(std::move(path));
  }
  // Last, so that a revision never names a commit without its files.
  HYPRSTREAM_TRY(cache_.write_ref(reference_.repository, reference_.revision, commit_));
  return paths;
}

Result<void> Pull::require_room(std::span<const RepositoryFile> files) const {
  std::uint64_t wanted = 0;
  for (const auto& file : files) {
    std::uint64_t there = 0;
    if (file.sha256) {
      std::error_code ignored;
      if (fs::exists(cache_.blob_path(reference_.repository, *file.sha256), ignored)) continue;
      there = std::min(file.size, allocated(cache_.partial_path(reference_.repository, *file.sha256)));
    }
    wanted += file.size - there;
  }
  HYPRSTREAM_ASSIGN(const auto free, cache_.free_space());
  if (wanted == 0 || wanted + kRoomLeft <= free) return {};
  const auto megabytes = [](std::uint64_t bytes) { return (bytes + 999'999) / 1'000'000; };
  return fail(ErrorCode::kResourceExhausted,
              std::format("{} needs {} MB more on the disk, and {} has {} MB free: free some, or set HF_HUB_CACHE to "
                          "another disk",
                          reference_.repository, megabytes(wanted), cache_.root().string(), megabytes(free)));
}

Result<fs::path> Pull::fetch_file(const std::string& file) {
  for (int changes = 0;; ++changes) {
    HYPRSTREAM_ASSIGN(const auto resolved, client_.resolve(reference_.repository, revision_, file));
    bool changed = false;
    if (const auto fetched = fetch_blob(file, resolved, changed); !fetched) {
      if (!changed || changes >= kMostChanges) return std::unexpected(fetched.error());
      log_line(LogLevel::kInfo, fetched.error().message);
      continue;
    }
    // Further files come from the same commit, whatever happens to the branch.
    commit_ = revision_ = resolved.commit;
    HYPRSTREAM_ASSIGN(auto path, cache_.link(reference_.repository, commit_, file, resolved.etag));
    report(PullProgress::Stage::kFinished, {.done = resolved.size, .total = resolved.size, .resumed = 0});
    return path;
  }
}

Result<void> Pull::fetch_blob(const std::string& file, const ResolvedFile& resolved, bool& changed) {
  const auto& repository = reference_.repository;
  HYPRSTREAM_ASSIGN(const auto lock, cache_.lock(repository, resolved.etag, [&] {
    report(PullProgress::Stage::kWaiting);
    return !options_.cancelled || !options_.cancelled();
  }));
  HYPRSTREAM_ASSIGN(const bool there, cache_.has_blob(repository, resolved.etag));
  if (there) return {};
  const bool is_gguf = file.ends_with(".gguf");
  DownloadRequest request{
      .name = std::format("{} of {}", file, repository),
      .size = resolved.size,
      .identity = resolved.etag,
      .data = cache_.partial_path(repository, resolved.etag),
      .state = cache_.state_path(repository, resolved.etag),
      .locate = {},
      .check_start = {},
      .on_progress = [&](const DownloadProgress& bytes) { report(PullProgress::Stage::kDownloading, bytes); },
      .connections = options_.connections};
  std::optional<RedirectChain> first = resolved.chain;
  request.locate = [&]() -> Result<RedirectChain> {
    if (first) return *std::exchange(first, std::nullopt);
    HYPRSTREAM_ASSIGN(auto now, client_.resolve(repository, revision_, file));
    changed = now.etag != resolved.etag;
    if (!changed) return std::move(now.chain);
    return fail(ErrorCode::kUnavailable,
                std::format("{} of {} keeps changing on the hub: try again later", file, repository));
  };
  if (is_gguf) request.check_start = [&](auto start) { return check_gguf_start(start, request.name); };
  HYPRSTREAM_ASSIGN(const auto download,
                    download_file(request, settings_.http(settings_.download_timeout, options_.cancelled)));
  fetched_ += download.fetched;
  if (is_gguf) HYPRSTREAM_TRY(check_gguf(request.data, request.state, request.name));
  return cache_.publish_blob(repository, resolved.etag);
}

void Pull::report(PullProgress::Stage stage, const DownloadProgress& bytes) {
  if (!options_.on_progress) return;
  progress_.stage = stage;
  progress_.bytes = bytes;
  options_.on_progress(progress_);
}

Result<GgufVariant> choose(std::span<const RepositoryFile> files, const HubReference& reference) {
  return reference.file ? choose_file(files, *reference.file, reference.repository)
                        : choose_variant(files, reference.quantization, reference.repository);
}

std::unexpected<Error> not_cached(const HubReference& reference) {
  return fail(ErrorCode::kNotFound, std::format("{} is not in the model cache: get it with hyprstream model pull {}",
                                                reference.text(), reference.text()));
}

// Says of a file that it was used, as far as the file system keeps that.
void mark_used(const fs::path& path) {
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_NOW}, {.tv_sec = 0, .tv_nsec = UTIME_OMIT}};
  (void)::utimensat(AT_FDCWD, path.c_str(), times, 0);
}

}  // namespace

Result<PulledModel> find_in_cache(const HubSettings& settings, const HubReference& reference) {
  const HubCache cache(settings.cache);
  const auto commit = cache.commit_of(reference.repository, reference.revision);
  if (!commit) return not_cached(reference);
  const auto files = cache.files_of(reference.repository, *commit);
  auto chosen = choose(files, reference);
  if (!chosen) return not_cached(reference);
  PulledModel model{.repository = reference.repository,
                    .revision = reference.revision,
                    .commit = *commit,
                    .quantization = chosen->quantization,
                    .files = {},
                    .size = chosen->size()};
  for (const auto& file : chosen->files) {
    const auto path = cache.snapshot_directory(reference.repository, *commit) / file.path;
    std::error_code error;
    const std::string etag = fs::read_symlink(path, error).filename().string();
    // Only what was published shortly before the machine went down takes a look.
    if (is_blob_name(etag) && fs::exists(cache.state_path(reference.repository, etag), error)) {
      HYPRSTREAM_ASSIGN(const auto lock, cache.lock(reference.repository, etag, {}));
      HYPRSTREAM_ASSIGN(const bool intact, cache.has_blob(reference.repository, etag));
      if (!intact) return not_cached(reference);
    }
    mark_used(path);
    model.files.push_back(path);
  }
  return model;
}

Result<PulledModel> pull_model(const HubSettings& settings, const HubReference& reference, const PullOptions& options) {
  if (settings.offline) {
    auto cached = find_in_cache(settings, reference);
    if (cached) return cached;
  }
  HYPRSTREAM_ASSIGN(auto client, HubClient::create(settings, options.cancelled));
  Pull pull(settings, reference, options, std::move(client));
  HYPRSTREAM_ASSIGN(const auto files, pull.list());
  HYPRSTREAM_ASSIGN(const auto chosen, choose(files, reference));
  HYPRSTREAM_ASSIGN(auto paths, pull.fetch(chosen.files));
  return PulledModel{.repository = reference.repository,
                     .revision = reference.revision,
                     .commit = pull.commit(),
                     .quantization = chosen.quantization,
                     .files = std::move(paths),
                     .size = chosen.size(),
                     .fetched = pull.fetched()};
}

Result<fs::path> pull_adapter(const HubSettings& settings, const HubReference& reference, const PullOptions& options) {
  const auto pick = [&](std::span<const RepositoryFile> files) -> Result<std::vector<RepositoryFile>> {
    std::vector<RepositoryFile> picked;
    for (const auto name : kAdapterFiles) {
      const auto file = std::ranges::find(files, name, &RepositoryFile::path);
      if (file == files.end())
        return fail(ErrorCode::kNotFound, std::format("{} has no {}, so it is no PEFT adapter that can be imported",
                                                      reference.repository, name));
      picked.push_back(*file);
    }
    return picked;
  };
  const HubCache cache(settings.cache);
  if (settings.offline)
    if (const auto commit = cache.commit_of(reference.repository, reference.revision);
        commit && pick(cache.files_of(reference.repository, *commit)))
      return cache.snapshot_directory(reference.repository, *commit);
  HYPRSTREAM_ASSIGN(auto client, HubClient::create(settings, options.cancelled));
  Pull pull(settings, reference, options, std::move(client));
  HYPRSTREAM_ASSIGN(const auto files, pull.list());
  HYPRSTREAM_ASSIGN(const auto picked, pick(files));
  HYPRSTREAM_TRY(pull.fetch(picked));
  return cache.snapshot_directory(reference.repository, pull.commit());
}

}  // namespace hyprstream

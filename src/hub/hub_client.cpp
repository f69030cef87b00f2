#include "hub/hub_client.hpp"

#include <algorithm>
#include <charconv>
#include <format>
#include <utility>

#include "hub/link_header.hpp"
#include "hub/names.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kMostFiles = 100'000;
constexpr int kMostPages = 1000;

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || size > INT64_MAX) return std::nullopt;
  return size;
}

std::string without_slash(const std::string& url) { return url.substr(0, url.find_last_not_of('/') + 1); }

Result<void> require_online(const HubSettings& settings, std::string_view what) {
  if (!settings.offline) return {};
  return fail(ErrorCode::kUnavailable,
              std::format("{} is not in the cache, and offline nothing is fetched: leave out --offline and unset "
                          "HF_HUB_OFFLINE",
                          what));
}

}  // namespace

Result<HubClient> HubClient::create(const HubSettings& settings, std::function<bool()> cancelled) {
  HYPRSTREAM_ASSIGN(auto http, HttpClient::create(settings.http(settings.metadata_timeout, std::move(cancelled))));
  return HubClient(settings, std::move(http));
}

Result<HttpUrl> HubClient::url(const std::string& path) const {
  return HttpUrl::parse(without_slash(settings_.endpoint.text()) + path);
}

Result<std::vector<RepositoryFile>> HubClient::list_files(const std::string& repository, const std::string& revision) {
  HYPRSTREAM_TRY(require_online(settings_, repository));
  HYPRSTREAM_ASSIGN(auto page,
                    url(std::format("/api/models/{}/tree/{}?recursive=true", repository, percent_encode(revision))));
  std::vector<RepositoryFile> files;
  for (int pages = 0; pages < kMostPages; ++pages) {
    HYPRSTREAM_ASSIGN(const auto response, http_.get(page));
    HYPRSTREAM_TRY(check_status(response, repository, revision, {}));
    HYPRSTREAM_ASSIGN(auto more, parse_tree(response.body));
    files.append_range(std::move(more));
    if (files.size() > kMostFiles) break;
    const auto link = response.headers.find("link");
    const auto next = link ? next_page(*link) : std::nullopt;
    if (!next) return files;
    HYPRSTREAM_ASSIGN(page, page.resolve(*next));
    if (!page.same_origin(settings_.endpoint))
      return fail(ErrorCode::kCorrupt,
                  std::format("the list of files of {} goes on at {}, which is not the hub", repository, page.host()));
  }
  return fail(ErrorCode::kCorrupt, std::format("the list of files of {} does not end", repository));
}

Result<ResolvedFile> HubClient::resolve(const std::string& repository, const std::string& revision,
                                        const std::string& file) {
  HYPRSTREAM_TRY(require_online(settings_, repository + "/" + file));
  HYPRSTREAM_ASSIGN(const auto address, url(std::format("/{}/resolve/{}/{}", repository, percent_encode(revision),
                                                        percent_encode(file, /*keep_slashes=*/true))));
  HYPRSTREAM_ASSIGN(auto response, http_.head(address, FollowRedirects::kSameOrigin));
  HYPRSTREAM_TRY(check_status(response, repository, revision, file));
  ResolvedFile resolved{.commit = {}, .etag = {}, .size = 0, .chain = response.chain};
  if (const auto location = response.headers.find("location"); location && response.status >= 300)
    HYPRSTREAM_TRY(resolved.chain.follow(*location));
  const auto first_of = [&](std::string_view preferred, std::string_view otherwise) {
    const auto value = response.headers.find(preferred);
    return std::string((value ? value : response.headers.find(otherwise)).value_or(""));
  };
  const auto wrong = [&](std::string_view what) {
    return fail(ErrorCode::kCorrupt, std::format("{} does not answer like a model hub: it gives no {} for {} of {}",
                                                 settings_.endpoint.host(), what, file, repository));
  };
  resolved.commit = first_of("x-repo-commit", {});
  if (!is_commit(resolved.commit)) return wrong("commit");
  resolved.etag = strip_etag(first_of("x-linked-etag", "etag"));
  if (!is_blob_name(resolved.etag)) return wrong("digest that could be checked");
  // The length of a redirect itself says nothing.
  const auto size = parse_size(first_of("x-linked-size", response.status < 300 ? "content-length" : ""));
  if (!size) return wrong("size");
  resolved.size = *size;
  return resolved;
}

Result<std::vector<FoundRepository>> HubClient::search(std::string_view words, int limit) {
  HYPRSTREAM_TRY(require_online(settings_, "a search"));
  HYPRSTREAM_ASSIGN(const auto address, url(std::format("/api/models?search={}&filter=gguf&sort=downloads&direction=-1"
                                                        "&limit={}",
                                                        percent_encode(words), limit)));
  HYPRSTREAM_ASSIGN(const auto response, http_.get(address));
  HYPRSTREAM_TRY(check_status(response, {}, {}, {}));
  HYPRSTREAM_ASSIGN(auto found, parse_search(response.body));
  if (found.size() > static_cast<std::size_t>(limit)) found.resize(static_cast<std::size_t>(limit));
  return found;
}

Result<void> HubClient::check_status(const HttpReply& response, const std::string& repository,
                                     const std::string& revision, const std::string& file) const {
  if (response.status >= 200 && response.status < 400) return {};
  const std::string_view code = response.headers.find("x-error-code").value_or("");
  const std::string hub = settings_.endpoint.host();
  const std::string what = repository.empty() ? hub : repository;
  const std::string page = without_slash(settings_.endpoint.text()) + "/" + repository;
  if (code == "GatedRepo")
    return fail(ErrorCode::kPermissionDenied,
                settings_.token
                    ? std::format("{} is gated, and the account of your token has no access yet: accept its "
                                  "terms at {}",
                                  what, page)
                    : std::format("{} is gated: accept its terms at {}, then set HF_TOKEN to a token of that "
                                  "account",
                                  what, page));
  if (code == "RevisionNotFound")
    return fail(ErrorCode::kNotFound,
                std::format("{} has no revision '{}': its branches and tags are listed at {}", what, revision, page));
  if (code == "EntryNotFound" || (response.status == 404 && !file.empty() && code != "RepoNotFound"))
    return fail(ErrorCode::kNotFound,
                std::format("{} has no file '{}': hyprstream model info {} shows what it has", what, file, what));
  if (response.status == 401 && settings_.token && code != "RepoNotFound")
    return fail(
        ErrorCode::kPermissionDenied,
        std::format("{} does not accept the token from {}: make a new one at https://huggingface.co/settings/tokens",
                    hub, settings_.token_source));
  if (response.status == 401)
    return fail(ErrorCode::kPermissionDenied,
                settings_.token
                    ? std::format("{} does not exist, or the account of your token may not see it: check the "
                                  "name",
                                  what)
                    : std::format("{} does not exist, or is private: check the name, or set HF_TOKEN to a "
                                  "token that may read it",
                                  what));
  if (response.status == 403)
    return fail(ErrorCode::kPermissionDenied,
                settings_.token
                    ? std::format("the token from {} may not read {}: give it the right to, or use another",
                                  settings_.token_source, what)
                    : std::format("{} refuses access to {}: set HF_TOKEN to a token that may read it", hub, what));
  if (response.status == 404)
    return fail(ErrorCode::kNotFound,
                std::format("{} does not exist on {}: look for it with hyprstream model search", what, hub));
  if (response.status == 429)
    return fail(ErrorCode::kUnavailable, std::format("{} asks for fewer requests (429): wait a few minutes{}", hub,
                                                     settings_.token ? "" : ", or set HF_TOKEN for a higher limit"));
  return fail(ErrorCode::kUnavailable,
              std::format("{} answers {} for {}: try again later", hub, response.status, what));
}

}  // namespace hyprstream

#include "hub/downloader.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <deque>
#include <format>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/c_handle.hpp"
#include "base/file_descriptor.hpp"
#include "base/git_blob_id.hpp"
#include "base/hex.hpp"
#include "base/log.hpp"
#include "hub/backoff.hpp"
#include "hub/front_hasher.hpp"
#include "hub/range_fetch.hpp"
#include "hub/resume_state.hpp"

namespace hyprstream {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kProgressInterval{100};
constexpr std::uint64_t kWorthAnotherTry =
    64 << 10;                   // bytes that a broken request must have brought to be repeated at once
constexpr int kMostStarts = 5;  // from the beginning, or from a new address

class Downloader {
 public:
  Downloader(const DownloadRequest& request, const HttpSettings& settings) : request_(request), settings_(settings) {}
  ~Downloader() { stop_all(); }
  Downloader(const Downloader&) = delete;
  Downloader& operator=(const Downloader&) = delete;

  Result<Download> run();

 private:
  struct Slot {
    std::unique_ptr<RangeFetch> fetch;
    bool busy = false;
  };

  Result<void> open();
  Result<void> begin();
  Result<void> fetch_all();
  Result<void> launch();
  Result<void> start(Slot& slot, RedirectChain chain, std::optional<std::size_t> segment);
  Result<void> settle(Slot& slot, CURLcode code);
  Result<void> come_back(RangeFetch& fetch);
  Result<void> locate_again(const Error& why);
  Result<void> start_over(const Error& why);
  Result<void> check_start();
  // The digest, if it is the right one.
  Result<bool> is_right(const std::string& sha256) const;
  void stop(Slot& slot);
  void stop_all();
  void report(bool now);
  void discard();

  const DownloadRequest& request_;
  const HttpSettings& settings_;
  FileDescriptor file_;
  std::optional<ResumeState> state_;
  DownloadTarget target_;
  CHandle<CURLM, curl_multi_cleanup> multi_;
  std::vector<Slot> slots_;
  std::unique_ptr<FrontHasher> hasher_;
  std::optional<RedirectChain> place_;
  std::deque<std::optional<std::size_t>> pending_;  // segments; the whole file if there is none named
  bool by_ranges_ = true;
  std::size_t limit_ = 1;  // requests at once
  Backoff backoff_;
  Clock::time_point not_before_;
  Clock::time_point next_report_;
  int starts_ = 0;
  std::uint64_t resumed_ = 0;
  std::uint64_t fetched_ = 0;
  bool start_checked_ = false;
};

Result<void> Downloader::open() {
  HYPRSTREAM_ASSIGN(auto state, ResumeState::open(request_.state, request_.identity, request_.size));
  state_.emplace(std::move(state));
  const std::string what = "cannot write " + request_.data.string();
  file_ = FileDescriptor(::open(request_.data.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file_) return fail_errno(what, errno);
  struct stat status{};
  if (::fstat(file_.get(), &status) != 0) return fail_errno(what, errno);
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::kInvalidArgument, what + ": it is no ordinary file");
  if (std::cmp_not_equal(status.st_size, request_.size)) {
    // Not what the state speaks of.
    state_->reset();
    if (::ftruncate(file_.get(), static_cast<off_t>(request_.size)) != 0) return fail_errno(what, errno);
  }
  resumed_ = state_->total_progress();
  target_ = {.file = file_.get(), .state = &*state_, .size = request_.size, .name = request_.name, .entity_tag = {}};
  multi_.reset(curl_multi_init());
  if (!multi_) return fail(ErrorCode::kResourceExhausted, "libcurl cannot be started: is memory short?");
  limit_ = static_cast<std::size_t>(std::max(1, request_.connections));
  curl_multi_setopt(multi_.get(), CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(limit_));
  return {};
}

// Everything that is missing, and the hash from the start of the file.
Result<void> Downloader::begin() {
  hasher_.reset();
  HYPRSTREAM_ASSIGN(hasher_, FrontHasher::start(file_.get(), *state_));
  pending_.clear();
  if (!by_ranges_) {
    pending_.push_back(std::nullopt);
    return {};
  }
  for (std::size_t segment = 0; segment < state_->segments(); ++segment)
    if (state_->progress(segment) < state_->size_of(segment)) pending_.push_back(segment);
  return {};
}

Result<Download> Downloader::run() {
  HYPRSTREAM_TRY(open());
  for (bool again = false;; again = true) {
    HYPRSTREAM_TRY(begin());
    if (!pending_.empty() && !place_) {
      HYPRSTREAM_ASSIGN(place_, request_.locate());
    }
    HYPRSTREAM_TRY(fetch_all());
    report(/*now=*/true);
    // What an earlier process left may be much, and the hash is only now on its way through it.
    while (!hasher_->is_done()) {
      if (settings_.cancelled && settings_.cancelled()) return fail(ErrorCode::kCancelled, "interrupted");
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    HYPRSTREAM_ASSIGN(auto sha256, hasher_->finish());
    HYPRSTREAM_ASSIGN(const bool right, is_right(sha256));
    if (right) return Download{.sha256 = std::move(sha256), .fetched = fetched_};
    if (again) {
      discard();
      return fail(
          ErrorCode::kCorrupt,
          std::format("what {} sends for {} has the digest {}, and it should have {}: nothing of it was kept",
                      place_ ? place_->origin().host() : "the server", request_.name, sha256, request_.identity));
    }
    log_line(LogLevel::kWarning, request_.name + " does not have its digest: it is fetched again from the start");
    state_->reset();
    resumed_ = 0;
    target_.entity_tag.clear();
  }
}

Result<bool> Downloader::is_right(const std::string& sha256) const {
  if (is_lower_hex(request_.identity, 64)) return sha256 == request_.identity;
  if (!is_lower_hex(request_.identity, 40)) return true;
  HYPRSTREAM_ASSIGN(const auto id, git_blob_id(request_.data));
  return id == request_.identity;
}

Result<void> Downloader::fetch_all() {
  const auto busy = [&] { return std::ranges::any_of(slots_, &Slot::busy); };
  for (;;) {
    HYPRSTREAM_TRY(check_start());
    HYPRSTREAM_TRY(launch());
    if (pending_.empty() && !busy()) return {};
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto code = message->data.result;
      const auto slot = std::ranges::find_if(
          slots_, [&](const Slot& s) { return s.busy && s.fetch->handle() == message->easy_handle; });
      // One that was stopped meanwhile is gone.
      if (slot != slots_.end()) HYPRSTREAM_TRY(settle(*slot, code));
    }
    hasher_->wake();
    report(/*now=*/false);
    if (settings_.cancelled && settings_.cancelled()) return fail(ErrorCode::kCancelled, "interrupted");
    curl_multi_poll(multi_.get(), nullptr, 0, 50, nullptr);
  }
}

Result<void> Downloader::launch() {
  if (Clock::now() < not_before_) return {};
  while (!pending_.empty()) {
    if (std::cmp_greater_equal(std::ranges::count_if(slots_, &Slot::busy), limit_)) return {};
    auto slot = std::ranges::find(slots_, false, &Slot::busy);
    if (slot == slots_.end()) {
      HYPRSTREAM_ASSIGN(auto fetch, RangeFetch::create(settings_, target_));
      slots_.push_back({.fetch = std::move(fetch), .busy = false});
      slot = slots_.end() - 1;
    }
    const auto segment = pending_.front();
    pending_.pop_front();
    HYPRSTREAM_TRY(start(*slot, *place_, segment));
  }
  return {};
}

Result<void> Downloader::start(Slot& slot, RedirectChain chain, std::optional<std::size_t> segment) {
  HYPRSTREAM_TRY(slot.fetch->prepare(std::move(chain), segment));
  if (curl_multi_add_handle(multi_.get(), slot.fetch->handle()) != CURLM_OK)
    return fail(ErrorCode::kResourceExhausted, "libcurl takes no more requests: is memory short?");
  slot.busy = true;
  return {};
}

Result<void> Downloader::settle(Slot& slot, CURLcode code) {
  auto& fetch = *slot.fetch;
  const auto outcome = fetch.settle(code);
  stop(slot);
  fetched_ += fetch.received();
  switch (outcome) {
    case RangeFetch::Outcome::kComplete: backoff_.reset(); return {};
    case RangeFetch::Outcome::kRedirected: return start(slot, fetch.chain(), fetch.segment());
    case RangeFetch::Outcome::kInterrupted:
    case RangeFetch::Outcome::kLater: return come_back(fetch);
    case RangeFetch::Outcome::kExpired: pending_.push_front(fetch.segment()); return locate_again(fetch.error());
    case RangeFetch::Outcome::kNoRanges:
      log_line(LogLevel::kInfo, fetch.error().message);
      by_ranges_ = false;
      limit_ = 1;
      --starts_;  // no failure
      return start_over(fetch.error());
    case RangeFetch::Outcome::kChanged:
      pending_.push_front(fetch.segment());
      HYPRSTREAM_TRY(locate_again(fetch.error()));
      return start_over(fetch.error());
    case RangeFetch::Outcome::kFailed: break;
  }
  return std::unexpected(fetch.error());
}

// Asks for the rest of a segment after a while.
Result<void> Downloader::come_back(RangeFetch& fetch) {
  if (by_ranges_)
    pending_.push_front(fetch.segment());
  else
    HYPRSTREAM_TRY(start_over(fetch.error()));
  const auto asked = fetch.retry_after();
  if (fetch.received() >= kWorthAnotherTry) {
    backoff_.reset();
    return {};
  }
  const auto wait = backoff_.next(asked);
  if (!wait) return std::unexpected(fetch.error());
  log_line(LogLevel::kInfo, std::format("{}; trying again in {} ms", fetch.error().message, wait->count()));
  // A server that is overrun gets fewer requests at once.
  if (asked) limit_ = std::max<std::size_t>(1, limit_ / 2);
  not_before_ = std::max(not_before_, Clock::now() + *wait);
  return {};
}

Result<void> Downloader::locate_again(const Error& why) {
  if (++starts_ > kMostStarts) return std::unexpected(why);
  log_line(LogLevel::kInfo, why.message + "; asking for its address again");
  HYPRSTREAM_ASSIGN(place_, request_.locate());
  return {};
}

Result<void> Downloader::start_over(const Error& why) {
  if (++starts_ > kMostStarts) return std::unexpected(why);
  stop_all();
  hasher_.reset();
  state_->reset();
  resumed_ = 0;
  start_checked_ = false;
  target_.entity_tag.clear();
  return begin();
}

Result<void> Downloader::check_start() {
  std::array<std::byte, 64> start{};
  const auto wanted = std::min<std::uint64_t>(start.size(), request_.size);
  if (start_checked_ || !request_.check_start || (wanted > 0 && state_->progress(0) < wanted)) return {};
  start_checked_ = true;
  if (std::cmp_not_equal(::pread(file_.get(), start.data(), wanted, 0), wanted))
    return fail_errno("reading back " + request_.name + " failed", errno);
  auto checked = request_.check_start(std::span(start).first(wanted));
  if (checked) return {};
  // Of an earlier time, and perhaps lost since.
  if (resumed_ > 0) return start_over(checked.error());
  discard();
  return checked;
}

void Downloader::stop(Slot& slot) {
  curl_multi_remove_handle(multi_.get(), slot.fetch->handle());
  slot.busy = false;
}

void Downloader::stop_all() {
  for (auto& slot : slots_)
    if (slot.busy) stop(slot);
}

void Downloader::report(bool now) {
  if (!request_.on_progress || (!now && Clock::now() < next_report_)) return;
  next_report_ = Clock::now() + kProgressInterval;
  request_.on_progress({.done = state_->total_progress(), .total = request_.size, .resumed = resumed_});
}

void Downloader::discard() {
  stop_all();
  hasher_.reset();
  std::error_code ignored;
  std::filesystem::remove(request_.data, ignored);
  std::filesystem::remove(request_.state, ignored);
}

}  // namespace

Result<Download> download_file(const DownloadRequest& request, const HttpSettings& settings) {
  return Downloader(request, settings).run();
}

}  // namespace hyprstream

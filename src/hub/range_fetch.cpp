#include "hub/range_fetch.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <format>
#include <utility>

#include "hub/http_client.hpp"

namespace hyprstream {

RangeFetch::RangeFetch(DownloadTarget& target, std::unique_ptr<HttpTransfer> transfer)
    : target_(target), transfer_(std::move(transfer)) {}

Result<std::unique_ptr<RangeFetch>> RangeFetch::create(const HttpSettings& settings, DownloadTarget& target) {
  HYPRSTREAM_ASSIGN(auto transfer, HttpTransfer::create(settings));
  return std::unique_ptr<RangeFetch>(new RangeFetch(target, std::move(transfer)));
}

Result<void> RangeFetch::prepare(RedirectChain chain, std::optional<std::size_t> segment) {
  const auto& state = *target_.state;
  segment_ = segment;
  begin_ = segment ? state.begin_of(*segment) + state.progress(*segment) : 0;
  end_ = segment ? state.begin_of(*segment) + state.size_of(*segment) : target_.size;
  position_ = begin_;
  judged_.reset();
  error_ = {};
  HttpTransfer::Request request;
  if (segment) request.range = ByteRange{.first = begin_, .last = end_ - 1};
  return transfer_->prepare(std::move(chain), request, [this](auto bytes) { return take(bytes); });
}

RangeFetch::Outcome RangeFetch::refuse(Outcome outcome, ErrorCode code, std::string message) {
  error_ = {code, std::move(message)};
  return outcome;
}

RangeFetch::Outcome RangeFetch::judge() {
  const long status = transfer_->status();
  const auto& headers = transfer_->headers();
  const std::string host = transfer_->chain().current().host();
  if (status == 200 || status == 206) {
    const auto encoding = headers.find("content-encoding").value_or("identity");
    if (encoding != "identity" && !encoding.empty())
      return refuse(
          Outcome::kFailed, ErrorCode::kUnsupported,
          std::format("{} compresses {} although it was asked not to: is a proxy in between?", host, target_.name));
    const auto tag = headers.find("etag");
    if (tag && target_.entity_tag.empty()) target_.entity_tag = *tag;
    if (tag && target_.entity_tag != *tag)
      return refuse(Outcome::kChanged, ErrorCode::kUnavailable,
                    std::format("{} has changed on {} while it was fetched: try again", target_.name, host));
  }
  if (status == 206) return judge_range();
  if (status == 200) {
    if (segment_)
      return refuse(Outcome::kNoRanges, ErrorCode::kUnsupported, std::format("{} does not send parts of files", host));
    std::uint64_t length = target_.size;
    if (const auto text = headers.find("content-length"))
      std::from_chars(text->data(), text->data() + text->size(), length);
    if (length == target_.size) return Outcome::kComplete;
    return refuse(Outcome::kChanged, ErrorCode::kCorrupt,
                  std::format("{} says that {} has {} bytes, and then sends {}", transfer_->chain().origin().host(),
                              target_.name, target_.size, length));
  }
  if (status >= 300 && status < 400 && headers.find("location")) {
    const auto followed = transfer_->chain().follow(*headers.find("location"));
    if (followed) return Outcome::kRedirected;
    return refuse(Outcome::kFailed, followed.error().code, followed.error().message);
  }
  const std::string message = std::format("{} answers {} for {}", host, status, target_.name);
  if (is_temporary(status)) return refuse(Outcome::kLater, ErrorCode::kUnavailable, message + ": try again later");
  if (status == 412 || status == 416) return refuse(Outcome::kChanged, ErrorCode::kUnavailable, message);
  // Addresses of blob stores are signed, and the signature ends after a while.
  return refuse(Outcome::kExpired, ErrorCode::kUnavailable, message + ": try again later");
}

RangeFetch::Outcome RangeFetch::judge_range() {
  const auto header = transfer_->headers().find("content-range");
  const auto range = header ? parse_content_range(*header) : std::nullopt;
  const std::string host = transfer_->chain().current().host();
  if (!segment_ || !range || range->first != begin_ || range->last >= end_)
    return refuse(Outcome::kFailed, ErrorCode::kCorrupt,
                  std::format("{} sends another part of {} than it was asked for", host, target_.name));
  if (range->total && *range->total != target_.size)
    return refuse(Outcome::kChanged, ErrorCode::kCorrupt,
                  std::format("{} says that {} has {} bytes, and then sends one of {}",
                              transfer_->chain().origin().host(), target_.name, target_.size, *range->total));
  return Outcome::kComplete;
}

bool RangeFetch::take(std::span<const std::byte> bytes) {
  if (!judged_) judged_ = judge();
  if (*judged_ != Outcome::kComplete) return false;
  if (bytes.size() > end_ - position_) {
    judged_ = refuse(Outcome::kFailed, ErrorCode::kCorrupt,
                     std::format("{} sends more of {} than it has", transfer_->chain().current().host(), target_.name));
    return false;
  }
  while (!bytes.empty()) {
    const auto count = ::pwrite(target_.file, bytes.data(), bytes.size(), static_cast<off_t>(position_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const auto failure = fail_errno(std::format("writing {} failed", target_.name), errno);
      judged_ = refuse(Outcome::kFailed, failure.error().code,
                       failure.error().message + "; what is there is kept, and a next pull goes on from it");
      return false;
    }
    advance(static_cast<std::uint64_t>(count));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

// Only after the bytes are in the file: a kill in between costs these bytes, and never gives wrong ones.
void RangeFetch::advance(std::uint64_t count) {
  auto& state = *target_.state;
  for (const auto end = position_ + count; position_ < end;) {
    const auto segment = static_cast<std::size_t>(position_ / ResumeState::kSegmentSize);
    position_ = std::min(end, state.begin_of(segment) + state.size_of(segment));
    state.set_progress(segment, position_ - state.begin_of(segment));
  }
}

RangeFetch::Outcome RangeFetch::settle(CURLcode code) {
  // An answer without a body.
  if (!judged_ && code == CURLE_OK) judged_ = judge();
  if (judged_ && *judged_ != Outcome::kComplete) return *judged_;
  // However the connection ended then.
  if (judged_ && position_ == end_) return Outcome::kComplete;
  if (auto failure = transfer_->failure(code)) {
    error_ = std::move(*failure);
    return error_.code == ErrorCode::kUnavailable ? Outcome::kInterrupted : Outcome::kFailed;
  }
  return refuse(Outcome::kInterrupted, ErrorCode::kUnavailable,
                std::format("{} ends {} too early", transfer_->chain().current().host(), target_.name));
}

std::optional<Backoff::Milliseconds> RangeFetch::retry_after() const {
  const auto header = transfer_->headers().find("retry-after");
  return header ? parse_retry_after(*header, std::chrono::system_clock::now()) : std::nullopt;
}

}  // namespace hyprstream

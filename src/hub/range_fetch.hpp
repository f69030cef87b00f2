// One request of a download: some bytes of a file, checked and written to their place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "hub/backoff.hpp"
#include "hub/http_transfer.hpp"
#include "hub/resume_state.hpp"

namespace hyprstream {

// The file that is being fetched, for all of its requests.
struct DownloadTarget {
  int file = -1;  // written at offsets
  ResumeState* state = nullptr;
  std::uint64_t size = 0;  // bytes
  std::string name;        // for messages
  std::string entity_tag;  // of the place the bytes come from; learned from its first answer
};

// Not thread-safe.
class RangeFetch {
 public:
  enum class Outcome {
    kComplete,
    kInterrupted,  // not all of it, and it can be asked for again
    kRedirected,   // chain() has gone on
    kLater,        // the server asks for patience: retry_after()
    kExpired,      // the address is no longer good
    kNoRanges,     // the server answers with the whole file, from its start
    kChanged,      // the server now has something else there
    kFailed,       // no use to try again
  };

  // `settings` and `target` must outlive it. Errors: kResourceExhausted.
  static Result<std::unique_ptr<RangeFetch>> create(const HttpSettings& settings, DownloadTarget& target);

  // Prepares the request for what is missing of a segment, or, without one, for the whole file.
  Result<void> prepare(RedirectChain chain, std::optional<std::size_t> segment);

  CURL* handle() const noexcept { return transfer_->handle(); }
  std::optional<std::size_t> segment() const noexcept { return segment_; }

  // ---- Once it has ended ----
  Outcome settle(CURLcode code);
  // Why, for every outcome but kComplete, kRedirected.
  const Error& error() const noexcept { return error_; }
  RedirectChain& chain() noexcept { return transfer_->chain(); }
  std::optional<Backoff::Milliseconds> retry_after() const;
  std::uint64_t received() const noexcept { return position_ - begin_; }

 private:
  RangeFetch(DownloadTarget& target, std::unique_ptr<HttpTransfer> transfer);

  // Judges the answer by its status and headers. kComplete: its body is what was asked for.
  Outcome judge();
  Outcome judge_range();
  Outcome refuse(Outcome outcome, ErrorCode code, std::string message);
  bool take(std::span<const std::byte> bytes);
  void advance(std::uint64_t count);

  DownloadTarget& target_;
  std::unique_ptr<HttpTransfer> transfer_;
  std::optional<std::size_t> segment_;
  std::uint64_t begin_ = 0;
  std::uint64_t position_ = 0;  // in the file, of the next byte
  std::uint64_t end_ = 0;
  std::optional<Outcome> judged_;
  Error error_;
};

}  // namespace hyprstream

// Getting one large file: several ranges at a time, resumed from what is there, hashed while it comes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "hub/http_transfer.hpp"
#include "hub/redirects.hpp"

namespace hyprstream {

struct DownloadProgress {
  std::uint64_t done = 0;     // bytes that are there
  std::uint64_t total = 0;    // bytes
  std::uint64_t resumed = 0;  // of `done`, were there when it began
};

struct DownloadRequest {
  std::string name;             // for messages: "model.gguf of org/repo"
  std::uint64_t size = 0;       // bytes
  std::string identity;         // what the bytes are: a SHA-256, a git blob's SHA-1, or, if it is neither, some text
  std::filesystem::path data;   // written here, and left here whole; on failure left for the next time
  std::filesystem::path state;  // how far it is; left there too
  // Where the bytes are now. Asked at the start, and again when an address has expired.
  std::function<Result<RedirectChain>()> locate;
  // Called once with the first bytes, up to 64; an error ends the download and removes it.
  std::function<Result<void>(std::span<const std::byte>)> check_start;
  std::function<void(const DownloadProgress&)> on_progress;  // some ten times a second
  int connections = 4;                                       // at once, 1 or more
};

struct Download {
  std::string sha256;
  std::uint64_t fetched = 0;  // bytes that came over the network this time
};

// The file at `data` is whole and has the identity, if that is a digest, when this returns without an error. The
// caller holds the lock that keeps other processes away from both paths.
//
// A server that does not know ranges is asked for the whole. Bytes that turn out wrong are fetched once more
// from the start, since what was there before may have been damaged; then they are removed.
// Errors: kCorrupt (digest; the server contradicts itself), kUnavailable (network, server), kCancelled,
// kPermissionDenied, kResourceExhausted (disk full), kIo; those of `locate` and `check_start`.
Result<Download> download_file(const DownloadRequest& request, const HttpSettings& settings);

}  // namespace hyprstream

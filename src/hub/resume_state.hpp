// How far a download is, on disk, so that the next process goes on where one was killed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hyprstream {

// The file's format, version 1, little endian: "HYPRPART", then as 64-bit numbers the version, the size of the
// download, the size of a segment and whether it was published; then 128 bytes of identity and 40 of boot id, both
// padded with zeros; then one 64-bit number per segment: how many of its bytes are there.
struct ResumeRecord {
  std::uint64_t size = 0;          // bytes of the whole download
  std::uint64_t segment_size = 0;  // bytes; the last segment may be shorter
  bool published = false;
  std::string identity;
  std::string boot_id;
  std::vector<std::uint64_t> progress;
};

// Errors: kCorrupt: not such a file, or one that contradicts itself.
Result<ResumeRecord> parse_resume_state(std::span<const std::byte> bytes);

// The same, mapped: a count that is stored is in the file at once, whatever becomes of this process. Only one
// process may have it open (the blob's lock sees to that). Counts may be read by other threads while one stores.
class ResumeState {
 public:
  static constexpr std::uint64_t kSegmentSize = std::uint64_t{16} << 20;
  static constexpr std::size_t kLongestIdentity = 128;

  // Opens the file if it is there and is for this `identity` and `size`; else begins a new one with all counts 0.
  // `identity`: names the bytes (a digest, an ETag), at most kLongestIdentity long.
  // Errors: kPermissionDenied, kResourceExhausted, kIo; kInvalidArgument (identity).
  static Result<ResumeState> open(const std::filesystem::path& path, std::string_view identity, std::uint64_t size);
  // The record, if there is a valid one.
  static std::optional<ResumeRecord> read(const std::filesystem::path& path);

  ResumeState(ResumeState&& other) noexcept;
  ResumeState& operator=(ResumeState&&) = delete;
  ~ResumeState();

  std::size_t segments() const noexcept { return segments_; }
  std::uint64_t begin_of(std::size_t segment) const noexcept { return segment * kSegmentSize; }
  std::uint64_t size_of(std::size_t segment) const noexcept;

  std::uint64_t progress(std::size_t segment) const noexcept;
  void set_progress(std::size_t segment, std::uint64_t bytes) noexcept;
  // Bytes of all segments.
  std::uint64_t total_progress() const noexcept;
  void reset() noexcept;

  // The data has got its final name, but need not be on the disk yet.
  void set_published() noexcept;

 private:
  ResumeState(std::byte* memory, std::size_t length, std::uint64_t size, std::size_t segments) noexcept
      : memory_(memory), length_(length), size_(size), segments_(segments) {}

  std::atomic_ref<std::uint64_t> counter(std::size_t segment) const noexcept;

  std::byte* memory_;
  std::size_t length_;
  std::uint64_t size_;
  std::size_t segments_;
};

// Changes with every start of the machine; empty if the kernel does not say.
std::string current_boot_id();

}  // namespace hyprstream

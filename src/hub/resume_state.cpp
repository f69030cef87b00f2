#include "hub/resume_state.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/file_descriptor.hpp"
#include "base/mapped_file.hpp"

namespace hyprstream {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is written as memory has it");

constexpr std::string_view kMagic = "HYPRPART";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kBootIdSize = 40;
constexpr std::uint64_t kMostSegments = std::uint64_t{1} << 20;

struct Header {
  char magic[8];
  std::uint64_t version;
  std::uint64_t size;
  std::uint64_t segment_size;
  std::uint64_t published;
  char identity[ResumeState::kLongestIdentity];
  char boot_id[kBootIdSize];
};
static_assert(sizeof(Header) == 208 && std::is_trivially_copyable_v<Header>);

std::uint64_t segment_count(std::uint64_t size, std::uint64_t segment_size) {
  return size / segment_size + (size % segment_size != 0 ? 1 : 0);
}

// Up to the first zero.
std::string text_of(std::span<const char> field) {
  return {field.data(), static_cast<std::size_t>(std::ranges::find(field, '\0') - field.begin())};
}

std::unexpected<Error> not_one() {
  return fail(ErrorCode::kCorrupt, "the record of how far the download was is damaged");
}

}  // namespace

std::string current_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id.substr(0, kBootIdSize);
}

Result<ResumeRecord> parse_resume_state(std::span<const std::byte> bytes) {
  Header header{};
  if (bytes.size() < sizeof header) return not_one();
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes = bytes.subspan(sizeof header);
  if (std::string_view(header.magic, sizeof header.magic) != kMagic || header.version != kVersion ||
      header.published > 1 || header.segment_size == 0 || header.size > INT64_MAX)
    return not_one();
  const auto count = segment_count(header.size, header.segment_size);
  if (count > kMostSegments || bytes.size() != count * sizeof(std::uint64_t)) return not_one();
  ResumeRecord record{.size = header.size,
                      .segment_size = header.segment_size,
                      .published = header.published == 1,
                      .identity = text_of(header.identity),
                      .boot_id = text_of(header.boot_id),
                      .progress = std::vector<std::uint64_t>(count)};
  if (count > 0) std::memcpy(record.progress.data(), bytes.data(), bytes.size());
  for (std::uint64_t segment = 0; segment < count; ++segment) {
    const auto length = std::min(header.segment_size, header.size - segment * header.segment_size);
    if (record.progress[segment] > length) return not_one();
  }
  return record;
}

std::optional<ResumeRecord> ResumeState::read(const std::filesystem::path& path) {
  const auto file = MappedFile::open(path);
  if (!file) return std::nullopt;
  auto record = parse_resume_state(file->bytes());
  if (!record) return std::nullopt;
  return std::move(*record);
}

Result<ResumeState> ResumeState::open(const std::filesystem::path& path, std::string_view identity,
                                      std::uint64_t size) {
  const auto segments = segment_count(size, kSegmentSize);
  if (identity.size() > kLongestIdentity || identity.contains('\0') || segments > kMostSegments)
    return fail(ErrorCode::kInvalidArgument, "this download is too large, or its identity too long, to be resumed");
  const auto record = read(path);
  const bool goes_on = record && record->identity == identity && record->size == size &&
                       record->segment_size == kSegmentSize && !record->published;

  const std::string what = "cannot write " + path.string();
  const FileDescriptor file(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (goes_on ? 0 : O_TRUNC), 0644));
  if (!file) return fail_errno(what, errno);
  const std::size_t length = sizeof(Header) + segments * sizeof(std::uint64_t);
  if (!goes_on) {
    Header header{};
    std::ranges::copy(kMagic, header.magic);
    header.version = kVersion;
    header.size = size;
    header.segment_size = kSegmentSize;
    std::ranges::copy(identity, header.identity);
    std::ranges::copy(current_boot_id(), header.boot_id);
    // Allocated, not sparse: a full disk would otherwise be a signal when the memory is written to.
    if (const int error = ::posix_fallocate(file.get(), 0, static_cast<off_t>(length)); error != 0)
      return fail_errno(what, error);
    if (::pwrite(file.get(), &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header))
      return fail_errno(what, errno);
  }
  void* const memory = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return fail_errno(what, errno);
  ResumeState state(static_cast<std::byte*>(memory), length, size, segments);
  if (goes_on) {
    Header header{};
    std::ranges::copy(current_boot_id(), header.boot_id);
    std::memcpy(state.memory_ + offsetof(Header, boot_id), header.boot_id, sizeof header.boot_id);
  }
  return state;
}

ResumeState::ResumeState(ResumeState&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      length_(other.length_),
      size_(other.size_),
      segments_(other.segments_) {}

ResumeState::~ResumeState() {
  if (memory_ != nullptr) ::munmap(memory_, length_);
}

std::uint64_t ResumeState::size_of(std::size_t segment) const noexcept {
  return std::min(kSegmentSize, size_ - begin_of(segment));
}

std::atomic_ref<std::uint64_t> ResumeState::counter(std::size_t segment) const noexcept {
  return std::atomic_ref(reinterpret_cast<std::uint64_t*>(memory_ + sizeof(Header))[segment]);
}

std::uint64_t ResumeState::progress(std::size_t segment) const noexcept {
  return counter(segment).load(std::memory_order_acquire);
}

void ResumeState::set_progress(std::size_t segment, std::uint64_t bytes) noexcept {
  counter(segment).store(bytes, std::memory_order_release);
}

std::uint64_t ResumeState::total_progress() const noexcept {
  std::uint64_t total = 0;
  for (std::size_t segment = 0; segment < segments_; ++segment) total += progress(segment);
  return total;
}

void ResumeState::reset() noexcept {
  for (std::size_t segment = 0; segment < segments_; ++segment) set_progress(segment, 0);
}

void ResumeState::set_published() noexcept {
  const std::uint64_t one = 1;
  std::memcpy(memory_ + offsetof(Header, published), &one, sizeof one);
}

}  // namespace hyprstream

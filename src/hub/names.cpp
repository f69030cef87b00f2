#include "hub/names.hpp"

#include <algorithm>
#include <cctype>
#include <format>

#include "base/hex.hpp"
#include "base/utf8.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kLongestNamePart = 96;
constexpr std::size_t kLongestRevision = 200;
constexpr std::size_t kLongestPart = 255;  // what file systems take
constexpr std::size_t kLongestPath = 1024;

bool is_name_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x80 && (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.');
}

bool is_name_part(std::string_view part) {
  const auto is_edge = [](char c) { return c == '-' || c == '.'; };
  return !part.empty() && part.size() <= kLongestNamePart && std::ranges::all_of(part, is_name_character) &&
         !is_edge(part.front()) && !is_edge(part.back());
}

// Calls `accepts` for each part between slashes, until it says no.
template <typename Predicate>
bool every_part(std::string_view path, Predicate accepts) {
  for (;;) {
    const auto slash = path.find('/');
    if (!accepts(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// The beginning, without what a terminal would obey.
std::string shown(std::string_view path) {
  std::string out = replace_invalid_utf8(path.substr(0, 80));
  std::ranges::replace_if(out, is_control, '?');
  return path.size() > 80 ? out + "..." : out;
}

}  // namespace

bool is_repository_name(std::string_view name) noexcept {
  const auto slash = name.find('/');
  if (slash != std::string_view::npos && !is_name_part(name.substr(0, slash))) return false;
  const auto last = slash == std::string_view::npos ? name : name.substr(slash + 1);
  return is_name_part(last) && !name.contains("--") && !name.contains("..") && !name.ends_with(".git");
}

bool is_revision(std::string_view revision) noexcept {
  return !revision.empty() && revision.size() <= kLongestRevision && every_part(revision, [](std::string_view part) {
    return !part.empty() && !part.starts_with('.') && !part.ends_with(".lock") &&
           std::ranges::all_of(part, [](char c) { return is_name_character(c) || c == '+'; });
  });
}

bool is_commit(std::string_view revision) noexcept { return is_lower_hex(revision, 40); }

bool is_blob_name(std::string_view etag) noexcept { return is_lower_hex(etag, 64) || is_lower_hex(etag, 40); }

Result<void> check_file_path(std::string_view path) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::kCorrupt, std::format("the file name '{}' {}, so it is not accepted", shown(path), why));
  };
  if (path.empty()) return refuse("is empty");
  if (path.size() > kLongestPath) return refuse("is too long");
  if (path.starts_with('/')) return refuse("is an absolute path");
  if (find_invalid_utf8(path)) return refuse("is not valid UTF-8");
  if (std::ranges::any_of(path, is_control)) return refuse("has control characters in it");
  if (path.contains('\\')) return refuse("has a backslash in it");
  std::string_view why;
  every_part(path, [&](std::string_view part) {
    if (part.empty()) why = "has an empty part";
    if (part == "." || part == "..") why = "leads out of its folder";
    if (part.size() > kLongestPart) why = "is too long for a file system";
    return why.empty();
  });
  if (!why.empty()) return refuse(why);
  return {};
}

std::string_view strip_etag(std::string_view etag) noexcept {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  while (etag.starts_with('"')) etag.remove_prefix(1);
  while (etag.ends_with('"')) etag.remove_suffix(1);
  return etag;
}

}  // namespace hyprstream

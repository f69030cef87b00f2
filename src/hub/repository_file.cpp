#include "hub/repository_file.hpp"

#include <format>

#include "base/hex.hpp"
#include "base/json.hpp"
#include "hub/names.hpp"

namespace hyprstream {
namespace {

using nlohmann::json;

std::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorCode::kCorrupt, std::format("the hub's answer has {}", what));
}

Result<std::string> string_at(const json& object, const char* key) {
  const auto value = object.find(key);
  if (value == object.end() || !value->is_string()) return wrong(std::format("no text under '{}'", key));
  return value->get<std::string>();
}

Result<std::uint64_t> size_at(const json& object, const char* key) {
  const auto value = object.find(key);
  // A number that is negative or has a fraction is not unsigned.
  if (value == object.end() || !value->is_number_unsigned() || value->get<std::uint64_t>() > INT64_MAX)
    return wrong(std::format("no size under '{}'", key));
  return value->get<std::uint64_t>();
}

std::uint64_t count_at(const json& object, const char* key) {
  const auto value = object.find(key);
  return value != object.end() && value->is_number_unsigned() ? value->get<std::uint64_t>() : 0;
}

// "gated" is false, or "auto", or "manual".
bool is_set(const json& object, const char* key) {
  const auto value = object.find(key);
  if (value == object.end()) return false;
  return value->is_boolean() ? value->get<bool>() : value->is_string();
}

Result<RepositoryFile> parse_file(const json& entry) {
  RepositoryFile file;
  HYPRSTREAM_ASSIGN(file.path, string_at(entry, "path"));
  HYPRSTREAM_TRY(check_file_path(file.path));
  HYPRSTREAM_ASSIGN(file.size, size_at(entry, "size"));
  const auto lfs = entry.find("lfs");
  if (lfs == entry.end() || lfs->is_null()) return file;
  if (!lfs->is_object()) return wrong("something else than an object under 'lfs'");
  HYPRSTREAM_ASSIGN(file.sha256, string_at(*lfs, "oid"));
  HYPRSTREAM_ASSIGN(file.size, size_at(*lfs, "size"));
  if (!is_lower_hex(*file.sha256, 64)) return wrong(std::format("a digest for {} that is no SHA-256", file.path));
  return file;
}

}  // namespace

Result<std::vector<RepositoryFile>> parse_tree(std::string_view text) {
  HYPRSTREAM_ASSIGN(const auto tree, parse_json(text, "the hub's list of files"));
  if (!tree.is_array()) return wrong("no list of files");
  std::vector<RepositoryFile> files;
  for (const auto& entry : tree) {
    if (!entry.is_object()) return wrong("an entry that is no object");
    HYPRSTREAM_ASSIGN(const auto type, string_at(entry, "type"));
    if (type != "file") continue;
    HYPRSTREAM_ASSIGN(auto file, parse_file(entry));
    files.push_back(std::move(file));
  }
  return files;
}

Result<std::vector<FoundRepository>> parse_search(std::string_view text) {
  HYPRSTREAM_ASSIGN(const auto list, parse_json(text, "the hub's search result"));
  if (!list.is_array()) return wrong("no list of repositories");
  std::vector<FoundRepository> found;
  for (const auto& entry : list) {
    if (!entry.is_object()) return wrong("an entry that is no object");
    FoundRepository repository;
    HYPRSTREAM_ASSIGN(repository.name, string_at(entry, entry.contains("id") ? "id" : "modelId"));
    if (!is_repository_name(repository.name)) continue;
    repository.downloads = count_at(entry, "downloads");
    repository.likes = count_at(entry, "likes");
    repository.is_private = is_set(entry, "private");
    repository.is_gated = is_set(entry, "gated");
    if (const auto date = entry.find("lastModified"); date != entry.end() && date->is_string())
      repository.last_modified = date->get<std::string>();
    found.push_back(std::move(repository));
  }
  return found;
}

}  // namespace hyprstream

#include "uploads/upload_store.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <format>
#include <random>
#include <system_error>

#include "base/atomic_file.hpp"
#include "base/hex.hpp"
#include "base/json.hpp"
#include "base/mapped_file.hpp"
#include "base/paths.hpp"
#include "base/staged_directory.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kIdPrefix = "file-";
constexpr std::size_t kIdDigits = 24;
constexpr const char* kContent = "content";
constexpr const char* kAbout = "about.json";

std::string fresh_id() {
  std::random_device random;
  std::array<std::byte, kIdDigits / 2> bytes;
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return std::string(kIdPrefix) + to_hex(bytes);
}

// Nothing else reaches a path.
bool is_id(std::string_view text) noexcept {
  return text.starts_with(kIdPrefix) && is_lower_hex(text.substr(kIdPrefix.size()), kIdDigits);
}

Result<Upload> read_about(const std::filesystem::path& path, std::string_view id) {
  HYPRSTREAM_ASSIGN(const auto text, read_whole_file(path));
  HYPRSTREAM_ASSIGN(const auto json, parse_json(text, path.string()));
  try {
    return Upload{.id = std::string(id),
                  .filename = json.at("filename").get<std::string>(),
                  .purpose = json.at("purpose").get<std::string>(),
                  .bytes = json.at("bytes").get<std::uint64_t>(),
                  .created = json.at("created").get<long long>()};
  } catch (const nlohmann::json::exception&) {
    return fail(ErrorCode::kCorrupt, path.string() + " is not what an upload is described by");
  }
}

}  // namespace

UploadStore UploadStore::of_user() { return UploadStore(data_home() / "files"); }

Result<Upload> UploadStore::add(std::string_view content, std::string filename, std::string purpose) const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Upload upload{.id = fresh_id(),
                .filename = std::move(filename),
                .purpose = std::move(purpose),
                .bytes = content.size(),
                .created = std::chrono::duration_cast<std::chrono::seconds>(now).count()};
  HYPRSTREAM_ASSIGN(auto staged, StagedDirectory::create(directory_));
  HYPRSTREAM_TRY(write_whole_file(staged.path() / kContent, content));
  const nlohmann::ordered_json about = {
      {"filename", upload.filename}, {"purpose", upload.purpose}, {"bytes", upload.bytes}, {"created", upload.created}};
  HYPRSTREAM_TRY(write_whole_file(staged.path() / kAbout,
                                  about.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"));
  HYPRSTREAM_TRY(staged.publish(directory_ / upload.id));
  return upload;
}

std::vector<Upload> UploadStore::list() const {
  std::vector<Upload> uploads;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error))
    if (auto upload = find(entry.path().filename().string())) uploads.push_back(std::move(*upload));
  std::ranges::sort(uploads, {}, [](const Upload& upload) { return std::pair(upload.created, upload.id); });
  return uploads;
}

Result<std::filesystem::path> UploadStore::content_path(std::string_view id) const {
  std::error_code error;
  const auto directory = directory_ / (is_id(id) ? std::string(id) : std::string(kIdPrefix));
  if (!is_id(id) || std::filesystem::symlink_status(directory, error).type() != std::filesystem::file_type::directory)
    return fail(ErrorCode::kNotFound, std::format("there is no file '{}': GET /v1/files lists those there are", id));
  return directory / kContent;
}

Result<Upload> UploadStore::find(std::string_view id) const {
  HYPRSTREAM_ASSIGN(const auto content, content_path(id));
  return read_about(content.parent_path() / kAbout, id);
}

Result<std::string> UploadStore::content(std::string_view id) const {
  HYPRSTREAM_ASSIGN(const auto path, content_path(id));
  return read_whole_file(path);
}

Result<void> UploadStore::remove(std::string_view id) const {
  HYPRSTREAM_ASSIGN(const auto path, content_path(id));
  return remove_directory(path.parent_path(), directory_);
}

}  // namespace hyprstream

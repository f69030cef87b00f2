#include "hub/gguf_start.hpp"

#include <format>
#include <string_view>
#include <system_error>

#include "gguf/gguf_file.hpp"

namespace hyprstream {

Result<void> check_gguf_start(std::span<const std::byte> start, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  if (text.starts_with("GGUF")) return {};
  std::string_view what = "it does not begin like one";
  if (text.starts_with("version https://git-lfs")) what = "it is only a pointer of Git LFS to one";
  if (text.starts_with("<")) what = "it is a web page";
  if (text.starts_with("PK")) what = "it is a ZIP archive, perhaps of PyTorch";
  return fail(ErrorCode::kCorrupt, std::format("{} is no GGUF file, {}: nothing of it was kept", name, what));
}

Result<void> check_gguf(const std::filesystem::path& path, const std::filesystem::path& state,
                        const std::string& name) {
  const auto file = GgufFile::open(path);
  if (file) return {};
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  std::filesystem::remove(state, ignored);
  // The sentence names the file in the cache, which nobody knows.
  std::string message = file.error().message;
  if (const auto at = message.find(path.string()); at != std::string::npos)
    message.replace(at, path.string().size(), name);
  return fail(file.error().code, message + "; nothing of it was kept");
}

}  // namespace hyprstream

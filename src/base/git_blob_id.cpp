#include "base/git_blob_id.hpp"

#include <openssl/evp.h>

#include <array>
#include <format>

#include "base/c_handle.hpp"
#include "base/hex.hpp"
#include "base/mapped_file.hpp"

namespace hyprstream {

Result<std::string> git_blob_id(const std::filesystem::path& path) {
  HYPRSTREAM_ASSIGN(const auto file, MappedFile::open(path));
  const std::string head = std::format("blob {}", file.bytes().size());
  const CHandle<EVP_MD_CTX, EVP_MD_CTX_free> sum(EVP_MD_CTX_new());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (!sum || EVP_DigestInit_ex(sum.get(), EVP_sha1(), nullptr) != 1 ||
      EVP_DigestUpdate(sum.get(), head.c_str(), head.size() + 1) != 1 ||
      EVP_DigestUpdate(sum.get(), file.bytes().data(), file.bytes().size()) != 1 ||
      EVP_DigestFinal_ex(sum.get(), digest.data(), &length) != 1)
    return fail(ErrorCode::kInternal, "OpenSSL cannot compute SHA-1 here");
  return to_hex(std::as_bytes(std::span(digest).first(length)));
}

}  // namespace hyprstream

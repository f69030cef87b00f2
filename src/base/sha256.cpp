#include "base/sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <format>
#include <utility>

#include "base/mapped_file.hpp"

namespace hyprstream {

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Result<Sha256> Sha256::create() {
  std::unique_ptr<evp_md_ctx_st, Free> context(EVP_MD_CTX_new());
  if (context == nullptr || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1)
    return fail(ErrorCode::kInternal, "OpenSSL does not offer SHA-256 here");
  return Sha256(std::move(context));
}

void Sha256::update(std::span<const std::byte> bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

std::string Sha256::hex_digest() {
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
  std::string hex;
  for (const unsigned byte : digest) hex += std::format("{:02x}", byte);
  return hex;
}

Result<std::string> sha256_hex(std::span<const std::byte> bytes) {
  HYPRSTREAM_ASSIGN(auto hash, Sha256::create());
  hash.update(bytes);
  return hash.hex_digest();
}

Result<std::string> sha256_file(const std::filesystem::path& path) {
  HYPRSTREAM_ASSIGN(const auto file, MappedFile::open(path));
  return sha256_hex(file.bytes());
}

}  // namespace hyprstream

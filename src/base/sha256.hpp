// SHA-256 (FIPS 180-4), by OpenSSL.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/error.hpp"

struct evp_md_ctx_st;

namespace hyprstream {

// Bytes in any number of pieces. Movable. Not thread-safe.
class Sha256 {
 public:
  // Errors: kInternal (the system's OpenSSL does not offer it, or is out of memory).
  static Result<Sha256> create();

  void update(std::span<const std::byte> bytes);
  // 64 lower-case hexadecimal digits. Called once, after the last update().
  std::string hex_digest();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  explicit Sha256(std::unique_ptr<evp_md_ctx_st, Free> context) noexcept : context_(std::move(context)) {}

  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Of bytes in memory.
Result<std::string> sha256_hex(std::span<const std::byte> bytes);

// Of a whole file. Errors: those of MappedFile::open().
Result<std::string> sha256_file(const std::filesystem::path& path);

}  // namespace hyprstream

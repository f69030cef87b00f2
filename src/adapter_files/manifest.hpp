// manifest.json: what a stored version is, without opening its weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "adapter/lora_adapter.hpp"
#include "base/error.hpp"

namespace hyprstream {

// Where a version came from.
struct AdapterLineage {
  enum class Kind : std::uint8_t { kCreated, kSparsified, kImported, kTrained };
  Kind kind = Kind::kCreated;
  // What it was made from: the parent's "NAME@VERSION", an imported path, a training run's id; may be empty.
  std::string source;
  std::string parent_sha256;  // of the parent's adapter file; empty if there is none
  // How: "init": "gaussian", "seed": "7", "method": "contribution", ...
  std::vector<std::pair<std::string, std::string>> parameters;
};

struct ManifestPair {
  LinearId id;
  std::size_t rank = 0;
  std::size_t nnz = 0;
  std::size_t entries = 0;
  double norm = 0;  // Frobenius norm of scaling * B * A
};

struct AdapterManifest {
  int manifest_version = 1;
  AdapterDescription description;  // base.linears is empty: the pairs say it
  int version = 0;
  std::string created_at;  // RFC 3339, UTC
  std::string sha256;      // of adapter.gguf, hex
  std::uint64_t file_bytes = 0;
  std::size_t nnz = 0;
  std::size_t entries = 0;
  AdapterLineage lineage;
  std::vector<ManifestPair> pairs;
};

// JSON text, indented.
std::string format_manifest(const AdapterManifest& manifest);
// Errors: kCorrupt (naming the field), kUnsupported (a newer manifest version).
Result<AdapterManifest> parse_manifest(std::string_view text);

}  // namespace hyprstream

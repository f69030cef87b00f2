// manifest.json: what a stored version is, without opening its weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapter/lora_adapter.hpp"
#include "base/error.hpp"

namespace hyprstream {

// Where a version came from.
struct AdapterLineage {
  enum class Kind : std::uint8_t { kCreated, kSparsified, kImported, kTrained };
  Kind kind = Kind::kCreated;
  // What it was made from: the parent's "NAME@VERSION", the name of an imported file, a training run's id. Empty for
  // a created one.
  std::string source;
  std::string parent_sha256;  // of the parent's adapter file; empty if there is none
  // How: {"init", "gaussian"}, {"seed", "7"}, {"method", "contribution"}, ...
  std::vector<std::pair<std::string, std::string>> parameters;
};
std::string_view lineage_kind_name(AdapterLineage::Kind kind) noexcept;  // "created", ...

// One target weight's A and B.
struct ManifestPair {
  LinearId id;
  std::size_t rank = 0;
  std::size_t nnz = 0;      // of A and B
  std::size_t entries = 0;  // zeros included
  double norm = 0;          // Frobenius norm of scaling * B * A

  double sparsity() const noexcept { return 1.0 - static_cast<double>(nnz) / static_cast<double>(entries); }
};

struct AdapterManifest {
  AdapterDescription description;  // but for base.linears, which stays empty
  int version = 0;                 // of the adapter, from 1
  std::string created_at;          // RFC 3339, UTC
  std::string sha256;              // of adapter.gguf, in hex
  std::uint64_t file_bytes = 0;    // of adapter.gguf
  std::uint64_t dense_bytes = 0;   // of all A and B in float32
  std::size_t nnz = 0;
  std::size_t entries = 0;
  AdapterLineage lineage;
  std::vector<ManifestPair> pairs;  // by layer, then module

  double sparsity() const noexcept { return 1.0 - static_cast<double>(nnz) / static_cast<double>(entries); }
};

// Everything that the adapter itself says; version, time, hash and file size are the caller's.
AdapterManifest describe_adapter(const LoraAdapter& adapter, AdapterLineage lineage);

// JSON, indented by two.
std::string format_manifest(const AdapterManifest& manifest);
// Errors: kCorrupt (naming `what` and the field), kUnsupported (a newer manifest).
Result<AdapterManifest> parse_manifest(std::string_view text, std::string_view what);

// The time now: "2026-11-23T18:36:37Z".
std::string utc_now();

}  // namespace hyprstream

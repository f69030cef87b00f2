// What a user may write for a model.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "hub/http_url.hpp"

namespace hyprstream {

// One model, or all of a repository, in a registry that speaks the hub's protocol.
struct HubReference {
  std::string repository;                   // "org/name"
  std::string revision = "main";            // branch, tag or commit
  std::optional<std::string> quantization;  // "Q4_K_M", as it was written
  std::optional<std::string> file;          // path in the repository

  // As a user would write it: "org/name@rev:QUANT".
  std::string text() const;
  bool operator==(const HubReference&) const = default;
};

struct ModelReference {
  enum class Kind { kBundled, kPath, kHub, kUrl };

  Kind kind = Kind::kBundled;
  std::filesystem::path path;  // of kPath
  HubReference hub;            // of kHub
  std::optional<HttpUrl> url;  // of kUrl
};

// Short names, and what they stand for: "qwen3-0.6b" -> "Qwen/Qwen3-0.6B-GGUF:Q8_0".
using ModelAliases = std::map<std::string, HubReference, std::less<>>;

// Text: one alias a line, "NAME ORG/REPOSITORY[@REV][:QUANT]"; '#' begins a comment. `what` names the text in
// messages. Errors: kCorrupt, naming the line.
Result<ModelAliases> parse_aliases(std::string_view text, std::string_view what);
// models/aliases.txt of the installation. Errors: as above; kNotFound, kPermissionDenied, kIo.
Result<ModelAliases> load_aliases();

// Forms, in this order: "bundled"; "hf://org/repo[@rev][:QUANT|/file.gguf]"; "https://host/x.gguf" (one of the
// hub's own pages is the same as hf://); `path_exists`: a path; an alias; "org/repo[@rev][:QUANT]" unless it ends in
// ".gguf"; everything else is a path. `endpoint`: the hub. Errors: kInvalidArgument: a form that is begun and wrong;
// plain http to a public host.
Result<ModelReference> parse_reference(std::string_view text, const ModelAliases& aliases, const HttpUrl& endpoint,
                                       bool path_exists);

}  // namespace hyprstream

#include "adapter_files/manifest.hpp"

#include <array>
#include <chrono>
#include <format>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "adapter/effect_norm.hpp"
#include "base/json.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kManifestVersion = 1;
constexpr std::array<std::string_view, 4> kKinds = {"created", "sparsified", "imported", "trained"};

std::optional<AdapterLineage::Kind> parse_kind(std::string_view name) {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (kKinds[i] == name) return static_cast<AdapterLineage::Kind>(i);
  return std::nullopt;
}

// Reads fields of an object; remembers the first that is missing or of the wrong type.
class FieldReader {
 public:
  FieldReader(const nlohmann::json& object, std::string path) : object_(object), path_(std::move(path)) {}

  template <typename T>
  void read(const char* name, T& value) {
    const auto found = object_.is_object() ? object_.find(name) : object_.end();
    if (!object_.is_object() || found == object_.end() || !has_type<T>(*found)) {
      if (!wrong_) wrong_ = path_ + name;
      return;
    }
    value = found->get<T>();
  }
  const nlohmann::json* find(const char* name) const {
    const auto found = object_.is_object() ? object_.find(name) : object_.end();
    return found == object_.end() ? nullptr : &*found;
  }
  void refuse(const char* name) {
    if (!wrong_) wrong_ = path_ + name;
  }
  const std::optional<std::string>& wrong() const noexcept { return wrong_; }

 private:
  template <typename T>
  static bool has_type(const nlohmann::json& value) {
    if constexpr (std::is_same_v<T, std::string>)
      return value.is_string();
    else if constexpr (std::is_same_v<T, bool>)
      return value.is_boolean();
    else if constexpr (std::is_floating_point_v<T>)
      return value.is_number();
    else
      return value.is_number_unsigned() &&
             value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<T>::max());
  }

  const nlohmann::json& object_;
  std::string path_;
  std::optional<std::string> wrong_;
};

Json module_names(std::span<const LinearModule> modules) {
  auto names = Json::array();
  for (const auto module : modules) names.push_back(linear_module_name(module));
  return names;
}

Json lineage_json(const AdapterLineage& lineage) {
  Json json{{"kind", lineage_kind_name(lineage.kind)}};
  if (!lineage.source.empty()) json["source"] = lineage.source;
  if (!lineage.parent_sha256.empty()) json["parent_sha256"] = lineage.parent_sha256;
  auto parameters = Json::object();
  for (const auto& [name, value] : lineage.parameters) parameters[name] = value;
  json["parameters"] = std::move(parameters);
  return json;
}

std::optional<std::string> read_lineage(const nlohmann::json* json, AdapterLineage& lineage) {
  if (json == nullptr) return "lineage";
  FieldReader reader(*json, "lineage.");
  std::string kind;
  reader.read("kind", kind);
  if (const auto parsed = parse_kind(kind))
    lineage.kind = *parsed;
  else
    reader.refuse("kind");
  if (reader.find("source") != nullptr) reader.read("source", lineage.source);
  if (reader.find("parent_sha256") != nullptr) reader.read("parent_sha256", lineage.parent_sha256);
  if (const auto* parameters = reader.find("parameters"); parameters != nullptr && parameters->is_object())
    for (const auto& [name, value] : parameters->items())
      if (value.is_string()) lineage.parameters.emplace_back(name, value.get<std::string>());
  return reader.wrong();
}

std::optional<std::string> read_pairs(const nlohmann::json* json, std::vector<ManifestPair>& pairs) {
  if (json == nullptr || !json->is_array() || json->empty()) return "pairs";
  for (std::size_t i = 0; i < json->size(); ++i) {
    FieldReader reader((*json)[i], std::format("pairs[{}].", i));
    ManifestPair pair;
    std::string module;
    reader.read("layer", pair.id.layer);
    reader.read("module", module);
    reader.read("rank", pair.rank);
    reader.read("nnz", pair.nnz);
    reader.read("entries", pair.entries);
    reader.read("norm", pair.norm);
    if (const auto parsed = parse_linear_module(module))
      pair.id.module = *parsed;
    else
      reader.refuse("module");
    if (pair.entries == 0) reader.refuse("entries");
    if (reader.wrong()) return reader.wrong();
    pairs.push_back(pair);
  }
  return std::nullopt;
}

std::optional<std::string> read_modules(const nlohmann::json* json, std::vector<LinearModule>& modules) {
  if (json == nullptr || !json->is_array()) return "target_modules";
  for (const auto& name : *json) {
    const auto module = name.is_string() ? parse_linear_module(name.get<std::string>()) : std::nullopt;
    if (!module) return "target_modules";
    modules.push_back(*module);
  }
  return std::nullopt;
}

}  // namespace

std::string_view lineage_kind_name(AdapterLineage::Kind kind) noexcept {
  return kKinds[static_cast<std::size_t>(kind)];
}

AdapterManifest describe_adapter(const LoraAdapter& adapter, AdapterLineage lineage) {
  AdapterManifest manifest{.description = adapter.description(),
                           .version = 0,
                           .created_at = {},
                           .sha256 = {},
                           .file_bytes = 0,
                           .dense_bytes = adapter.dense_bytes(),
                           .nnz = adapter.nnz(),
                           .entries = adapter.entries(),
                           .lineage = std::move(lineage),
                           .pairs = {}};
  manifest.description.base.linears.clear();
  for (const auto& pair : adapter.pairs())
    manifest.pairs.push_back(
        {.id = pair.id, .rank = pair.rank(), .nnz = pair.nnz(), .entries = pair.entries(), .norm = effect_norm(pair)});
  return manifest;
}

std::string format_manifest(const AdapterManifest& manifest) {
  const auto& description = manifest.description;
  Json json{{"manifest_version", kManifestVersion},
            {"id", description.id},
            {"name", description.name},
            {"version", manifest.version},
            {"created_at", manifest.created_at},
            {"sha256", manifest.sha256},
            {"file_bytes", manifest.file_bytes},
            {"dense_bytes", manifest.dense_bytes},
            {"base",
             {{"name", description.base.name},
              {"architecture", description.base.architecture},
              {"header_sha256", description.base.header_sha256}}},
            {"rank", description.rank},
            {"alpha", description.alpha},
            {"rslora", description.rank_stabilized},
            {"target_modules", module_names(description.target_modules)},
            {"requested_sparsity", description.requested_sparsity},
            {"sparsity", manifest.sparsity()},
            {"nnz", manifest.nnz},
            {"entries", manifest.entries},
            {"lineage", lineage_json(manifest.lineage)}};
  auto pairs = Json::array();
  for (const auto& pair : manifest.pairs)
    pairs.push_back({{"layer", pair.id.layer},
                     {"module", linear_module_name(pair.id.module)},
                     {"rank", pair.rank},
                     {"nnz", pair.nnz},
                     {"entries", pair.entries},
                     {"sparsity", pair.sparsity()},
                     {"norm", pair.norm}});
  json["pairs"] = std::move(pairs);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

Result<AdapterManifest> parse_manifest(std::string_view text, std::string_view what) {
  HYPRSTREAM_ASSIGN(const auto json, parse_json(text, what));
  FieldReader reader(json, "");
  int format = 0;
  reader.read("manifest_version", format);
  if (format > kManifestVersion)
    return fail(ErrorCode::kUnsupported, std::format("{} has manifest version {}, and this program reads version {}: "
                                                     "use a newer hyprstream",
                                                     what, format, kManifestVersion));
  AdapterManifest manifest;
  auto& description = manifest.description;
  reader.read("id", description.id);
  reader.read("name", description.name);
  reader.read("version", manifest.version);
  reader.read("created_at", manifest.created_at);
  reader.read("sha256", manifest.sha256);
  reader.read("file_bytes", manifest.file_bytes);
  reader.read("dense_bytes", manifest.dense_bytes);
  reader.read("rank", description.rank);
  reader.read("alpha", description.alpha);
  reader.read("rslora", description.rank_stabilized);
  reader.read("requested_sparsity", description.requested_sparsity);
  reader.read("nnz", manifest.nnz);
  reader.read("entries", manifest.entries);
  auto wrong = reader.wrong();
  if (const auto* base = reader.find("base"); base != nullptr) {
    FieldReader base_reader(*base, "base.");
    base_reader.read("name", description.base.name);
    base_reader.read("architecture", description.base.architecture);
    base_reader.read("header_sha256", description.base.header_sha256);
    if (!wrong) wrong = base_reader.wrong();
  } else if (!wrong) {
    wrong = "base";
  }
  if (!wrong) wrong = read_modules(reader.find("target_modules"), description.target_modules);
  if (!wrong) wrong = read_lineage(reader.find("lineage"), manifest.lineage);
  if (!wrong) wrong = read_pairs(reader.find("pairs"), manifest.pairs);
  if (!wrong && manifest.entries == 0) wrong = "entries";
  if (wrong)
    return fail(ErrorCode::kCorrupt, std::format("{} is damaged: the field '{}' is missing or wrong", what, *wrong));
  return manifest;
}

std::string utc_now() {
  return std::format("{:%FT%TZ}", std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

}  // namespace hyprstream

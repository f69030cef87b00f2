#include "cli/sql_inventory.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <ranges>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "adapter_files/adapter_store.hpp"
#include "base/paths.hpp"
#include "cli_options/local_models.hpp"
#include "cli_options/model_reference.hpp"
#include "cli_options/model_source.hpp"
#include "gguf/model_info.hpp"
#include "training_job/run_store.hpp"

namespace hyprstream {
namespace {

template <typename T>
Cell count(T number) {
  return static_cast<std::int64_t>(number);
}

Cell text_or_null(const std::string& text) { return text.empty() ? Cell() : Cell(text); }

// RFC 3339 in UTC, "2026-11-23T18:36:37Z"; NULL for anything else.
Cell time_of(const std::string& text) {
  std::istringstream in(text);
  std::chrono::sys_seconds time;
  in >> std::chrono::parse("%FT%TZ", time);
  if (in.fail()) return {};
  return std::chrono::system_clock::time_point(time);
}

// ---- models ----

std::vector<Cell> model_row(const std::string& name, const std::filesystem::path& path, std::string quantization,
                            std::uint64_t size, std::optional<std::chrono::system_clock::time_point> last_used) {
  std::vector<Cell> row{name};
  std::optional<ModelInfo> info;
  if (const auto file = GgufFile::open(path))
    if (auto read = read_model_info(*file)) info = std::move(*read);
  row.push_back(info ? Cell(info->architecture) : Cell());
  row.push_back(text_or_null(info ? info->quantization : std::move(quantization)));
  row.push_back(info ? count(info->parameters) : Cell());
  row.push_back(info ? count(info->layers) : Cell());
  row.push_back(info ? count(info->hidden_size) : Cell());
  row.push_back(info ? count(info->context_length) : Cell());
  row.push_back(count(info ? info->file_size : size));
  row.push_back(path.string());
  row.push_back(last_used ? Cell(*last_used) : Cell());
  return row;
}

Result<CellRows> read_models() {
  CellRows rows;
  std::error_code error;
  if (std::filesystem::exists(bundled_model_path(), error))
    rows.push_back(model_row(std::string(kBundledModel), bundled_model_path(), "", 0, {}));
  HYPRSTREAM_ASSIGN(const auto settings, HubFlags{.offline = true}.settings());
  HYPRSTREAM_ASSIGN(const auto models, list_local_models(settings));
  for (const auto& model : models)
    rows.push_back(model_row(model.name, model.path, model.quantization, model.size, model.last_used));
  return rows;
}

// ---- adapters ----

std::vector<std::string> target_names(const AdapterDescription& description) {
  std::vector<std::string> names;
  for (const auto module : description.target_modules) names.emplace_back(linear_module_name(module));
  return names;
}

std::vector<Cell> version_row(const StoredVersion& version, const AdapterManifest& manifest) {
  const auto& described = manifest.description;
  return {version.name,
          count(version.version),
          described.id,
          text_or_null(described.base.name),
          count(described.rank),
          static_cast<double>(described.alpha),
          target_names(described),
          manifest.sparsity(),
          count(manifest.nnz),
          count(manifest.entries),
          count(manifest.file_bytes),
          std::string(lineage_kind_name(manifest.lineage.kind)),
          text_or_null(manifest.lineage.source),
          time_of(manifest.created_at),
          manifest.sha256};
}

// Versions that are being removed, or are damaged, are not there.
template <typename Add>
void for_each_version(const AdapterStore& store, const StoredVersion& newest, const Add& add) {
  for (const auto& version : store.versions(newest.name))
    if (const auto manifest = store.manifest(version)) add(version, *manifest);
}

Result<CellRows> read_adapters() {
  const auto store = AdapterStore::of_user();
  CellRows rows;
  for (const auto& newest : store.list())
    if (const auto manifest = store.manifest(newest)) rows.push_back(version_row(newest, *manifest));
  return rows;
}

Result<CellRows> read_versions() {
  const auto store = AdapterStore::of_user();
  CellRows rows;
  for (const auto& newest : store.list())
    for_each_version(store, newest, [&](const StoredVersion& version, const AdapterManifest& manifest) {
      rows.push_back(version_row(version, manifest));
    });
  return rows;
}

Result<CellRows> read_layers() {
  const auto store = AdapterStore::of_user();
  CellRows rows;
  for (const auto& newest : store.list())
    for_each_version(store, newest, [&](const StoredVersion& version, const AdapterManifest& manifest) {
      for (const auto& pair : manifest.pairs)
        rows.push_back({version.name, count(version.version), count(pair.id.layer),
                        std::string(linear_module_name(pair.id.module)), count(pair.rank), pair.sparsity(),
                        count(pair.nnz), count(pair.entries), pair.norm});
    });
  return rows;
}

// ---- training runs ----

Cell real_or_null(const std::optional<double>& number) { return number ? Cell(*number) : Cell(); }

Result<CellRows> read_training_runs() {
  CellRows rows;
  for (const auto& run : TrainingRunStore::of_user().list())
    rows.push_back({run.id, run.options.name, std::string(run_status_name(run.status)), run.options.base,
                    run.options.data, count(run.options.rank), run.sparsity, count(run.examples), count(run.step),
                    count(run.total_steps), count(run.trained_tokens), run.seconds, real_or_null(run.train_loss),
                    real_or_null(run.base_validation_loss), real_or_null(run.validation_loss),
                    real_or_null(run.best_validation_loss), time_of(run.created_at), time_of(run.finished_at),
                    text_or_null(run.error)});
  return rows;
}

std::vector<VirtualColumn> version_columns() {
  return {{"name"},
          {"version", CellType::kInteger},
          {"id"},
          {"base"},
          {"rank", CellType::kInteger},
          {"alpha", CellType::kReal},
          {"target_modules", CellType::kTexts},
          {"sparsity", CellType::kReal},
          {"nnz", CellType::kInteger},
          {"entries", CellType::kInteger},
          {"bytes", CellType::kInteger},
          {"origin"},
          {"source"},
          {"created_at", CellType::kTime},
          {"sha256"}};
}

}  // namespace

std::vector<VirtualTable> inventory_tables() {
  return {{.name = "models",
           .columns = {{"name"},
                       {"architecture"},
                       {"quantization"},
                       {"parameters", CellType::kInteger},
                       {"layers", CellType::kInteger},
                       {"hidden_size", CellType::kInteger},
                       {"context_length", CellType::kInteger},
                       {"bytes", CellType::kInteger},
                       {"path"},
                       {"last_used", CellType::kTime}},
           .read = read_models},
          {.name = "adapters", .columns = version_columns(), .read = read_adapters},
          {.name = "adapter_versions", .columns = version_columns(), .read = read_versions},
          {.name = "adapter_layers",
           .columns = {{"name"},
                       {"version", CellType::kInteger},
                       {"layer", CellType::kInteger},
                       {"module"},
                       {"rank", CellType::kInteger},
                       {"sparsity", CellType::kReal},
                       {"nnz", CellType::kInteger},
                       {"entries", CellType::kInteger},
                       {"norm", CellType::kReal}},
           .read = read_layers},
          {.name = "training_runs",
           .columns = {{"id"},
                       {"adapter"},
                       {"status"},
                       {"base"},
                       {"data"},
                       {"rank", CellType::kInteger},
                       {"sparsity", CellType::kReal},
                       {"examples", CellType::kInteger},
                       {"step", CellType::kInteger},
                       {"total_steps", CellType::kInteger},
                       {"trained_tokens", CellType::kInteger},
                       {"seconds", CellType::kReal},
                       {"train_loss", CellType::kReal},
                       {"base_validation_loss", CellType::kReal},
                       {"validation_loss", CellType::kReal},
                       {"best_validation_loss", CellType::kReal},
                       {"created_at", CellType::kTime},
                       {"finished_at", CellType::kTime},
                       {"error"}},
           .read = read_training_runs}};
}

}  // namespace hyprstream

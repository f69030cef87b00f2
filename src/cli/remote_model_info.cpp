#include "cli/remote_model_info.hpp"

#include <nlohmann/json.hpp>

#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

using nlohmann::ordered_json;

bool is_same(const GgufVariant& a, const GgufVariant& b) { return a.files.front().path == b.files.front().path; }

}  // namespace

std::string render_repository(const HubReference& reference, std::span<const RepositoryFile> files,
                              const GgufVariant& chosen, bool on_this_disk) {
  Table about({Align::kLeft, Align::kLeft});
  about.add_row({"Repository", reference.repository});
  about.add_row({"Revision", reference.revision});
  about.add_row({"On this disk", on_this_disk ? "yes" : "no"});
  Table models({Align::kLeft, Align::kRight, Align::kRight, Align::kLeft});
  models.add_row({"QUANTIZATION", "SIZE", "FILES", "FIRST FILE"});
  for (const auto& variant : group_variants(files))
    models.add_row(
        {variant.quantization.empty() ? "-" : variant.quantization, format_bytes(variant.size()),
         std::to_string(variant.files.size()),
         printable_line(variant.files.front().path) + (is_same(variant, chosen) ? "  (pulled by default)" : "")});
  return about.render() + "\n" + models.render();
}

std::string render_repository_json(const HubReference& reference, std::span<const RepositoryFile> files,
                                   const GgufVariant& chosen, bool on_this_disk) {
  ordered_json models = ordered_json::array();
  for (const auto& variant : group_variants(files)) {
    ordered_json parts = ordered_json::array();
    for (const auto& file : variant.files)
      parts.push_back({{"path", file.path},
                       {"size_bytes", file.size},
                       {"sha256", file.sha256 ? ordered_json(*file.sha256) : ordered_json()}});
    models.push_back(
        {{"quantization", variant.quantization.empty() ? ordered_json() : ordered_json(variant.quantization)},
         {"size_bytes", variant.size()},
         {"files", std::move(parts)},
         {"chosen", is_same(variant, chosen)}});
  }
  const ordered_json json{{"repository", reference.repository},
                          {"revision", reference.revision},
                          {"on_this_disk", on_this_disk},
                          {"models", std::move(models)}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace hyprstream

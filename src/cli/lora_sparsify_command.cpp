// hyprstream lora sparsify.
#include <format>
#include <optional>
#include <string>

#include "adapter/sparsify.hpp"
#include "adapter_files/adapter_store.hpp"
#include "cli/adapter_report.hpp"
#include "cli/command_table.hpp"
#include "cli_options/lora_name.hpp"

namespace hyprstream {
namespace {

class LoraSparsifyCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Prunes an adapter and stores the result as its next version; the version it came from stays.\n"
            "\n"
            "Pruning is exact: at least the share asked for is zero afterwards, and no value that stays counts less "
            "than one that went. It is not undone by training or by a lower --sparsity later.",
        .examples = {{"hyprstream lora sparsify first --sparsity 0.995", "Keep one value in 200."},
                     {"hyprstream lora sparsify first --sparsity 0.99 --scope matrix",
                      "The same share of every matrix, instead of one ranking over all."}}};
  }

  void declare(ArgumentList& arguments) override {
    declare_lora_name(arguments, name_);
    arguments.begin_section("Options");
    arguments.fraction("--sparsity", sparsity_, "Share of values that are zero afterwards", "0.99");
    arguments.choice("--method", "METHOD", method_, {"contribution", "magnitude"},
                     "What decides which stay: their share of B * A, or their size alone");
    arguments.choice("--scope", "SCOPE", scope_, {"adapter", "matrix"},
                     "One ranking over the adapter, or one for each matrix");
    arguments.flag("--json", json_, "Print one JSON object instead of a sentence");
  }

  Result<ExitCode> run(Console& console) override {
    const auto store = AdapterStore::of_user();
    HYPRSTREAM_ASSIGN(const auto parent, find_named(store, name_));
    HYPRSTREAM_ASSIGN(const auto parent_manifest, store.manifest(parent));
    HYPRSTREAM_ASSIGN(const auto adapter, store.load(parent, true));
    const SparsifyOptions options{
        .sparsity = sparsity_.value_or(0.99),
        .method = method_ == "magnitude" ? PruneMethod::kMagnitude : PruneMethod::kContribution,
        .scope = scope_ == "matrix" ? PruneScope::kMatrix : PruneScope::kAdapter};
    HYPRSTREAM_ASSIGN(const auto pruned, sparsify(adapter, options));
    AdapterLineage lineage{
        .kind = AdapterLineage::Kind::kSparsified,
        .source = parent.reference(),
        .parent_sha256 = parent_manifest.sha256,
        .parameters = {{"sparsity", std::format("{}", options.sparsity)}, {"method", method_}, {"scope", scope_}}};
    for (const auto& parameter : parent_manifest.lineage.parameters)
      if (parameter.first == "base_path") lineage.parameters.push_back(parameter);
    HYPRSTREAM_ASSIGN(const auto version, store.add_version(pruned, lineage));
    if (json_) {
      HYPRSTREAM_ASSIGN(const auto manifest, store.manifest(version));
      HYPRSTREAM_TRY(console.write(json_line(manifest_json(version, manifest))));
      return ExitCode::kSuccess;
    }
    HYPRSTREAM_TRY(console.write(std::format("{}: {} sparse, {} (before: {}, {})\n", version.reference(),
                                             format_sparsity(pruned.sparsity()), describe_weights(pruned),
                                             format_sparsity(adapter.sparsity()), describe_weights(adapter))));
    if (!pruned.changes_anything())
      console.status("hyprstream: nothing of its effect is left: no component has values in both A and B");
    return ExitCode::kSuccess;
  }

 private:
  std::optional<std::string> name_;
  std::optional<double> sparsity_;
  std::string method_ = "contribution";
  std::string scope_ = "adapter";
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_lora_sparsify_command() { return std::make_unique<LoraSparsifyCommand>(); }

}  // namespace hyprstream

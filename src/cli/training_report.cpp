#include "cli/training_report.hpp"

#include <cmath>
#include <filesystem>
#include <format>
#include <optional>
#include <utility>

#include "base/paths.hpp"
#include "cli/adapter_report.hpp"
#include "cli/training_view.hpp"
#include "cli_options/model_reference.hpp"
#include "terminal/printable.hpp"
#include "terminal/progress_line.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

std::string with_perplexity(const std::optional<double>& loss) {
  if (!loss) return "not measured";
  return std::format("{:.4f} (perplexity {:.3g})", *loss, std::exp(*loss));
}

// What a shell takes as one word.
std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./+@:";
  if (text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

const PublishedVersion& stored_version(const TrainingRunRecord& record) { return record.published.back(); }

}  // namespace

Result<ReadData> read_training_data_shown(const TrainingRunOptions& options, const InterruptScope& interrupt) {
  HYPRSTREAM_ASSIGN(const auto examples, read_examples(options.data));
  return read_training_data_shown(options, examples, interrupt);
}

Result<ReadData> read_training_data_shown(const TrainingRunOptions& options, const ExampleFile& examples,
                                          const InterruptScope& interrupt) {
  HYPRSTREAM_ASSIGN(const auto text, open_model_text(options.base));
  ProgressLine progress("Reading " + display_path(examples.name));
  return read_training_data(
      *text, options, examples,
      [&](float share) {
        progress.update(share);
        return !interrupt.was_interrupted();
      },
      kTooLongRemedy);
}

std::string run_command_for(const TrainingRunRecord& record) {
  std::error_code error;
  const bool bundled = std::filesystem::equivalent(record.options.base, bundled_model_path(), error);
  const std::string model = bundled ? std::string(kBundledModel) : display_path(record.options.base);
  return std::format("hyprstream run {} \"...\"", shell_word(model + "+" + record.options.name));
}

std::string render_training_result(const AdapterStore& store, const TrainingRunRecord& record) {
  const auto& stored = stored_version(record);
  Table table({Align::kLeft, Align::kLeft});
  table.add_row({"Validation loss", std::format("base model {}", with_perplexity(record.base_validation_loss))});
  table.add_row({"", std::format("{} {}", stored.adapter, with_perplexity(stored.validation_loss))});
  if (const auto version = store.find(stored.adapter)) {
    if (const auto manifest = store.manifest(*version))
      table.add_row({"Adapter", std::format("{}, step {} of {}: {} sparse, {} of {} values, {}", stored.adapter,
                                            stored.step, record.total_steps, format_sparsity(manifest->sparsity()),
                                            manifest->nnz, manifest->entries, format_bytes(manifest->file_bytes))});
    table.add_row({"Stored in", printable_line(version->directory.string())});
  }
  table.add_row({"Trained", std::format("{} tokens in {}", record.trained_tokens, format_duration(record.seconds))});
  table.add_row({"Run it", printable_line(run_command_for(record))});
  return table.render();
}

nlohmann::ordered_json training_result_json(const AdapterStore& store, const TrainingRunRecord& record) {
  using Json = nlohmann::ordered_json;
  const auto& stored = stored_version(record);
  const auto number = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  const auto version = store.find(stored.adapter);
  return {{"event", "result"},
          {"run", record.id},
          {"adapter", stored.adapter},
          {"step", stored.step},
          {"path", version ? Json(version->adapter_file().string()) : Json()},
          {"base_validation_loss", number(record.base_validation_loss)},
          {"validation_loss", number(stored.validation_loss)},
          {"trained_tokens", record.trained_tokens},
          {"seconds", record.seconds},
          {"run_command", run_command_for(record)}};
}

}  // namespace hyprstream

// hyprstream lora train.
#include <filesystem>
#include <format>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapter_files/adapter_store.hpp"
#include "cli/adapter_report.hpp"
#include "cli/command_table.hpp"
#include "cli/query_rows.hpp"
#include "cli/training_report.hpp"
#include "cli/training_view.hpp"
#include "cli_options/model_reference.hpp"
#include "cli_options/model_source.hpp"
#include "cli_options/training_flags.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/printable.hpp"
#include "training_job/training_setup.hpp"

namespace hyprstream {
namespace {

class LoraTrainCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Trains an adapter on examples, on the frozen, quantized model itself, and stores it. It begins dense and "
            "is pruned while it is trained, to 99% zeros unless --sparsity says otherwise.\n"
            "\n"
            "Training can be stopped at any time, with Ctrl-C or worse, and goes on with --resume from its last "
            "checkpoint; it comes to the same adapter. Examples are JSONL, an object a line: {\"prompt\": \"...\", "
            "\"completion\": \"...\"}, {\"messages\": [...]} or {\"text\": \"...\"}.",
        .examples = {
            {"hyprstream lora train --data pirate.jsonl", "Learn a voice with the bundled model, as 'pirate'."},
            {"hyprstream lora train --base qwen3-0.6b --data train.jsonl --valid valid.jsonl --name support",
             "A model and data of yours."},
            {"hyprstream lora train --sql \"SELECT prompt, completion FROM chats WHERE liked\" --name liked",
             "Rows of the database that 'hyprstream sql' opens."},
            {"hyprstream lora train --resume support", "Go on with what was stopped."},
            {"hyprstream lora train --data pirate.jsonl --sparsity 0 --rank 16 --json",
             "A dense adapter of a small rank; an event a line for programs."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.text("--base,-b", "MODEL", base_, "The model that it learns on: " + std::string(kModelForms),
                   "the bundled one");
    arguments.text("--name,-n", "NAME", name_, "The adapter's name; one that is there gets another version",
                   "that of the data's file");
    arguments.text("--resume", "NAME", resume_, "Go on with the training of this adapter that was stopped");
    arguments.integer("--threads,-t", threads_, {1, 1024}, "Processor threads to compute with", "one per core");
    arguments.flag("--json", json_, "Print one JSON object per event instead of lines");
    flags_.declare(arguments);
    arguments.begin_section("Network");
    hub_.declare(arguments);
  }

  Result<ExitCode> run(Console& console) override {
    std::optional<InterruptScope> interrupt(std::in_place);
    HYPRSTREAM_ASSIGN(const auto job, resume_ ? resumed_job(console, *interrupt) : new_job(console, interrupt));
    TrainingView view(console, json_ ? TrainingView::Style::kJson : TrainingView::Style::kAuto);
    const auto status = [&] {
      const auto watch = interrupt->watch(*job);
      return job->run([&](const TrainingEvent& event) { view.show(event); });
    }();
    view.finish();
    HYPRSTREAM_TRY(view.outcome());
    const auto& record = job->record();
    if (!status) {
      if (!job->training_run().checkpoints().empty() && is_unfinished(record.status))
        console.status("hyprstream: to go on: hyprstream lora train --resume " + record.options.name);
      return std::unexpected(status.error());
    }
    if (*status == RunStatus::kInterrupted) {
      console.status(
          std::format("hyprstream: stopped and saved behind step {} of {}; to go on: hyprstream lora train "
                      "--resume {}",
                      record.step, record.total_steps, record.options.name));
      return ExitCode::kInterrupted;
    }
    const auto store = AdapterStore::of_user();
    HYPRSTREAM_TRY(
        console.write(json_ ? json_line(training_result_json(store, record)) : render_training_result(store, record)));
    return ExitCode::kSuccess;
  }

 private:
  Result<std::unique_ptr<TrainingJob>> resumed_job(Console& console, const InterruptScope& interrupt) const {
    if (base_ || name_ || flags_ != TrainingFlags())
      return fail(ErrorCode::kInvalidArgument,
                  "--resume takes model, data and everything else from the run that was stopped: only --threads and "
                  "--json can stand beside it");
    HYPRSTREAM_ASSIGN(auto run, TrainingRunStore::of_user().open_unfinished(*resume_));
    auto& options = run.record().options;
    if (threads_) options.threads = *threads_;
    HYPRSTREAM_ASSIGN(const auto base, read_base_model(options.base).transform_error(with_model_remedy));
    HYPRSTREAM_ASSIGN(const auto examples, read_examples(options.data));
    HYPRSTREAM_ASSIGN(auto data, read_data(options, examples, base, console, interrupt));
    return make_training_job(std::move(run), base, std::move(data), AdapterStore::of_user());
  }

  Result<std::unique_ptr<TrainingJob>> new_job(Console& console, std::optional<InterruptScope>& interrupt) const {
    HYPRSTREAM_ASSIGN(auto options, flags_.options());
    options.threads = threads_.value_or(0);
    HYPRSTREAM_ASSIGN(options.name, adapter_name(options.data));
    HYPRSTREAM_ASSIGN(const auto path, local_model_path(base_, hub_, console, *interrupt));
    options.base = std::filesystem::absolute(path).lexically_normal().string();
    HYPRSTREAM_TRY(check_run_options(options).transform_error(with_model_remedy));
    HYPRSTREAM_ASSIGN(const auto base, read_base_model(path));
    // Refused now, and not once everything is read.
    HYPRSTREAM_TRY(check_adapter_options(options, base, AdapterStore::of_user()));
    const auto runs = TrainingRunStore::of_user();
    auto record = new_run_record(options, base, "run-");
    std::string rows;
    if (flags_.sql) {
      HYPRSTREAM_ASSIGN(rows, query_rows(*flags_.sql, console, interrupt));
      record.options.data = runs.rows_path(record.id).string();
    }
    HYPRSTREAM_ASSIGN(const auto examples,
                      flags_.sql ? parse_examples(rows, "the rows of --sql") : read_examples(options.data));
    HYPRSTREAM_ASSIGN(auto data, read_data(options, examples, base, console, *interrupt));
    return start_training_job(runs, std::move(record), base, std::move(data), AdapterStore::of_user(), rows);
  }

  // Errors: kInvalidArgument.
  Result<std::string> adapter_name(const std::string& data) const {
    if (!name_ && data.empty())
      return fail(ErrorCode::kInvalidArgument, "the adapter needs a name: give one with --name");
    const std::string name = name_.value_or(std::filesystem::path(data).stem().string());
    if (!name_ && !is_valid_adapter_name(name))
      return fail(ErrorCode::kInvalidArgument,
                  std::format("{} is no name for an adapter: give one with --name", in_quotes(name)));
    HYPRSTREAM_TRY(check_adapter_name(name));
    return name;
  }

  Result<TrainingData> read_data(const TrainingRunOptions& options, const ExampleFile& examples, const BaseModel& base,
                                 Console& console, const InterruptScope& interrupt) const {
    HYPRSTREAM_ASSIGN(auto read, read_training_data_shown(options, examples, interrupt));
    if (read.truncated > 0)
      console.status(std::format("hyprstream: {} cut to {} tokens",
                                 read.truncated == 1 ? "1 example is" : std::format("{} examples are", read.truncated),
                                 read.most_tokens));
    if (read.unlearned_answers > 0)
      console.status(std::format(
          "hyprstream: {} not learned: the chat template writes them differently once more of the "
          "conversation follows",
          read.unlearned_answers == 1 ? "1 answer is" : std::format("{} answers are", read.unlearned_answers)));
    if (!json_)
      console.status(std::format("Training {} on {}: {} examples with {} tokens to learn, {} to measure on",
                                 options.name, printable_line(base.name), read.data.training.size(), read.target_tokens,
                                 read.data.validation.size()));
    return std::move(read.data);
  }

  std::optional<std::string> base_;
  std::optional<std::string> name_;
  std::optional<std::string> resume_;
  std::optional<int> threads_;
  bool json_ = false;
  TrainingFlags flags_;
  HubFlags hub_;
};

}  // namespace

std::unique_ptr<Command> make_lora_train_command() { return std::make_unique<LoraTrainCommand>(); }

}  // namespace hyprstream

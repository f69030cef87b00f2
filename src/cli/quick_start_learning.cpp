#include "cli/quick_start_learning.hpp"

#include <filesystem>
#include <format>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/paths.hpp"
#include "cli/adapter_report.hpp"
#include "cli/example_evaluation.hpp"
#include "cli/generation_output.hpp"
#include "cli/training_report.hpp"
#include "cli/training_view.hpp"
#include "cli_options/adapter_choice.hpp"
#include "cli_options/model_reference.hpp"
#include "terminal/printable.hpp"
#include "terminal/side_by_side.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kQuestions = 4;
constexpr std::size_t kWidest = 100;  // columns

// What shows a voice within seconds on the bundled model.
TrainingRunOptions options_for(const QuickStartLearning& wanted) {
  const std::filesystem::path data = wanted.examples ? std::filesystem::path(*wanted.examples) : voice_examples_path();
  TrainingRunOptions options;
  options.name = is_valid_adapter_name(data.stem().string()) ? data.stem().string() : "learned";
  options.base = std::filesystem::absolute(wanted.model_path).lexically_normal().string();
  options.data = std::filesystem::absolute(data).lexically_normal().string();
  options.seed = wanted.seed.value_or(0);
  options.iterations = 400;
  options.batch_size = 4;
  options.learning_rate = 4e-3;
  options.steps_per_eval = 100;
  options.truncate = true;
  options.publish = PublishPolicy::kEnd;
  return options;
}

ExampleText question(std::string prompt) {
  ExampleText example;
  example.kind = ExampleKind::kPromptCompletion;
  example.messages = {{.role = "user", .content = std::move(prompt), .tool_calls = {}, .tool_call_id = {}},
                      {.role = "assistant", .content = {}, .tool_calls = {}, .tool_call_id = {}}};
  example.is_learned = {0, 1};
  return example;
}

// The prompt that was given, or those of a few examples that are not trained on.
Result<std::vector<ExampleText>> choose_questions(const QuickStartLearning& wanted, const TrainingRunOptions& options) {
  if (wanted.prompt) return std::vector{question(*wanted.prompt)};
  HYPRSTREAM_ASSIGN(const auto file, read_examples(options.data));
  std::vector<ExampleText> questions;
  for (const auto place : held_out_places(file.examples.size(), options.validation_split, options.seed))
    if (file.examples[place].kind != ExampleKind::kText && questions.size() < kQuestions)
      questions.push_back(file.examples[place]);
  if (questions.empty())
    return fail(ErrorCode::kInvalidArgument,
                std::format("{} has too few examples with a prompt to hold some out and ask them: give a question with "
                            "--prompt",
                            display_path(options.data)));
  return questions;
}

// The last thing that the user says.
const std::string& prompt_of(const ExampleText& example) {
  const std::string* prompt = &example.messages.front().content;
  for (const auto& message : example.messages)
    if (message.role == "user") prompt = &message.content;
  return *prompt;
}

Result<std::unique_ptr<TrainingJob>> start(const TrainingRunOptions& options, const BaseModel& base,
                                           const InterruptScope& interrupt) {
  HYPRSTREAM_TRY(check_run_options(options).transform_error(with_model_remedy));
  HYPRSTREAM_TRY(check_adapter_options(options, base, AdapterStore::of_user()));
  HYPRSTREAM_ASSIGN(auto read, read_training_data_shown(options, interrupt));
  return start_training_job(TrainingRunStore::of_user(), new_run_record(options, base, "run-"), base,
                            std::move(read.data), AdapterStore::of_user());
}

std::string heading(const QuickStartLearning& wanted, const TrainingRunOptions& options, const LoadedEngine& loaded) {
  return std::format("🚀 Hyprstream Quick Start\n📁 Model: {}\n📚 Examples: {}\n\n✅ Loaded model: {} in {:.2f}s\n",
                     printable_line(display_path(wanted.model_path)), printable_line(display_path(options.data)),
                     describe_model(*loaded.engine), loaded.load_seconds);
}

std::string answers_text(const std::vector<ExampleText>& questions, const std::vector<std::string>& before,
                         const std::vector<std::string>& after) {
  const std::size_t width = std::min(terminal_width(1), kWidest);
  std::string text = "\n" + render_side_by_side("before", "after", width);
  for (std::size_t i = 0; i < questions.size(); ++i)
    text += std::format("\n💬 {}\n", printable_line(prompt_of(questions[i]))) +
            render_side_by_side(printable_text(before[i]), printable_text(after[i]), width);
  return text;
}

nlohmann::ordered_json answers_json(const std::vector<ExampleText>& questions, const std::vector<std::string>& before,
                                    const std::vector<std::string>& after) {
  auto list = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < questions.size(); ++i)
    list.push_back({{"prompt", prompt_of(questions[i])}, {"before", before[i]}, {"after", after[i]}});
  return list;
}

}  // namespace

Result<ExitCode> run_quick_start_learning(const QuickStartLearning& wanted, const EngineFlags& flags, Console& console,
                                          InterruptScope& interrupt) {
  auto options = options_for(wanted);
  options.threads = flags.threads.value_or(0);
  HYPRSTREAM_ASSIGN(const auto questions, choose_questions(wanted, options));
  HYPRSTREAM_ASSIGN(const auto base, read_base_model(wanted.model_path).transform_error(with_model_remedy));
  const int parallel = static_cast<int>(questions.size());
  HYPRSTREAM_ASSIGN(auto loaded, load_engine(flags, wanted.model_path, interrupt,
                                             {.max_sequences = parallel, .max_outputs = parallel}));
  if (!wanted.json) HYPRSTREAM_TRY(console.write(heading(wanted, options, loaded)));
  auto* engine = loaded.enable_adapters(base);
  const auto ask = [&](const AdapterList& adapters) {
    return answer_prompts(*engine, questions, adapters, wanted.max_tokens, static_cast<std::size_t>(parallel), {});
  };
  HYPRSTREAM_ASSIGN(const auto before, ask({}));

  HYPRSTREAM_ASSIGN(const auto job, start(options, base, interrupt));
  if (!wanted.json)
    HYPRSTREAM_TRY(console.write(
        std::format("🎓 Learning from {} examples, in {} steps\n", job->record().examples, job->record().total_steps)));
  TrainingView view(console, wanted.json ? TrainingView::Style::kNone : TrainingView::Style::kAuto);
  HYPRSTREAM_ASSIGN(const auto status, [&] {
    const auto watch = interrupt.watch(*job);
    return job->run([&](const TrainingEvent& event) { view.show(event); });
  }());
  view.finish();
  const auto& record = job->record();
  if (status != RunStatus::kSucceeded) {
    console.status(std::format("hyprstream: stopped behind step {} of {}; to go on: hyprstream lora train --resume {}",
                               record.step, record.total_steps, record.options.name));
    return ExitCode::kInterrupted;
  }
  const AdapterChoice learned{.reference = record.published.back().adapter};
  HYPRSTREAM_ASSIGN(loaded.adapters, load_adapters({&learned, 1}, base, console));
  HYPRSTREAM_ASSIGN(const auto after, ask(adapter_list(loaded.adapters)));

  const auto store = AdapterStore::of_user();
  if (wanted.json) {
    auto json = training_result_json(store, record);
    json["answers"] = answers_json(questions, before, after);
    HYPRSTREAM_TRY(console.write(json_line(json)));
  } else {
    HYPRSTREAM_TRY(
        console.write(answers_text(questions, before, after) + "\n" + render_training_result(store, record)));
  }
  return ExitCode::kSuccess;
}

}  // namespace hyprstream

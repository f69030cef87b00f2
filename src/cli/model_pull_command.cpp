// hyprstream model pull.
#include <chrono>
#include <format>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/command_table.hpp"
#include "cli_options/model_reference.hpp"
#include "cli_options/model_source.hpp"
#include "terminal/interrupt.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {
namespace {

constexpr std::string_view kDefaultModel = "qwen3-1.7b";

class ModelPullCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Fetches a model from a registry into the Hugging Face cache, which other tools share, and prints where "
            "its file lies. What was begun is resumed, what is there and unchanged is not fetched again, and "
            "nothing gets its name before its SHA-256 was checked.",
        .examples = {{"hyprstream model pull qwen3-0.6b", "By its short name."},
                     {"hyprstream model pull Qwen/Qwen3-4B-GGUF:Q8_0", "One quantization of a repository."},
                     {"hyprstream model pull hf://Qwen/Qwen3-4B-GGUF@main/Qwen3-4B-Q5_0.gguf", "One file."},
                     {"hyprstream model pull smollm2-135m --json", "Progress for programs, one object a line."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.positional(
        "MODEL", ValueKind::kText, model_,
        "What to fetch: a name like qwen3-0.6b, org/repo[:QUANT], hf://org/repo@rev/file.gguf, or the https address of "
        "a GGUF; if left out, " +
            std::string(kDefaultModel));
    arguments.begin_section("Options");
    arguments.flag("--quiet,-q", quiet_, "Print the path and nothing else");
    arguments.flag("--json", json_, "Print progress and result as JSON objects, one a line");
    hub_.declare(arguments);
  }

  Result<ExitCode> run(Console& console) override {
    if (quiet_ && json_) return fail(ErrorCode::kInvalidArgument, "--quiet and --json exclude each other: drop one");
    const std::string name = model_.value_or(std::string(kDefaultModel));
    if (name.empty()) return fail(ErrorCode::kInvalidArgument, "MODEL is empty: name what to pull");
    HYPRSTREAM_ASSIGN(const auto settings, hub_.settings());
    HYPRSTREAM_ASSIGN(const auto reference, read_reference(name, settings));
    if (reference.kind == ModelReference::Kind::kBundled)
      return fail(ErrorCode::kInvalidArgument, "the bundled model comes with hyprstream: there is nothing to pull");
    if (reference.kind == ModelReference::Kind::kPath)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("{} is no model in a registry: write org/repo, or one of the names that hyprstream model "
                              "registries lists",
                              in_quotes(name)));
    const InterruptScope interrupt;
    const auto start = std::chrono::steady_clock::now();
    const auto style = json_    ? PullProgressStyle::kEvents
                       : quiet_ ? PullProgressStyle::kNone
                                : PullProgressStyle::kAuto;
    HYPRSTREAM_ASSIGN(const auto pulled, pull_with_progress(settings, reference, style, console, interrupt));
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    HYPRSTREAM_TRY(console.write(json_ ? render_json(pulled) : pulled.path().string() + "\n"));
    if (!json_ && !quiet_) console.status(describe(pulled, name, time.count()));
    return ExitCode::kSuccess;
  }

 private:
  static std::string describe(const PulledModel& pulled, const std::string& name, double seconds) {
    const std::string what = printable_line(pulled.repository.empty() ? name : pulled.repository) +
                             (pulled.quantization.empty() ? "" : " " + pulled.quantization) + ", " +
                             format_bytes(pulled.size);
    if (pulled.fetched == 0) return what + ": it was there already";
    return std::format("{}: fetched {} in {:.1f} s ({}/s)", what, format_bytes(pulled.fetched), seconds,
                       format_bytes(static_cast<unsigned long long>(static_cast<double>(pulled.fetched) / seconds)));
  }

  static std::string render_json(const PulledModel& pulled) {
    nlohmann::ordered_json paths = nlohmann::ordered_json::array();
    for (const auto& path : pulled.files) paths.push_back(path.string());
    const auto known = [](const std::string& text) {
      return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
    };
    const nlohmann::ordered_json json{{"event", "done"},
                                      {"repository", known(pulled.repository)},
                                      {"revision", known(pulled.revision)},
                                      {"commit", known(pulled.commit)},
                                      {"quantization", known(pulled.quantization)},
                                      {"path", pulled.path().string()},
                                      {"paths", paths},
                                      {"size_bytes", pulled.size},
                                      {"fetched_bytes", pulled.fetched}};
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }

  std::optional<std::string> model_;
  bool quiet_ = false;
  bool json_ = false;
  HubFlags hub_;
};

}  // namespace

std::unique_ptr<Command> make_model_pull_command() { return std::make_unique<ModelPullCommand>(); }

}  // namespace hyprstream

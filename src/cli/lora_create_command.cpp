// hyprstream lora create.
#include <format>
#include <optional>
#include <random>
#include <string>

#include "adapter_files/new_adapter.hpp"
#include "cli/adapter_report.hpp"
#include "cli/command_table.hpp"
#include "cli_options/model_reference.hpp"
#include "cli_options/model_source.hpp"

namespace hyprstream {
namespace {

class LoraCreateCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Makes a new adapter for a model and stores it.\n"
            "\n"
            "--init gaussian gives a test adapter: random values, pruned at once, whose effect can be seen. --init "
            "standard gives one to train: its B is zero, so it changes nothing and stays dense until it is trained.",
        .examples = {
            {"hyprstream lora create --name first", "Rank 8 on q_proj and v_proj of the bundled model, 99% sparse."},
            {"hyprstream lora create --base qwen3-0.6b-q8_0.gguf --rank 64 --target-modules all",
             "On every linear layer of a model of yours."},
            {"hyprstream lora create --seed 1 --json", "The same values each time; for programs."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.file("--base,-b", "MODEL", base_, "The model that it is for", "the bundled one");
    arguments.text("--name,-n", "NAME", name_, "Its name: letters, digits, '.', '_' and '-'",
                   "LoRA- and the start of its id");
    arguments.integer("--rank,-r", rank_, {1, static_cast<int>(kMaxRank)}, "Rank of each A and B");
    arguments.number("--alpha", alpha_, {1e-6, 1e6}, "Strength: W' = W + alpha / rank * B * A");
    arguments.text("--target-modules", "LIST", modules_,
                   "Layers that it acts on, separated by commas: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, "
                   "down_proj; or 'all'");
    arguments.fraction("--sparsity", sparsity_, "Share of values that are pruned to zero",
                       "0.99; none for --init standard");
    arguments.choice("--init", "INIT", init_, {"gaussian", "standard"}, "First values");
    arguments.seed("--seed,-s", seed_, "Start of the random numbers");
    arguments.text("--device", "DEVICE", device_, "Where it is made: 'cpu'");
    arguments.flag("--json", json_, "Print one JSON object instead of a table");
  }

  Result<ExitCode> run(Console& console) override {
    if (name_) HYPRSTREAM_TRY(check_adapter_name(*name_));
    HYPRSTREAM_ASSIGN(const auto path, local_model_path(base_, console));
    HYPRSTREAM_ASSIGN(const auto base, read_base_model(path).transform_error(with_model_remedy));
    AdapterRecipe recipe{.spec = {.name = name_.value_or(""),
                                  .rank = static_cast<std::size_t>(rank_),
                                  .alpha = alpha_,
                                  .target_modules = {},
                                  .init = init_ == "standard" ? LoraInit::kStandard : LoraInit::kGaussian,
                                  .seed = seed_ ? *seed_ : std::random_device()(),
                                  .device = device_},
                         .sparsity = sparsity_};
    HYPRSTREAM_ASSIGN(recipe.spec.target_modules, parse_target_modules(modules_, base));
    const auto store = AdapterStore::of_user();
    HYPRSTREAM_ASSIGN(const auto version, create_adapter(store, base, recipe, path));
    HYPRSTREAM_ASSIGN(const auto manifest, store.manifest(version));
    if (json_)
      HYPRSTREAM_TRY(console.write(json_line(manifest_json(version, manifest))));
    else
      HYPRSTREAM_TRY(console.write(render_manifest(manifest)));
    if (recipe.spec.init == LoraInit::kStandard && !json_)
      console.status("It changes nothing yet: its B is zero until it is trained.");
    return ExitCode::kSuccess;
  }

 private:
  std::optional<std::string> base_;
  std::optional<std::string> name_;
  int rank_ = 8;
  double alpha_ = 16;
  std::string modules_ = "q_proj,v_proj";
  std::optional<double> sparsity_;
  std::string init_ = "gaussian";
  std::optional<std::uint32_t> seed_;
  std::string device_ = "cpu";
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_lora_create_command() { return std::make_unique<LoraCreateCommand>(); }

}  // namespace hyprstream

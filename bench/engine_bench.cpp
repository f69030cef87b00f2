// Measures the engine in process, in the way llama-bench measures libllama: prefill of one prompt
// into an empty cache, and decode of one token after another from an empty cache, greedily
// sampled. Prints one JSON object per repetition, so that a script can interleave it with others.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <atomic>
#include <iostream>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench_support.hpp"
#include "runtime/llama_cpp_engine.hpp"

namespace {

using namespace hyprstream;
using namespace hyprstream::bench;

struct Settings {
  EngineOptions engine{.context_length = 1024};
  int prefill_tokens = 512;
  int decode_tokens = 64;
  int repetitions = 1;
  std::vector<std::string> hooked;  // modules whose outputs a hook looks at without changing them
  bool interleave_hook = false;     // every repetition once without and once with the hook
};

// Touches nothing: what remains is the cost of being called.
class NoOpHook final : public LinearHook {
 public:
  explicit NoOpHook(const std::vector<LinearModule>& modules) {
    for (const auto module : modules) wanted_[static_cast<std::size_t>(module)] = true;
  }
  bool wants(LinearId id) const noexcept override { return wanted_[static_cast<std::size_t>(id.module)]; }
  void on_linear_output(const LinearOutput& linear) noexcept override { columns_ += linear.columns.size(); }
  std::size_t columns() const noexcept { return columns_; }

 private:
  std::array<bool, kLinearModuleCount> wanted_{};
  std::atomic<std::size_t> columns_ = 0;
};

double prefill_speed(RuntimeEngine& engine, int count) {
  const auto tokens = random_tokens(engine, count);
  const auto sequence = value_of(ScopedSequence::open(engine));
  const auto start = Clock::now();
  prefill(engine, sequence.id(), tokens);
  return count / seconds_since(start);
}

// With a fixed number of threads every run must choose the same tokens, hook or no hook.
void check_tokens(const std::vector<Token>& tokens, bool must_repeat) {
  static const std::vector<Token> expected = tokens;
  if (must_repeat && tokens != expected) give_up("two runs chose different tokens");
}

double decode_speed(RuntimeEngine& engine, int count) {
  const auto sampler = value_of(engine.make_sampler({.temperature = 0}));
  const auto sequence = value_of(ScopedSequence::open(engine));
  Token token = 1;
  std::vector<Token> tokens;
  const std::int32_t zero = 0;
  const auto start = Clock::now();
  for (int i = 0; i < count; ++i) {
    const StepInput input{sequence.id(), {&token, 1}, {&zero, 1}};
    const auto output = value_of(engine.step({&input, 1}));
    token = value_of(sampler->sample(output.logits.front()));
    tokens.push_back(token);
  }
  const double speed = count / seconds_since(start);
  check_tokens(tokens, !engine.options().adaptive_threads);
  return speed;
}

void measure(RuntimeEngine& engine, const Settings& settings, std::string_view label) {
  nlohmann::ordered_json line{{"label", label}};
  if (settings.prefill_tokens > 0) line["prefill_tokens_per_second"] = prefill_speed(engine, settings.prefill_tokens);
  if (settings.decode_tokens > 0) line["decode_tokens_per_second"] = decode_speed(engine, settings.decode_tokens);
  std::cout << line.dump() << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Measures prefill and decode of the engine; see bench/README.md");
  app.add_option("-m,--model", settings.engine.model_path)->required();
  app.add_option("-t,--threads", settings.engine.threads);
  app.add_option("-p,--prefill", settings.prefill_tokens);
  app.add_option("-n,--decode", settings.decode_tokens);
  app.add_option("-r,--repetitions", settings.repetitions);
  app.add_option("--hook", settings.hooked, "modules a no-op hook looks at, such as q_proj,v_proj")->delimiter(',');
  app.add_flag("--interleave-hook", settings.interleave_hook);
  app.add_flag("!--fixed-threads", settings.engine.adaptive_threads, "do not adapt to a busy machine");
  CLI11_PARSE(app, argc, argv);

  const auto modules = parse_modules(settings.hooked);
  settings.engine.max_outputs = 1;
  const auto engine = value_of(LlamaCppEngine::create(settings.engine));
  NoOpHook hook(modules);
  decode_speed(*engine, std::max(settings.decode_tokens, 8));  // warm-up: pages, clocks, thread pool
  if (settings.prefill_tokens > 0) prefill_speed(*engine, settings.prefill_tokens);
  for (int i = 0; i < settings.repetitions; ++i) {
    if (modules.empty() || settings.interleave_hook) {
      engine->set_linear_hook(nullptr);
      measure(*engine, settings, "base");
    }
    if (!modules.empty()) {
      engine->set_linear_hook(&hook);
      measure(*engine, settings, "hook");
    }
  }
  if (!modules.empty() && hook.columns() == 0) give_up("the hook was never called");
}

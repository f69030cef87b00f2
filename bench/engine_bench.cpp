// Measures the engine in process, in the way llama-bench measures libllama: prefill of one prompt
// into an empty cache, and decode of one token after another from an empty cache, greedily
// sampled. With --sequences several texts are decoded in one batch, and with --interleave-products an engine that
// leaves all products to ggml takes turns with ours. Prints one JSON object per repetition, so that a script can
// interleave it with others.
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
  int sequences = 1;  // decoded side by side
  int repetitions = 1;
  std::vector<std::string> hooked;   // modules whose outputs a hook looks at without changing them
  bool interleave_hook = false;      // every repetition once without and once with the hook
  bool interleave_products = false;  // every repetition once with our products and once with ggml's
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

double batch_speed(RuntimeEngine& engine, int sequences, int count) {
  std::vector<ScopedSequence> open;
  std::vector<SequenceId> ids;
  for (int i = 0; i < sequences; ++i) {
    open.push_back(value_of(ScopedSequence::open(engine)));
    ids.push_back(open.back().id());
  }
  const auto start = Clock::now();
  decode(engine, ids, count);
  return sequences * count / seconds_since(start);
}

// Both must mean the same: the logits behind a prompt and in a batch.
void check_products(RuntimeEngine& ours, RuntimeEngine& ggmls) {
  const auto logits = [](RuntimeEngine& engine) {
    const auto sequence = value_of(ScopedSequence::open(engine));
    return prefill(engine, sequence.id(), random_tokens(engine, 37, 5));
  };
  const auto a = logits(ours);
  const auto b = logits(ggmls);
  if (a == b) give_up("our products are not used");
  const double difference = divergence(b, a);
  if (!(difference < 1e-4)) give_up("our products and ggml's differ by " + std::to_string(difference) + " nats");
}

void measure(RuntimeEngine& engine, const Settings& settings, std::string_view label) {
  nlohmann::ordered_json line{{"label", label}};
  if (settings.prefill_tokens > 0) line["prefill_tokens_per_second"] = prefill_speed(engine, settings.prefill_tokens);
  if (settings.decode_tokens > 0)
    line["decode_tokens_per_second"] = settings.sequences == 1
                                           ? decode_speed(engine, settings.decode_tokens)
                                           : batch_speed(engine, settings.sequences, settings.decode_tokens);
  std::cout << line.dump() << std::endl;
}

void measure_products(Settings settings) {
  settings.engine.fast_products = true;
  const auto ours = value_of(LlamaCppEngine::create(settings.engine));
  settings.engine.fast_products = false;
  const auto ggmls = value_of(LlamaCppEngine::create(settings.engine));
  check_products(*ours, *ggmls);
  for (auto* engine : {ours.get(), ggmls.get()}) batch_speed(*engine, settings.sequences, 4);  // warm-up
  for (int i = 0; i < settings.repetitions; ++i) {
    measure(*ours, settings, "ours");
    measure(*ggmls, settings, "ggml");
  }
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
  app.add_option("-s,--sequences", settings.sequences, "texts that are decoded in one batch");
  app.add_flag("!--ggml-products", settings.engine.fast_products, "all products by ggml's kernels");
  app.add_flag("--interleave-products", settings.interleave_products);
  app.add_flag("!--fixed-threads", settings.engine.adaptive_threads, "do not adapt to a busy machine");
  CLI11_PARSE(app, argc, argv);

  const auto modules = parse_modules(settings.hooked);
  settings.engine.max_outputs = settings.engine.max_sequences = settings.sequences;
  if (settings.interleave_products) {
    measure_products(settings);
    return 0;
  }
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

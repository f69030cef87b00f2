// Measures adapters in process: three engines on one model, the plain one, ours with sparse adapters and llama.cpp's
// own mechanism with the same values dense, take turns. Prints one JSON object per measurement and repetition.
#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "adapter/lora_init.hpp"
#include "adapter/sparsify.hpp"
#include "adapter_engine/lora_engine.hpp"
#include "adapter_files/adapter_file.hpp"
#include "adapter_files/gguf_lora_file.hpp"
#include "bench_support.hpp"
#include "runtime/llama_cpp_engine.hpp"

namespace {

using namespace hyprstream;
using namespace hyprstream::bench;

struct Settings {
  EngineOptions engine{.context_length = 2048, .max_sequences = 8};
  std::vector<std::string> targets = {"q_proj", "v_proj"};
  int rank = 16;
  int decode_tokens = 64;
  int prefill_tokens = 512;
  int repetitions = 1;
  int adapters = 1000;  // of --measure memory
  std::string measure = "decode";
  std::filesystem::path folder = std::filesystem::temp_directory_path();
};

void print(std::string_view label, std::string_view figure, double value) {
  std::cout << nlohmann::ordered_json{{"label", label}, {figure, value}}.dump() << std::endl;
}

std::shared_ptr<const LoraAdapter> sparse_adapter(const BaseModel& base, const Settings& settings, std::uint64_t seed) {
  LoraSpec spec{.name = {}, .rank = static_cast<std::size_t>(settings.rank), .alpha = 2.0 * settings.rank};
  spec.target_modules = parse_modules(settings.targets);
  spec.seed = seed;
  const auto dense = value_of(make_lora_adapter(base, spec));
  return std::make_shared<const LoraAdapter>(value_of(sparsify(dense, {.sparsity = 0.99})));
}

struct Engines {
  std::unique_ptr<RuntimeEngine> base;
  std::unique_ptr<LoraEngine> hook;
  std::unique_ptr<LoraEngine> native;  // not in --measure batch and memory
};

std::unique_ptr<LoraEngine> lora_engine(const Settings& settings, const BaseModel& base, LoraRoute route) {
  return LoraEngine::create(value_of(LlamaCppEngine::create(settings.engine)), base, route);
}

// That the adapter acts, and that both ways of applying it mean the same.
void check(Engines& engines) {
  const auto tokens = random_tokens(*engines.base, 48, 7);
  const auto logits = [&](RuntimeEngine& engine) {
    const auto sequence = value_of(ScopedSequence::open(engine));
    return prefill(engine, sequence.id(), tokens);
  };
  const auto base = logits(*engines.base);
  const auto hook = logits(*engines.hook);
  const double effect = divergence(base, hook);
  if (effect == 0) give_up("the adapter changes nothing");
  if (!engines.native) return;
  const double difference = divergence(logits(*engines.native), hook);
  if (difference > 1e-4) give_up("hook and native differ by " + std::to_string(difference) + " nats");
}

double decode_speed(RuntimeEngine& engine, const Settings& settings, const std::vector<AdapterList>& lists) {
  std::vector<ScopedSequence> sequences;
  std::vector<SequenceId> ids;
  for (const auto& list : lists) {
    sequences.push_back(value_of(ScopedSequence::open(engine)));
    ids.push_back(sequences.back().id());
    if (auto* lora = dynamic_cast<LoraEngine*>(&engine)) value_of(lora->set_adapters(ids.back(), list));
  }
  const auto start = Clock::now();
  decode(engine, ids, settings.decode_tokens);
  return static_cast<double>(settings.decode_tokens) * static_cast<double>(lists.size()) / seconds_since(start);
}

double prefill_speed(RuntimeEngine& engine, const Settings& settings) {
  const auto tokens = random_tokens(engine, settings.prefill_tokens);
  const auto sequence = value_of(ScopedSequence::open(engine));
  const auto start = Clock::now();
  prefill(engine, sequence.id(), tokens);
  return settings.prefill_tokens / seconds_since(start);
}

void measure_speed(const Settings& settings, const BaseModel& base) {
  const bool is_batch = settings.measure == "batch";
  Engines engines{.base = value_of(LlamaCppEngine::create(settings.engine)),
                  .hook = lora_engine(settings, base, LoraRoute::kHook),
                  .native = is_batch ? nullptr : lora_engine(settings, base, LoraRoute::kNative)};
  std::vector<AdapterList> lists;
  for (std::uint64_t i = 0; i < (is_batch ? 8 : 1); ++i) lists.push_back({{sparse_adapter(base, settings, i), 1}});
  for (auto* engine : {engines.hook.get(), engines.native.get()})
    if (engine != nullptr) value_of(engine->set_default_adapters(lists[0]));
  check(engines);
  const auto speed = [&](RuntimeEngine& engine) {
    return settings.measure == "prefill" ? prefill_speed(engine, settings) : decode_speed(engine, settings, lists);
  };
  // The first round warms up: pages, clocks, the thread pool, the ways through the graph.
  for (int round = 0; round <= settings.repetitions; ++round)
    for (const auto& [label, engine] : std::initializer_list<std::pair<std::string_view, RuntimeEngine*>>{
             {"base", engines.base.get()}, {"hook", engines.hook.get()}, {"native", engines.native.get()}}) {
      if (engine == nullptr) continue;
      const double tokens_per_second = speed(*engine);
      if (round > 0) print(label, "tokens_per_second", tokens_per_second);
    }
}

// From the file to the first step that uses it, less a step of the base model: ours and llama.cpp's.
void measure_load(const Settings& settings, const BaseModel& base) {
  const auto engine = lora_engine(settings, base, LoraRoute::kHook);
  const auto plain = value_of(LlamaCppEngine::create(settings.engine));
  const auto native_path = settings.folder / "adapter_bench-dense.gguf";
  const auto sparse_path = settings.folder / "adapter_bench-sparse.gguf";
  const auto token = random_tokens(*engine, 1);
  for (int round = 0; round <= settings.repetitions; ++round) {
    const auto adapter = sparse_adapter(base, settings, static_cast<std::uint64_t>(round));
    value_of(write_adapter_file(*adapter, sparse_path));
    value_of(write_gguf_lora(*adapter, native_path));
    auto start = Clock::now();
    {
      const auto loaded = std::make_shared<const LoraAdapter>(value_of(read_adapter_file(sparse_path)));
      const auto sequence = value_of(ScopedSequence::open(*engine));
      value_of(engine->set_adapters(sequence.id(), {{loaded, 1}}));
      if (round > 0) print("hook", "load_milliseconds", 1000 * seconds_since(start));
      prefill(*engine, sequence.id(), token);
      const double with_step = seconds_since(start);
      // The same step again, warm: what is left is what the first use cost.
      const auto again = value_of(ScopedSequence::open(*engine));
      value_of(engine->set_adapters(again.id(), {{loaded, 1}}));
      start = Clock::now();
      prefill(*engine, again.id(), token);
      if (round > 0) print("hook", "load_and_first_use_milliseconds", 1000 * (with_step - seconds_since(start)));
    }
    start = Clock::now();
    const auto native = value_of(plain->load_native_adapter(native_path));
    const NativeAdapterUse use{native.get(), 1};
    value_of(plain->set_native_adapters({&use, 1}));
    if (round > 0) print("native", "load_milliseconds", 1000 * seconds_since(start));
    value_of(plain->set_native_adapters({}));
  }
  std::filesystem::remove(native_path);
  std::filesystem::remove(sparse_path);
}

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

// What each of many loaded adapters adds to the process, all of their pages touched.
void measure_memory(const Settings& settings, const BaseModel& base) {
  const auto engine = lora_engine(settings, base, LoraRoute::kHook);
  const auto adapter = sparse_adapter(base, settings, 1);
  std::vector<std::filesystem::path> paths;
  for (int i = 0; i < settings.adapters; ++i) {
    paths.push_back(settings.folder / ("adapter_bench-" + std::to_string(i) + ".gguf"));
    value_of(write_adapter_file(*adapter, paths.back()));
  }
  const double before = resident_bytes();
  std::vector<std::shared_ptr<const LoraAdapter>> loaded;
  double sum = 0;
  for (const auto& path : paths) {
    loaded.push_back(std::make_shared<const LoraAdapter>(value_of(read_adapter_file(path))));
    for (const auto& pair : loaded.back()->pairs())
      for (const auto* factor : {&pair.a, &pair.b})
        for (std::size_t k = 0; k < factor->nnz(); ++k)
          sum += static_cast<double>(factor->values()[k]) * factor->indices()[k];
  }
  if (!std::isfinite(sum)) give_up("the adapters hold no numbers");
  const double each = (resident_bytes() - before) / settings.adapters;
  for (const auto& path : paths) std::filesystem::remove(path);
  print("hook", "resident_bytes", each);
  print("dense", "resident_bytes", static_cast<double>(adapter->dense_bytes()));
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Measures adapters; see bench/README.md");
  app.add_option("-m,--model", settings.engine.model_path)->required();
  app.add_option("-t,--threads", settings.engine.threads);
  app.add_option("--targets", settings.targets, "modules, such as q_proj,v_proj")->delimiter(',');
  app.add_option("--rank", settings.rank);
  app.add_option("-n,--decode", settings.decode_tokens);
  app.add_option("-p,--prefill", settings.prefill_tokens);
  app.add_option("-r,--repetitions", settings.repetitions);
  app.add_option("--measure", settings.measure, "decode, batch, prefill, load or memory")
      ->check(CLI::IsMember({"decode", "batch", "prefill", "load", "memory"}));
  CLI11_PARSE(app, argc, argv);
  settings.engine.adaptive_threads = false;
  settings.engine.max_outputs = settings.engine.max_sequences;
  const auto base = value_of(read_base_model(settings.engine.model_path));
  if (settings.measure == "load")
    measure_load(settings, base);
  else if (settings.measure == "memory")
    measure_memory(settings, base);
  else
    measure_speed(settings, base);
}

#include "cli_options/engine_flags.hpp"

#include <chrono>

#include "cli_options/model_reference.hpp"
#include "runtime/llama_cpp_engine.hpp"
#include "terminal/progress_line.hpp"

namespace hyprstream {
namespace {

KvCacheType parse_kv_cache_type(std::string_view name) {
  if (name == "f32") return KvCacheType::kF32;
  if (name == "q8_0") return KvCacheType::kQ8_0;
  return KvCacheType::kF16;
}

}  // namespace

void EngineFlags::declare(ArgumentList& arguments, bool short_names) {
  arguments.begin_section("Engine");
  arguments.integer(short_names ? "--threads,-t" : "--threads", threads, {1, 1024}, "Processor threads to compute with",
                    "one per core");
  arguments.integer(short_names ? "--ctx-size,-c" : "--ctx-size", ctx_size, {1, 1 << 24},
                    "Tokens that prompt and answer together may have", "what the model was trained for, at most 4096");
  arguments.choice("--kv-cache-type", "TYPE", kv_cache_type, {"f16", "f32", "q8_0"},
                   "Number format of the KV cache: q8_0 halves its memory");
  arguments.flag("--deterministic", deterministic, "The same seed gives the same text, at some cost in speed");
}

LoraEngine* LoadedEngine::enable_adapters(BaseModel base) {
  // The watch stays good: the engine that it stops is still the one inside.
  auto adapted = LoraEngine::create(std::move(engine), std::move(base));
  auto* lora = adapted.get();
  engine = std::move(adapted);
  return lora;
}

Result<LoadedEngine> load_engine(const EngineFlags& flags, const std::string& model_path, InterruptScope& interrupt,
                                 const EngineNeeds& needs) {
  const auto start = std::chrono::steady_clock::now();
  EngineOptions options;
  options.model_path = model_path;
  options.threads = flags.threads.value_or(0);
  options.context_length = flags.ctx_size.value_or(0);
  options.max_sequences = needs.max_sequences;
  options.max_outputs = needs.max_outputs;
  options.kv_cache_layout = needs.kv_cache_layout;
  options.kv_cache_type = parse_kv_cache_type(flags.kv_cache_type);
  options.deterministic = flags.deterministic;
  if (flags.deterministic && options.kv_cache_type == KvCacheType::kQ8_0)
    return fail(ErrorCode::kInvalidArgument,
                "--deterministic turns flash attention off, which --kv-cache-type q8_0 needs: leave out one of them");
  ProgressLine progress("Loading " + display_path(model_path));
  LoadedEngine loaded;
  HYPRSTREAM_ASSIGN(loaded.engine, LlamaCppEngine::create(std::move(options), [&](float share) {
                                     progress.update(share);
                                     return !interrupt.was_interrupted();
                                   }).transform_error(with_model_remedy));
  loaded.load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  loaded.watch = interrupt.watch(*loaded.engine);
  return loaded;
}

}  // namespace hyprstream

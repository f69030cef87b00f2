// Loading a model and its context.
#include "runtime/llama_cpp_engine.hpp"

#include <llama.h>

#include <algorithm>
#include <exception>
#include <format>
#include <utility>

#include "base/cpu.hpp"
#include "gguf/model_check.hpp"
#include "gguf/split_files.hpp"
#include "runtime/llama_backend.hpp"
#include "runtime/llama_cpp_engine_impl.hpp"
#include "runtime/llama_sampler.hpp"

namespace hyprstream {
namespace {

constexpr int kDefaultContextLength = 4096;
constexpr int kMaxSequences = 256;
constexpr int kMaxBatchSize = 4096;
constexpr int kMaxThreads = 1024;
// libllama gives a sequence cells of its own in multiples of this.
constexpr int kCellStep = 256;
constexpr double kDefaultKvBytes = 2e9;

Result<void> require_range(std::string_view name, int value, int least, int most) {
  if (value >= least && value <= most) return {};
  return fail(ErrorCode::kInvalidArgument, std::format("{} must be from {} to {}, not {}", name, least, most, value));
}

double bytes_per_cell(const ModelInfo& info, KvCacheType type) {
  const double value = type == KvCacheType::kF32 ? 4 : type == KvCacheType::kF16 ? 2 : 34.0 / 32;
  return 2.0 * info.layers * info.kv_heads * info.head_size * value;
}

int default_context(const EngineOptions& options, const ModelInfo& info) {
  const int most = std::min(kDefaultContextLength, info.context_length);
  if (options.kv_cache_layout == KvCacheLayout::kShared) return most;
  const double cells = kDefaultKvBytes / std::max(1.0, bytes_per_cell(info, options.kv_cache_type));
  const double each = std::min(cells / options.max_sequences, double{kDefaultContextLength});
  return std::min(most, std::max(1, static_cast<int>(each) / kCellStep) * kCellStep);
}

// Checks the options and replaces the zeros that stand for a default.
Result<EngineOptions> settle(EngineOptions options, const ModelInfo& info) {
  HYPRSTREAM_TRY(require_range("max_sequences", options.max_sequences, 1, kMaxSequences));
  HYPRSTREAM_TRY(require_range("batch_size", options.batch_size, 1, kMaxBatchSize));
  HYPRSTREAM_TRY(require_range("threads", options.threads, 0, kMaxThreads));
  HYPRSTREAM_TRY(require_range("max_outputs", options.max_outputs, 0, kMaxBatchSize));
  if (options.context_length == 0) options.context_length = default_context(options, info);
  if (options.context_length < 1 || options.context_length > info.context_length)
    return fail(ErrorCode::kInvalidArgument,
                std::format("a context of {} tokens is not possible: {} was trained for 1 to {}",
                            options.context_length, options.model_path, info.context_length));
  options.batch_size = std::min(options.batch_size, options.context_length);
  if (options.max_outputs == 0) options.max_outputs = options.batch_size;
  // libllama reserves a row for every sequence's next token.
  options.max_outputs = std::max(options.max_outputs, options.max_sequences);
  if (options.threads == 0) options.threads = usable_cores();
  if (options.deterministic) {
    options.adaptive_threads = false;
    options.flash_attention = false;
  }
  return options;
}

ggml_type to_ggml(KvCacheType type) {
  switch (type) {
    case KvCacheType::kF16: return GGML_TYPE_F16;
    case KvCacheType::kF32: return GGML_TYPE_F32;
    case KvCacheType::kQ8_0: return GGML_TYPE_Q8_0;
  }
  return GGML_TYPE_F16;
}

// libllama reports progress through a C callback; an exception must not cross it.
struct ProgressBridge {
  const LoadProgress* progress;
  bool cancelled = false;

  static bool call(float share, void* data) {
    auto& self = *static_cast<ProgressBridge*>(data);
    if (!*self.progress) return true;
    try {
      self.cancelled = !(*self.progress)(share);
    } catch (...) {
      self.cancelled = true;
    }
    return !self.cancelled;
  }
};

// The text of the token that the key names; empty if the file names none.
std::string special_token_text(const GgufFile& file, std::string_view key) {
  const auto token = file.find_uint(key);
  const auto tokens = file.find_strings("tokenizer.ggml.tokens");
  if (!token || !*token || !tokens || !*tokens || **token >= (*tokens)->size()) return {};
  return std::string((**tokens)[**token]);
}

// The files of a model, the first of which is `first`.
Result<std::vector<GgufFile>> all_parts(GgufFile first) {
  HYPRSTREAM_ASSIGN(const auto further, further_parts(first));
  std::vector<GgufFile> files;
  files.push_back(std::move(first));
  for (const auto& path : further) {
    HYPRSTREAM_ASSIGN(auto part, GgufFile::open(path));
    files.push_back(std::move(part));
  }
  return files;
}

}  // namespace

Result<LlamaModel> load_llama_model(const std::string& path, bool vocabulary_only, const LoadProgress& progress) {
  auto params = llama_model_default_params();
  params.vocab_only = vocabulary_only;
  ProgressBridge bridge{&progress};
  params.progress_callback = ProgressBridge::call;
  params.progress_callback_user_data = &bridge;
  const LlamaErrorCapture capture;
  LlamaModel model;
  std::string what;
  try {
    model.reset(llama_model_load_from_file(path.c_str(), params));
    what = capture.first_error();
  } catch (const std::exception& error) {
    what = error.what();
  }
  if (model != nullptr) return model;
  if (bridge.cancelled) return fail(ErrorCode::kCancelled, "loading " + path + " was cancelled");
  const bool unknown = what.contains("unknown model architecture") || what.contains("unknown pre-tokenizer");
  return fail(unknown ? ErrorCode::kUnsupported : ErrorCode::kCorrupt,
              std::format("cannot load {}: {}", path, what.empty() ? "libllama does not say why" : what));
}

Result<ChatTemplate> start_chat_template(const GgufFile& file, const ModelInfo& info) {
  if (!info.chat_template)
    return fail(ErrorCode::kUnsupported, "the model has no chat template: give it a plain prompt instead");
  return ChatTemplate::start(*info.chat_template, special_token_text(file, "tokenizer.ggml.bos_token_id"),
                             special_token_text(file, "tokenizer.ggml.eos_token_id"));
}

Result<std::unique_ptr<RuntimeEngine>> LlamaCppEngine::create(EngineOptions options, const LoadProgress& progress) {
  HYPRSTREAM_TRY(init_llama_backend());
  ModelInfo info;
  HYPRSTREAM_ASSIGN(auto file, GgufFile::open(options.model_path));
  HYPRSTREAM_ASSIGN(info, read_model_info(file));
  HYPRSTREAM_TRY(check_model_file(file));
  auto chat_template = start_chat_template(file, info);
  HYPRSTREAM_ASSIGN(options, settle(std::move(options), info));
  HYPRSTREAM_ASSIGN(auto model, load_llama_model(options.model_path, /*vocabulary_only=*/false, progress));
  if (!llama_model_has_decoder(model.get()) || llama_model_has_encoder(model.get()))
    return fail(ErrorCode::kUnsupported,
                std::format("{} is an encoder model ({}), and hyprstream runs decoder-only language models",
                            options.model_path, info.architecture));
  auto engine = std::make_unique<LlamaCppEngineImpl>(std::move(options), std::move(info), std::move(model),
                                                     std::move(chat_template));
  if (engine->options().fast_products) {
    HYPRSTREAM_ASSIGN(auto parts, all_parts(std::move(file)));
    engine->use_fast_products(std::move(parts));
  }
  HYPRSTREAM_TRY(engine->create_context());
  return engine;
}

LlamaCppVersions llama_cpp_versions() { return {llama_version(), ggml_version()}; }

LlamaCppEngineImpl::LlamaCppEngineImpl(EngineOptions options, ModelInfo info, LlamaModel model,
                                       Result<ChatTemplate> chat_template)
    : options_(std::move(options)),
      info_(std::move(info)),
      model_(std::move(model)),
      text_(model_.get(), std::move(chat_template)),
      slots_(static_cast<std::size_t>(options_.max_sequences)) {}

void LlamaCppEngineImpl::use_fast_products(std::vector<GgufFile> files) {
  fast_products_.emplace(std::move(files));
  tap_.set_fast_products(&*fast_products_);
}

Result<void> LlamaCppEngineImpl::create_context() {
  auto params = llama_context_default_params();
  const bool shared = options_.kv_cache_layout == KvCacheLayout::kShared;
  const int cells = shared ? options_.context_length
                           : (options_.context_length + kCellStep - 1) / kCellStep * kCellStep * options_.max_sequences;
  params.n_ctx = static_cast<std::uint32_t>(cells);
  // A batch is never split into ubatches and never reordered: the tap relies on both to know whose token a column is.
  // Without a unified cache that takes batches such as next_batch() makes.
  params.n_batch = static_cast<std::uint32_t>(options_.batch_size);
  params.n_ubatch = params.n_batch;
  params.kv_unified = shared;
  params.n_seq_max = static_cast<std::uint32_t>(options_.max_sequences);
  params.n_outputs_max = static_cast<std::uint32_t>(options_.max_outputs);
  params.n_threads = params.n_threads_batch = options_.threads;
  params.flash_attn_type = options_.flash_attention ? LLAMA_FLASH_ATTN_TYPE_AUTO : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  params.type_k = params.type_v = to_ggml(options_.kv_cache_type);
  params.pooling_type = LLAMA_POOLING_TYPE_NONE;
  params.no_perf = true;
  params.cb_eval = LinearTap::on_eval;
  params.cb_eval_user_data = &tap_;
  params.abort_callback = [](void* flag) {
    return static_cast<std::atomic<bool>*>(flag)->load(std::memory_order_relaxed);
  };
  params.abort_callback_data = &interrupted_;
  const LlamaErrorCapture capture;
  std::string what;
  try {
    context_.reset(llama_init_from_model(model_.get(), params));
    what = capture.first_error();
  } catch (const std::exception& error) {
    what = error.what();
  }
  if (context_ == nullptr)
    return fail(ErrorCode::kResourceExhausted,
                std::format("cannot make a context of {} tokens for {}: {}", options_.context_length, info_.path,
                            what.empty() ? "libllama does not say why" : what));
  // libllama rounds up to a multiple of 256; what was asked for stays the limit.
  options_.context_length = std::min(options_.context_length, static_cast<int>(llama_n_ctx_seq(context_.get())));
  batch_ = LlamaBatch(options_.batch_size);
  governor_.emplace(options_.threads, options_.adaptive_threads);
  return {};
}

Result<std::unique_ptr<Sampler>> LlamaCppEngineImpl::make_sampler(const SamplingParams& params) const {
  HYPRSTREAM_TRY(validate(params));
  return make_llama_sampler(text_.vocab(), params, options_.context_length);
}

}  // namespace hyprstream

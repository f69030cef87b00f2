// What check_model_file() lets through, libllama must survive: it loads the model, tokenizes,
// detokenizes and decodes in this process. An exception is fine, an abort is a finding.
#include <ggml-backend.h>
#include <llama.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "gguf/model_check.hpp"
#include "gguf/model_info.hpp"
#include "memory_file.hpp"
#include "model_mutator/base_models.hpp"
#include "model_mutator/model_mutator.hpp"

namespace {

using namespace hyprstream;

constexpr std::size_t kMostFileBytes = std::size_t{8} << 20;

void prepare() {
  ::setenv("GGML_NO_BACKTRACE", "1", 1);
  ggml_backend_load_all_from_path(HYPRSTREAM_GGML_BACKENDS);
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
}

std::vector<llama_token> use_vocabulary(const llama_vocab* vocabulary) {
  constexpr std::string_view kText = "Hello w\xc3\xb6rld <|im_start|> <s> 123\n\t\xff\xe2\x96\x81 abc";
  std::vector<llama_token> tokens(512);
  int count = 0;
  for (const bool special : {false, true})
    count = llama_tokenize(vocabulary, kText.data(), static_cast<int>(kText.size()), tokens.data(),
                           static_cast<int>(tokens.size()), true, special);
  tokens.resize(static_cast<std::size_t>(std::max(0, count)));
  std::array<char, 512> piece{};
  for (llama_token token = 0; token < llama_vocab_n_tokens(vocabulary); ++token)
    (void)llama_token_to_piece(vocabulary, token, piece.data(), static_cast<int>(piece.size()), 0, true);
  return tokens;
}

void decode(llama_model* model, std::vector<llama_token> tokens, llama_flash_attn_type flash_attention) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = 64;
  params.n_batch = 32;
  params.n_ubatch = 32;
  params.n_seq_max = 2;
  params.n_threads = 1;
  params.n_threads_batch = 1;
  params.kv_unified = true;
  params.flash_attn_type = flash_attention;
  const std::unique_ptr<llama_context, decltype(&llama_free)> context(llama_init_from_model(model, params),
                                                                      &llama_free);
  if (context == nullptr || !llama_model_has_decoder(model) || llama_get_memory(context.get()) == nullptr) return;
  if (tokens.empty()) tokens.push_back(0);
  tokens.resize(std::min<std::size_t>(tokens.size(), 8));
  (void)llama_decode(context.get(), llama_batch_get_one(tokens.data(), static_cast<int>(tokens.size())));
}

void load(const std::string& path) {
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = 0;
  const std::unique_ptr<llama_model, decltype(&llama_model_free)> model(
      llama_model_load_from_file(path.c_str(), params), &llama_model_free);
  if (model == nullptr) return;
  const auto tokens = use_vocabulary(llama_model_get_vocab(model.get()));
  decode(model.get(), tokens, LLAMA_FLASH_ATTN_TYPE_ENABLED);
  decode(model.get(), tokens, LLAMA_FLASH_ATTN_TYPE_DISABLED);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<ModelDraft> bases = [] {
    prepare();
    return make_base_models();
  }();
  if (bases.empty()) std::abort();
  static MemoryFile memory;
  const auto bytes = mutate_model(bases, ByteSource(std::as_bytes(std::span(data, size)))).serialize(kMostFileBytes);
  if (!bytes) return 0;
  memory.write(std::as_bytes(std::span(*bytes)));
  const auto file = GgufFile::open(memory.path());
  if (!file || !read_model_info(*file) || !check_model_file(*file)) return 0;
  try {
    load(memory.path());
  } catch (const std::exception&) {
    // libllama throws on what it does not like; the engine turns that into an error.
  }
  return 0;
}

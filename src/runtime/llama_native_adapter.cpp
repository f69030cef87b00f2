// llama.cpp's own adapters behind our types.
#include <llama.h>

#include <utility>

#include "base/c_handle.hpp"
#include "runtime/llama_backend.hpp"
#include "runtime/llama_cpp_engine_impl.hpp"

namespace hyprstream {
namespace {

struct LlamaNativeAdapter final : NativeAdapter {
  explicit LlamaNativeAdapter(llama_adapter_lora* loaded) : adapter(loaded) {}

  CHandle<llama_adapter_lora, llama_adapter_lora_free> adapter;
};

}  // namespace

Result<std::unique_ptr<NativeAdapter>> LlamaCppEngineImpl::load_native_adapter(const std::filesystem::path& path) {
  const LlamaErrorCapture capture;
  llama_adapter_lora* loaded = nullptr;
  std::string problem;
  try {
    loaded = llama_adapter_lora_init(model_.get(), path.c_str());
    problem = capture.first_error();
  } catch (const std::exception& error) {
    problem = error.what();
  }
  if (loaded == nullptr)
    return fail(ErrorCode::kCorrupt, path.string() + " cannot be loaded as an adapter by libllama: " + problem);
  return std::make_unique<LlamaNativeAdapter>(loaded);
}

Result<void> LlamaCppEngineImpl::set_native_adapters(std::span<const NativeAdapterUse> uses) {
  std::vector<llama_adapter_lora*> adapters;
  std::vector<float> scales;
  for (const auto& [adapter, scale] : uses) {
    adapters.push_back(dynamic_cast<const LlamaNativeAdapter&>(*adapter).adapter.get());
    scales.push_back(scale);
  }
  if (llama_set_adapters_lora(context_.get(), adapters.data(), adapters.size(), scales.data()) != 0)
    return fail(ErrorCode::kInternal, "libllama refused the adapters");
  return {};
}

}  // namespace hyprstream

#include "cli/generation_output.hpp"

#include <format>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/adapter_report.hpp"
#include "terminal/printable.hpp"
#include "terminal/terminal.hpp"

namespace hyprstream {

StreamControl PieceWriter::operator()(const GeneratedPiece& piece) {
  if (outcome_ && !piece.text.empty()) outcome_ = console_.write_model_text(piece.text);
  return outcome_ ? StreamControl::kContinue : StreamControl::kStop;
}

GenerationRequest plain_request(std::string prompt) {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  return request;
}

std::string describe_model(const RuntimeEngine& engine) {
  const auto& info = engine.model_info();
  return printable_line(std::format("{} ({}, {} parameters, {}, context {})", info.name, info.architecture,
                                    format_count(info.parameters), info.quantization, engine.options().context_length));
}

std::string describe_generation(const GenerationResult& result) {
  const auto& timings = result.timings;
  return std::format("{} prompt tokens in {:.2f}s, {} tokens at {:.1f} tokens/s, end: {}, seed {}",
                     timings.prompt_tokens, timings.prompt_seconds, timings.generated_tokens,
                     timings.generated_tokens_per_second(), finish_reason_name(result.finish_reason), result.seed);
}

std::string generation_json(const LoadedEngine& loaded, std::string_view prompt, const GenerationResult& result,
                            const std::optional<AdapterEffect>& effect) {
  const auto& info = loaded.engine->model_info();
  const auto& timings = result.timings;
  auto adapters = nlohmann::ordered_json::array();
  for (const auto& [version, use] : loaded.adapters)
    adapters.push_back({{"name", version.name},
                        {"version", version.version},
                        {"id", use.adapter->id()},
                        {"scale", use.scale},
                        {"sparsity", use.adapter->sparsity()}});
  nlohmann::ordered_json json{
      {"model",
       {{"path", info.path},
        {"name", info.name},
        {"architecture", info.architecture},
        {"parameters", info.parameters},
        {"quantization", info.quantization},
        {"size_bytes", info.file_size},
        {"context_length", loaded.engine->options().context_length}}},
      {"adapters", std::move(adapters)},
      {"prompt", prompt},
      {"text", result.text},
      {"tokens", result.tokens},
      {"finish_reason", finish_reason_name(result.finish_reason)},
      {"seed", result.seed},
      {"timings",
       {{"load_seconds", loaded.load_seconds},
        {"prompt_tokens", timings.prompt_tokens},
        {"prompt_seconds", timings.prompt_seconds},
        {"prompt_tokens_per_second", timings.prompt_tokens_per_second()},
        {"first_token_seconds", timings.first_token_seconds},
        {"generated_tokens", timings.generated_tokens},
        {"generation_seconds", timings.generation_seconds},
        {"generated_tokens_per_second", timings.generated_tokens_per_second()},
        {"total_seconds", timings.total_seconds}}},
  };
  if (effect) json["adapter_effect"] = effect_json(*effect);
  return json_line(json);
}

}  // namespace hyprstream

// What HTTP and JSON add to a request: the same tiny requests, one at a time, to the service within this process and to
// `hyprstream server` on the same model, in turn. Prints one JSON object with the median of each.
#include <CLI/CLI.hpp>

#include "adapter/base_model.hpp"
#include "adapter_engine/lora_engine.hpp"
#include "http_exchange.hpp"
#include "runtime/llama_cpp_engine.hpp"
#include "serving/inference_service.hpp"

namespace {

using namespace hyprstream;
using namespace hyprstream::bench;

// As `hyprstream server --parallel 1 --ctx-size 1024 --threads 1` has it.
std::unique_ptr<InferenceService> make_service(const std::string& model) {
  const InferenceOptions options{.parallel = 1};
  EngineOptions engine_options;
  engine_options.model_path = model;
  engine_options.context_length = 1024;
  engine_options.max_sequences = sequences_needed(options);
  engine_options.threads = 1;
  auto base = value_of(read_base_model(model));
  auto engine = LoraEngine::create(value_of(LlamaCppEngine::create(engine_options)), std::move(base));
  return value_of(InferenceService::create(std::move(engine), options));
}

std::string generate_in_process(InferenceService& service, const std::string& prompt) {
  ServingRequest request;
  request.prompt = value_of(service.engine().tokenize(prompt, {.add_special = true, .parse_special = true}));
  request.max_tokens = 1;
  request.sampling.temperature = 0;
  request.ignore_end_of_generation = true;
  auto stream = value_of(service.submit(std::move(request)));
  std::string text;
  for (;;) {
    const auto event = stream.next();
    if (const auto* delta = std::get_if<GenerationDelta>(&event)) text += delta->text;
    if (const auto* failure = std::get_if<GenerationFailure>(&event)) give_up(failure->error.message);
    if (std::holds_alternative<GenerationEnd>(event)) return text;
  }
}

std::string generate_over_http(HttpClient& http, const std::string& url, const std::string& model,
                               const std::string& prompt) {
  const auto body =
      Json{{"model", model}, {"prompt", prompt}, {"max_tokens", 1}, {"temperature", 0}, {"ignore_eos", true}}.dump();
  return http.ask(url + "/v1/completions", &body).at("choices").at(0).at("text").get<std::string>();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  std::string url, model;
  int requests = 1000;
  CLI::App app("Measures what HTTP and JSON add to a request of one token.");
  app.add_option("--url", url, "of the server, without a path")->required();
  app.add_option("--model", model, "the GGUF that it serves")->required();
  app.add_option("--requests", requests, "of each side")->check(CLI::Range(10, 1'000'000));
  CLI11_PARSE(app, argc, argv);

  curl_global_init(CURL_GLOBAL_ALL);
  const auto service = make_service(model);
  HttpClient http;
  const auto name = http.ask(url + "/v1/models").at("data").at(0).at("id").get<std::string>();
  std::vector<double> in_process, over_http;
  constexpr int kWarmUp = 20;
  for (int i = 0; i < requests + kWarmUp; ++i) {
    // No two prompts are the same, so that the prefix cache saves as much on both sides.
    const auto prompt = "Story number " + std::to_string(i) + ": once upon a time";
    const auto timed = [](std::vector<double>& times, const auto& generate) {
      const auto start = Clock::now();
      auto text = generate();
      times.push_back(1000 * seconds_since(start));
      return text;
    };
    const auto mine = timed(in_process, [&] { return generate_in_process(*service, prompt); });
    const auto theirs = timed(over_http, [&] { return generate_over_http(http, url, name, prompt); });
    if (mine != theirs) give_up("'" + mine + "' in process, and '" + theirs + "' over HTTP");
    if (i < kWarmUp) in_process.clear(), over_http.clear();
  }
  std::cout
      << Json{{"in_process_ms", median(in_process)}, {"http_ms", median(over_http)}, {"requests", requests}}.dump()
      << std::endl;
  return 0;
}

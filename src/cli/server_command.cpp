// `hyprstream server`: the OpenAI-compatible server.
#include <algorithm>
#include <chrono>
#include <format>
#include <utility>

#include "adapter_files/adapter_store.hpp"
#include "api/adapter_scales.hpp"
#include "api/api.hpp"
#include "cli/command_table.hpp"
#include "cli/server_signals.hpp"
#include "cli/server_sql.hpp"
#include "cli_options/engine_flags.hpp"
#include "cli_options/model_reference.hpp"
#include "cli_options/model_source.hpp"
#include "cli_options/network_flags.hpp"
#include "fine_tuning/fine_tuning_service.hpp"
#include "http/http_server.hpp"
#include "serving/adapter_residency.hpp"
#include "serving/inference_service.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

// Rows of logits beside one for each running text: for embeddings.
constexpr int kSpareOutputs = 64;

constexpr std::chrono::seconds kLastWords{1};

// "Hypr Tiny" -> "hypr-tiny": what clients write as "model".
std::string model_id(const std::string& name) {
  std::string id;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    id += upper ? static_cast<char>(c + 32) : plain ? c : '-';
  }
  return id;
}

std::vector<std::string> names_of(const AdapterStore& store) {
  std::vector<std::string> names;
  for (const auto& stored : store.list()) names.push_back(stored.name);
  return names;
}

class ServerCommand final : public Command {
 public:
  CommandManual manual() const override {
    return {
        .description =
            "Serves a model, and every adapter that was made for it, to OpenAI's clients and whatever speaks their "
            "protocol. Requests for different adapters share each step of the model.\n"
            "\n"
            "A request's \"model\" names the base model or an adapter; GET /v1/models lists them. Adapters are loaded "
            "when they are first asked for. SIGTERM or Ctrl-C finishes what is running and ends; a second one ends at "
            "once.\n"
            "\n"
            "Without keys, only programs of this machine are answered. Keys stand in a file (--api-key-file), a line "
            "each: 'inference NAME KEY' or 'admin NAME KEY'; or one admin key in HYPRSTREAM_API_KEY. SIGHUP reads "
            "keys, "
            "certificates, hosts and origins again.",
        .examples = {{"hyprstream server", "Serve the bundled model on http://127.0.0.1:8080."},
                     {"hyprstream server --model qwen3-0.6b --parallel 16 --ctx-size 2048",
                      "A model of yours for more clients at once."},
                     {"hyprstream server --host 0.0.0.0 --api-key-file keys --allowed-host models.example",
                      "For other machines too, with keys."}}};
  }

  void declare(ArgumentList& arguments) override {
    arguments.file("--model,-m", "MODEL", model_, "The model to serve: " + std::string(kModelForms),
                   "the bundled model");
    arguments.settings(config_);
    network_.declare(arguments);
    arguments.begin_section("Serving");
    arguments.texts("--adapter", "NAME", adapters_, "Load this adapter at once and keep it in memory");
    arguments.texts("--adapter-directory", "DIR", adapter_directories_,
                    "A directory that POST /v1/load_lora_adapter may read adapters from");
    arguments.integer("--parallel", serving_.parallel, {1, 128}, "Texts generated at once");
    arguments.integer("--queue", serving_.queue_length, {1, 1 << 20}, "Requests that may wait; one more gets 503");
    arguments.flag("--kv-unified", kv_unified_,
                   "One KV cache of --ctx-size tokens for all texts, instead of one for each: less memory, more of "
                   "what begins alike is kept, slower steps");
    arguments.integer("--cached-sequences", serving_.cached_sequences, {0, 64},
                      "Finished texts kept with --kv-unified, so that what begins alike is not computed again; 0: "
                      "nothing is kept, without it too");
    arguments.integer("--adapter-memory", adapter_megabytes_, {1, 1 << 20}, "MB for adapters that are not in use");
    arguments.integer("--training-niceness", training_niceness_, {0, 19},
                      "Priority of POST /v1/fine_tuning/jobs: 19 takes the time that serving leaves, 0 shares alike");
    arguments.integer("--drain-seconds", drain_seconds_, {0, 3600}, "How long running requests may take at the end");
    sql_.declare(arguments);
    hub_.declare(arguments);
    engine_.declare(arguments);
    settings_ = arguments;
  }

  Result<ExitCode> run(Console& console) override {
    HYPRSTREAM_ASSIGN(auto http, network_.server_options());
    if (config_) {
      HYPRSTREAM_ASSIGN(in_file_, read_network_settings(*config_, settings_));
    }
    const bool secure = http.policy.tls != nullptr;
    const ApiKeys keys = http.policy.keys;

    InterruptScope interrupt;
    HYPRSTREAM_ASSIGN(const auto path, local_model_path(model_, hub_, console, interrupt));
    HYPRSTREAM_ASSIGN(auto base, read_base_model(path).transform_error(with_model_remedy));
    AdapterResidency residency(AdapterStore::of_user(), base, static_cast<std::size_t>(adapter_megabytes_) << 20);
    for (const auto& name : adapters_) HYPRSTREAM_TRY(residency.pin(name));
    const auto layout = kv_unified_ ? KvCacheLayout::kShared : KvCacheLayout::kPerSequence;
    const int sequences = sequences_needed(serving_, layout);
    HYPRSTREAM_ASSIGN(auto loaded, load_engine(engine_, path, interrupt,
                                               {.max_sequences = sequences,
                                                .max_outputs = std::max(sequences, serving_.parallel + kSpareOutputs),
                                                .kv_cache_layout = layout}));
    loaded.watch = {};
    const ServerSignals signals;  // before any thread, so that none is interrupted
    const std::string name = model_id(loaded.engine->model_info().name);
    ServingMetrics metrics;
    GenerationLogger logger;
    serving_.report_tokens = sql_.log_prompts && !sql_.off;
    HYPRSTREAM_ASSIGN(const auto service, InferenceService::create(LoraEngine::create(std::move(loaded.engine), base),
                                                                   serving_, {&metrics, &logger}));
    residency.on_drop([&](const auto& adapter) { service->forget_adapter(adapter); });
    AdapterScales scales;
    scales.note(adapters_);
    scales.note(names_of(residency.store()));
    const auto uploads = UploadStore::of_user();
    const auto fine_tuning = FineTuningService::start({.base = std::move(base),
                                                       .text = &service->engine(),
                                                       .runs = TrainingRunStore::of_user(),
                                                       .adapters = residency.store(),
                                                       .niceness = training_niceness_,
                                                       .threads = engine_.threads.value_or(0)});
    const ApiContext context{.service = service.get(),
                             .adapters = &residency,
                             .scales = &scales,
                             .metrics = &metrics,
                             .uploads = &uploads,
                             .fine_tuning = fine_tuning.get(),
                             .model_path = path,
                             .adapter_directories = {adapter_directories_.begin(), adapter_directories_.end()},
                             .model_id = name,
                             .version = HYPRSTREAM_VERSION};
    http.answered = [&metrics](std::string_view method, std::string_view route, int status) {
      metrics.count_response(method, route, status);
    };
    HYPRSTREAM_ASSIGN(const auto server, HttpServer::create(std::move(http), make_api_routes(context)));
    const ServerSqlContext sql_context{
        .model = {.service = service.get(), .adapters = &residency}, .model_id = name, .logger = &logger};
    HYPRSTREAM_ASSIGN(const auto sql, start_server_sql(sql_, network_, keys, sql_context));
    console.status(std::format("hyprstream: serving {} on {}://{}:{} ({} texts at once, {} tokens {}, {} adapters){}",
                               name, secure ? "https" : "http", network_.host, server->port(), serving_.parallel,
                               service->engine().options().context_length, kv_unified_ ? "for all" : "each",
                               residency.store().list().size(), sql.said.empty() ? "" : "; " + sql.said));
    while (signals.wait() == ServerSignal::kReload) reload(*server, sql.sql.get(), console);
    service->begin_drain();
    console.status("hyprstream: finishing what is running; again to stop at once");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(drain_seconds_);
    const auto done = [&] { return service->wait_until_idle(100ms) && server->wait_until_answered(100ms); };
    while (!done() && !signals.stop_came() && std::chrono::steady_clock::now() < deadline) {
    }
    // Those that still wait are told, if they read.
    service->stop();
    server->wait_until_answered(kLastWords);
    return ExitCode::kSuccess;
  }

 private:
  // Keys, certificates, names and origins, from the files that say so now. An error leaves all as it was.
  void reload(HttpServer& server, ServerSql* sql, Console& console) {
    auto network = network_;
    auto in_file = in_file_;
    const auto read = [&] -> Result<AccessPolicy> {
      if (config_) {
        HYPRSTREAM_ASSIGN(in_file, read_network_settings(*config_, settings_));
      }
      network.take_changes(in_file_, in_file);
      if (network.tls_cert.has_value() != network_.tls_cert.has_value())
        return fail(ErrorCode::kInvalidArgument, "TLS cannot be turned on or off while the server runs: start it anew");
      return network.policy();
    };
    auto policy = read();
    const auto taken = policy && sql != nullptr ? sql->set_keys(policy->keys) : Result<void>();
    if (!policy || !taken)
      return console.status("hyprstream: nothing is reloaded, all stays as it was: " +
                            (policy ? taken.error() : policy.error()).message);
    server.set_policy(std::move(*policy));
    network_ = std::move(network);
    in_file_ = std::move(in_file);
    console.status("hyprstream: keys, certificates, hosts and origins are reloaded; other settings need a new start");
  }

  std::optional<std::string> model_;
  std::optional<std::string> config_;
  ArgumentList settings_;  // what a file of settings may hold
  std::vector<std::string> adapters_;
  std::vector<std::string> adapter_directories_;
  bool kv_unified_ = false;
  int adapter_megabytes_ = 1024;
  int training_niceness_ = 19;
  int drain_seconds_ = 30;
  NetworkFlags network_;
  NetworkFlags in_file_;  // what the file of settings says
  InferenceOptions serving_;
  ServerSqlFlags sql_;
  HubFlags hub_;
  EngineFlags engine_;
};

}  // namespace

std::unique_ptr<Command> make_server_command() { return std::make_unique<ServerCommand>(); }

}  // namespace hyprstream

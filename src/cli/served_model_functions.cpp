#include "cli/served_model_functions.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <format>
#include <map>
#include <numeric>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "cli_options/model_reference.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kClient = "sql";  // whose requests they are, for fairness and the log
constexpr std::size_t kMostInFlight = 256;   // rows of one call that are submitted at once
constexpr std::size_t kReadTogether = 64;    // texts that are only read, submitted at once
constexpr auto kPatience = 20ms;             // between two looks at whether the statement still wants an answer

// Adapters of one call, each looked up once: all rows use the same version.
class CallAdapters {
 public:
  explicit CallAdapters(AdapterResidency& residency) : residency_(residency) {}

  Result<std::vector<RequestAdapter>> get(const std::string& name) {
    if (name.empty()) return std::vector<RequestAdapter>();
    auto found = known_.find(name);
    if (found == known_.end()) found = known_.emplace(name, residency_.get(name)).first;
    if (!found->second) return std::unexpected(found->second.error());
    return std::vector<RequestAdapter>{{.adapter = *found->second}};
  }

 private:
  AdapterResidency& residency_;
  std::map<std::string, Result<ServedAdapter>> known_;
};

// As `hyprstream run` asks: with the model's chat template, or the text as it is where there is none.
Result<std::vector<Token>> prompt_tokens(const LoraEngine& engine, const GenerateCall& call) {
  std::vector<ChatMessage> messages;
  if (!call.system.empty()) messages.push_back({.role = "system", .content = call.system});
  messages.push_back({.role = "user", .content = call.prompt});
  auto tokens = tokenize_chat(engine, messages, {});
  if (tokens || tokens.error().code != ErrorCode::kUnsupported) return tokens;
  const auto text = call.system.empty() ? call.prompt : call.system + "\n\n" + call.prompt;
  return engine.tokenize(text, {});
}

Result<ServingRequest> make_request(const InferenceService& service, CallAdapters& adapters, const GenerateCall& call) {
  ServingRequest request;
  HYPRSTREAM_ASSIGN(request.adapters, adapters.get(call.adapter));
  HYPRSTREAM_ASSIGN(request.prompt, prompt_tokens(service.engine(), call));
  request.max_tokens = call.max_tokens;
  request.sampling.temperature = call.temperature;
  request.sampling.seed = call.seed;
  request.client = kClient;
  request.label = request.adapters.empty() ? "" : request.adapters.front().adapter.name;
  return request;
}

struct RunningRow {
  std::size_t row;
  GenerationStream stream;
  std::string text;
};

// Reads on for a moment. Nothing: not done yet.
std::optional<Result<std::string>> read_on(RunningRow& running) {
  while (auto event = running.stream.next(kPatience)) {
    if (auto* delta = std::get_if<GenerationDelta>(&*event)) {
      running.text += delta->text;
    } else if (const auto* failure = std::get_if<GenerationFailure>(&*event)) {
      return std::unexpected(failure->error);
    } else if (std::holds_alternative<GenerationEnd>(*event)) {
      return std::move(running.text);
    }
  }
  return std::nullopt;
}

// Asks to stop once the limits of a call say so, while a call that only knows stop tokens runs.
class LimitWatch {
 public:
  explicit LimitWatch(const CallLimits& limits)
      : thread_([this, &limits](const std::stop_token& ended) {
          while (!ended.stop_requested() && limits.check()) std::this_thread::sleep_for(kPatience / 4);
          if (!ended.stop_requested()) stop_.request_stop();
        }) {}

  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::jthread thread_;
};

// Texts that are only read, some at a time. `make` gives a row's request, `read` the vectors of several.
template <typename Request, typename Make, typename Read>
RowResults<std::vector<float>> read_rows(std::size_t rows, const CallLimits& limits, const Make& make,
                                         const Read& read) {
  std::vector<Result<std::vector<float>>> results(rows, std::vector<float>());
  const LimitWatch watch(limits);
  for (std::size_t begin = 0; begin < rows; begin += kReadTogether) {
    std::vector<Request> requests;
    std::vector<std::size_t> places;
    for (std::size_t row = begin; row < std::min(rows, begin + kReadTogether); ++row) {
      Result<Request> request = make(row);
      if (request) {
        requests.push_back(std::move(*request));
        places.push_back(row);
      } else {
        results[row] = std::unexpected(std::move(request).error());
      }
    }
    if (requests.empty()) continue;
    auto vectors = read(std::move(requests), watch.token());
    if (!vectors) {
      HYPRSTREAM_TRY(limits.check());  // which says it better
      return std::unexpected(std::move(vectors).error());
    }
    for (std::size_t i = 0; i < places.size(); ++i) results[places[i]] = std::move((*vectors)[i]);
  }
  return results;
}

// What the service would refuse, and with it all rows that were submitted together.
Result<std::vector<Token>> readable_tokens(const LoraEngine& engine, const std::string& text, std::size_t least) {
  HYPRSTREAM_ASSIGN(auto tokens, engine.tokenize(text, {}));
  if (tokens.size() < least)
    return fail(ErrorCode::kInvalidArgument, least == 1 ? "the text is empty" : "the text is shorter than two tokens");
  if (std::ssize(tokens) > engine.options().context_length)
    return fail(ErrorCode::kInvalidArgument, std::format("the text is {} tokens long, and the context holds {}",
                                                         tokens.size(), engine.options().context_length));
  return tokens;
}

}  // namespace

RowResults<std::string> ServedModelFunctions::generate(std::span<const GenerateCall> calls, const CallLimits& limits) {
  auto& service = *model_.service;
  const auto queue = static_cast<std::size_t>(service.options().queue_length);
  const auto window = std::clamp<std::size_t>(queue / 4, 1, kMostInFlight);
  CallAdapters adapters(*model_.adapters);
  std::vector<Result<std::string>> results(calls.size(), std::string());
  std::deque<RunningRow> running;  // leaving this function cancels them
  std::size_t next = 0;
  while (next < calls.size() || !running.empty()) {
    HYPRSTREAM_TRY(limits.check());
    while (next < calls.size() && running.size() < window) {
      auto request = make_request(service, adapters, calls[next]);
      if (!request) {
        results[next++] = std::unexpected(std::move(request).error());
        continue;
      }
      auto stream = service.submit(std::move(*request));
      if (stream) {
        running.push_back({next++, std::move(*stream), {}});
      } else if (stream.error().code == ErrorCode::kResourceExhausted) {
        break;  // the queue is full of others' requests
      } else {
        results[next++] = std::unexpected(std::move(stream).error());
      }
    }
    if (running.empty()) {
      if (next < calls.size()) std::this_thread::sleep_for(kPatience);
      continue;
    }
    if (auto done = read_on(running.front())) {
      results[running.front().row] = std::move(*done);
      running.pop_front();
    }
  }
  return results;
}

RowResults<double> ServedModelFunctions::perplexity(std::span<const PerplexityCall> calls, const CallLimits& limits) {
  auto& service = *model_.service;
  CallAdapters adapters(*model_.adapters);
  const auto make = [&](std::size_t row) -> Result<ScoringRequest> {
    ScoringRequest request;
    HYPRSTREAM_ASSIGN(request.adapters, adapters.get(calls[row].adapter));
    HYPRSTREAM_ASSIGN(request.tokens, readable_tokens(service.engine(), calls[row].text, 2));
    request.client = kClient;
    return request;
  };
  const auto score = [&](std::vector<ScoringRequest> requests, std::stop_token stop) {
    return service.score(std::move(requests), std::move(stop));
  };
  HYPRSTREAM_ASSIGN(const auto scores, read_rows<ScoringRequest>(calls.size(), limits, make, score));
  std::vector<Result<double>> results;
  for (const auto& row : scores)
    results.push_back(row.transform([](const std::vector<float>& logs) {
      return std::exp(-std::accumulate(logs.begin(), logs.end(), 0.0) / static_cast<double>(logs.size()));
    }));
  return results;
}

RowResults<std::vector<float>> ServedModelFunctions::embed(std::span<const std::string> texts,
                                                           const CallLimits& limits) {
  auto& service = *model_.service;
  const auto make = [&](std::size_t row) -> Result<EmbeddingRequest> {
    EmbeddingRequest request;
    HYPRSTREAM_ASSIGN(request.tokens, readable_tokens(service.engine(), texts[row], 1));
    request.client = kClient;
    return request;
  };
  return read_rows<EmbeddingRequest>(texts.size(), limits, make,
                                     [&](std::vector<EmbeddingRequest> requests, std::stop_token stop) {
                                       return service.embed(std::move(requests), std::move(stop));
                                     });
}

RowResults<std::vector<std::int32_t>> ServedModelFunctions::tokenize(std::span<const std::string> texts) {
  std::vector<Result<std::vector<std::int32_t>>> results;
  for (const auto& text : texts)
    results.push_back(model_.service->engine().tokenize(text, {}).transform(
        [](const std::vector<Token>& tokens) { return std::vector<std::int32_t>(tokens.begin(), tokens.end()); }));
  return results;
}

Result<std::shared_ptr<ModelFunctions>> LazyModelFunctions::get() {
  const std::scoped_lock lock(mutex_);
  // A load that was cancelled, or lacked a file, may succeed the next time.
  if (made_ == nullptr) {
    HYPRSTREAM_ASSIGN(made_, make_());
  }
  return made_;
}

RowResults<std::string> LazyModelFunctions::generate(std::span<const GenerateCall> calls, const CallLimits& limits) {
  HYPRSTREAM_ASSIGN(const auto model, get());
  return model->generate(calls, limits);
}

RowResults<double> LazyModelFunctions::perplexity(std::span<const PerplexityCall> calls, const CallLimits& limits) {
  HYPRSTREAM_ASSIGN(const auto model, get());
  return model->perplexity(calls, limits);
}

RowResults<std::vector<float>> LazyModelFunctions::embed(std::span<const std::string> texts, const CallLimits& limits) {
  HYPRSTREAM_ASSIGN(const auto model, get());
  return model->embed(texts, limits);
}

RowResults<std::vector<std::int32_t>> LazyModelFunctions::tokenize(std::span<const std::string> texts) {
  HYPRSTREAM_ASSIGN(const auto model, get());
  return model->tokenize(texts);
}

namespace {

// A service that lives as long as the functions on it.
struct OwnService {
  std::unique_ptr<AdapterResidency> adapters;
  std::unique_ptr<InferenceService> service;
  std::optional<ServedModelFunctions> functions;
};

constexpr std::size_t kAdapterBytes = std::size_t{1} << 30;

}  // namespace

Result<std::shared_ptr<ModelFunctions>> load_model_functions(const EngineFlags& flags, const std::string& model_path,
                                                             InterruptScope& interrupt) {
  HYPRSTREAM_ASSIGN(auto base, read_base_model(model_path).transform_error(with_model_remedy));
  auto own = std::make_shared<OwnService>();
  own->adapters = std::make_unique<AdapterResidency>(AdapterStore::of_user(), base, kAdapterBytes);
  const InferenceOptions options{.cached_sequences = 0};
  HYPRSTREAM_ASSIGN(auto loaded, load_engine(flags, model_path, interrupt,
                                             {.max_sequences = sequences_needed(options, KvCacheLayout::kPerSequence),
                                              .max_outputs = static_cast<int>(kReadTogether) + options.parallel,
                                              .kv_cache_layout = KvCacheLayout::kPerSequence}));
  loaded.watch = {};  // a signal ends the statement, not the engine
  HYPRSTREAM_ASSIGN(own->service,
                    InferenceService::create(LoraEngine::create(std::move(loaded.engine), std::move(base)), options));
  own->functions.emplace(ServedModel{.service = own->service.get(), .adapters = own->adapters.get()});
  return std::shared_ptr<ModelFunctions>(own, &*own->functions);
}

}  // namespace hyprstream

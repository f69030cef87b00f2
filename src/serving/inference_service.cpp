#include "serving/inference_service.hpp"

#include <algorithm>
#include <cmath>
#include <format>
#include <utility>

#include "serving/inference_loop.hpp"

namespace hyprstream {
namespace {

constexpr int kMostTopLogprobs = 20;

AdapterList list_of(std::span<const RequestAdapter> adapters) {
  AdapterList list;
  for (const auto& [adapter, scale] : adapters) list.push_back({adapter.weights, scale});
  return list;
}

Result<void> check_between(std::string_view name, int value, int least, int most) {
  if (value >= least && value <= most) return {};
  return fail(ErrorCode::kInvalidArgument, std::format("{} must be from {} to {}, not {}", name, least, most, value));
}

Result<void> check_adapters(const LoraEngine& engine, std::span<const RequestAdapter> adapters) {
  for (const auto& [adapter, scale] : adapters) {
    if (!std::isfinite(scale))
      return fail(ErrorCode::kInvalidArgument, std::format("the scale of adapter '{}' is no number", adapter.name));
    HYPRSTREAM_TRY(check_fits(*adapter.weights, engine.base_model()));
  }
  return {};
}

Result<void> check_tokens(const LoraEngine& engine, std::span<const Token> tokens, bool room_for_answer) {
  if (tokens.empty()) return fail(ErrorCode::kInvalidArgument, "the prompt is empty");
  const int vocabulary = engine.model_info().vocabulary_size;
  for (const Token token : tokens)
    if (token < 0 || token >= vocabulary)
      return fail(ErrorCode::kInvalidArgument,
                  std::format("token {} is not in the vocabulary of {}", token, vocabulary));
  const int context = engine.options().context_length;
  if (std::ssize(tokens) + (room_for_answer ? 1 : 0) > context)
    return fail(ErrorCode::kInvalidArgument,
                std::format("the prompt is {} tokens long, and the context holds {}{}", tokens.size(), context,
                            room_for_answer ? ", of which one must be left for the answer" : ""));
  return {};
}

std::string flow_name(std::span<const RequestAdapter> adapters) {
  std::string name;
  for (const auto& [adapter, scale] : adapters) name += (name.empty() ? "" : "+") + adapter.name;
  return name;
}

std::unique_ptr<SequenceTask> make_task(std::span<const Token> tokens, std::string client,
                                        std::span<const RequestAdapter> adapters) {
  auto task = std::make_unique<SequenceTask>();
  task->info.flow = {std::move(client), flow_name(adapters)};
  task->tokens.assign(tokens.begin(), tokens.end());
  return task;
}

}  // namespace

class InferenceService::Impl {
 public:
  Impl(std::unique_ptr<LoraEngine> engine, const InferenceOptions& options, std::vector<ServingObserver*> observers)
      : options_(options), engine_(std::move(engine)), loop_(*engine_, options, std::move(observers)) {}

  const LoraEngine& engine() const noexcept { return *engine_; }
  const InferenceOptions& options() const noexcept { return options_; }
  InferenceLoop& loop() noexcept { return loop_; }

  // Its choices have the numbers from `first_choice` in the stream.
  Result<void> submit(ServingRequest request, const std::shared_ptr<StreamState>& stream, int first_choice);
  // Texts that are only read, beside each other: a vector of numbers for each.
  template <typename Request>
  Result<std::vector<std::vector<float>>> read(std::vector<Request> requests, std::stop_token stop);

 private:
  template <typename Request>
  Result<std::unique_ptr<SequenceTask>> make_reading(Request request);
  Result<std::shared_ptr<ReadingTask>> submit(EmbeddingRequest request);
  Result<std::shared_ptr<ReadingTask>> submit(ScoringRequest request);
  Result<std::shared_ptr<ReadingTask>> submit(std::unique_ptr<SequenceTask> task);

  InferenceOptions options_;
  std::unique_ptr<LoraEngine> engine_;
  InferenceLoop loop_;
};

int sequences_needed(const InferenceOptions& options, KvCacheLayout layout) noexcept {
  return options.parallel + (layout == KvCacheLayout::kShared ? options.cached_sequences : 0);
}

Result<std::unique_ptr<InferenceService>> InferenceService::create(std::unique_ptr<LoraEngine> engine,
                                                                   const InferenceOptions& options,
                                                                   std::vector<ServingObserver*> observers) {
  HYPRSTREAM_TRY(check_between("parallel", options.parallel, 1, 128));
  HYPRSTREAM_TRY(check_between("queue_length", options.queue_length, 1, 1 << 20));
  HYPRSTREAM_TRY(check_between("prefill_tokens", options.prefill_tokens, 1, 4096));
  HYPRSTREAM_TRY(check_between("max_choices", options.max_choices, 1, 128));
  HYPRSTREAM_TRY(check_between("cached_sequences", options.cached_sequences, 0, 128));
  const int needed = sequences_needed(options, engine->options().kv_cache_layout);
  if (engine->options().max_sequences < needed)
    return fail(ErrorCode::kInvalidArgument, std::format("the engine holds {} sequences, and {} are needed",
                                                         engine->options().max_sequences, needed));
  auto impl = std::make_unique<Impl>(std::move(engine), options, std::move(observers));
  return std::unique_ptr<InferenceService>(new InferenceService(std::move(impl)));
}

InferenceService::InferenceService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
InferenceService::~InferenceService() = default;

const LoraEngine& InferenceService::engine() const noexcept { return impl_->engine(); }
const InferenceOptions& InferenceService::options() const noexcept { return impl_->options(); }

Result<void> InferenceService::Impl::submit(ServingRequest request, const std::shared_ptr<StreamState>& stream,
                                            int first_choice) {
  const LoraEngine& engine = *engine_;
  HYPRSTREAM_TRY(check_tokens(engine, request.prompt, /*room_for_answer=*/true));
  HYPRSTREAM_TRY(check_adapters(engine, request.adapters));
  HYPRSTREAM_TRY(check_between("the number of choices", request.choices, 1, options_.max_choices));
  if (request.max_tokens < 1)
    return fail(ErrorCode::kInvalidArgument, std::format("max_tokens must be 1 or more, not {}", request.max_tokens));
  if (request.top_logprobs)
    HYPRSTREAM_TRY(check_between("the number of log probabilities", *request.top_logprobs, 0, kMostTopLogprobs));

  auto shared = std::make_shared<RequestTask>();
  shared->submitted = ServingClock::now();
  shared->submitted_at = std::chrono::system_clock::now();
  shared->stream = stream;
  shared->first_choice = first_choice;
  shared->adapters = list_of(request.adapters);
  shared->usage.prompt_tokens = static_cast<int>(request.prompt.size());
  shared->open_choices = request.choices;

  std::unique_ptr<SequenceTask> first;
  for (int choice = 0; choice < request.choices; ++choice) {
    auto task = make_task(request.prompt, request.client, request.adapters);
    task->request = shared;
    task->choice = choice;
    auto sampling = request.sampling;
    if (sampling.seed) *sampling.seed += static_cast<std::uint32_t>(choice);
    HYPRSTREAM_ASSIGN(task->sampler, engine.make_sampler(sampling));
    for (const Token token : request.prompt) task->sampler->accept_prompt(token);
    HYPRSTREAM_ASSIGN(auto text, TextStream::create(request.stop));
    task->text.emplace(std::move(text));
    if (first == nullptr)
      first = std::move(task);
    else
      shared->siblings.push_back(std::move(task));
  }
  shared->request = std::move(request);
  return loop_.submit(std::move(first));
}

template <typename Request>
Result<std::unique_ptr<SequenceTask>> InferenceService::Impl::make_reading(Request request) {
  const LoraEngine& engine = *engine_;
  HYPRSTREAM_TRY(check_tokens(engine, request.tokens, /*room_for_answer=*/false));
  HYPRSTREAM_TRY(check_adapters(engine, request.adapters));
  auto task = make_task(request.tokens, request.client, request.adapters);
  task->reading = std::make_shared<ReadingTask>();
  task->reading->submitted = ServingClock::now();
  task->reading->submitted_at = std::chrono::system_clock::now();
  task->reading->adapters = list_of(request.adapters);
  task->reading->client = std::move(request.client);
  task->reading->label = std::move(request.label);
  task->reading->served = std::move(request.adapters);
  return task;
}

Result<std::shared_ptr<ReadingTask>> InferenceService::Impl::submit(EmbeddingRequest request) {
  HYPRSTREAM_ASSIGN(auto task, make_reading(std::move(request)));
  task->pool.emplace(engine().model_info().pooling.value_or(PoolingType::kMean), static_cast<int>(task->tokens.size()));
  return submit(std::move(task));
}

Result<std::shared_ptr<ReadingTask>> InferenceService::Impl::submit(ScoringRequest request) {
  if (request.tokens.size() < 2)
    return fail(ErrorCode::kInvalidArgument, "the text is shorter than two tokens: there is nothing to predict");
  HYPRSTREAM_ASSIGN(auto task, make_reading(std::move(request)));
  task->scores.emplace();
  return submit(std::move(task));
}

Result<std::shared_ptr<ReadingTask>> InferenceService::Impl::submit(std::unique_ptr<SequenceTask> task) {
  const auto reading = task->reading;
  HYPRSTREAM_TRY(loop_.submit(std::move(task)));
  return reading;
}

template <typename Request>
Result<std::vector<std::vector<float>>> InferenceService::Impl::read(std::vector<Request> requests,
                                                                     std::stop_token stop) {
  std::vector<std::shared_ptr<ReadingTask>> tasks;
  const auto cancel = [&] {
    for (const auto& task : tasks) task->cancelled.store(true, std::memory_order_relaxed);
  };
  for (auto& request : requests) {
    auto task = submit(std::move(request));
    if (!task) {
      cancel();
      return std::unexpected(task.error());
    }
    tasks.push_back(std::move(*task));
  }
  const std::stop_callback on_stop(std::move(stop), cancel);
  std::vector<std::vector<float>> vectors;
  for (const auto& task : tasks) {
    auto vector = task->result.get_future().get();
    if (!vector) {
      cancel();
      return std::unexpected(vector.error());
    }
    vectors.push_back(std::move(*vector));
  }
  return vectors;
}

Result<GenerationStream> InferenceService::submit(ServingRequest request) {
  std::vector<ServingRequest> requests;
  requests.push_back(std::move(request));
  return submit(std::move(requests));
}

Result<GenerationStream> InferenceService::submit(std::vector<ServingRequest> requests) {
  int choices = 0;
  for (const auto& request : requests) choices += std::max(request.choices, 0);
  if (requests.empty()) return fail(ErrorCode::kInvalidArgument, "there is no prompt");
  const auto state = std::make_shared<StreamState>(choices, static_cast<int>(requests.size()));
  GenerationStream stream(state);  // cancels those before one that is refused
  int first_choice = 0;
  for (auto& request : requests) {
    const int count = request.choices;
    HYPRSTREAM_TRY(impl_->submit(std::move(request), state, first_choice));
    first_choice += count;
  }
  return stream;
}

Result<std::vector<float>> InferenceService::embed(EmbeddingRequest request, std::stop_token stop) {
  std::vector<EmbeddingRequest> requests;
  requests.push_back(std::move(request));
  HYPRSTREAM_ASSIGN(auto vectors, embed(std::move(requests), std::move(stop)));
  return std::move(vectors.front());
}

Result<std::vector<std::vector<float>>> InferenceService::embed(std::vector<EmbeddingRequest> requests,
                                                                std::stop_token stop) {
  return impl_->read(std::move(requests), std::move(stop));
}

Result<std::vector<std::vector<float>>> InferenceService::score(std::vector<ScoringRequest> requests,
                                                                std::stop_token stop) {
  return impl_->read(std::move(requests), std::move(stop));
}

ServiceState InferenceService::state() const { return impl_->loop().state(); }
void InferenceService::forget_adapter(std::shared_ptr<const LoraAdapter> adapter) {
  impl_->loop().forget_adapter(std::move(adapter));
}
void InferenceService::begin_drain() noexcept { impl_->loop().begin_drain(); }
bool InferenceService::wait_until_idle(std::chrono::milliseconds timeout) {
  return impl_->loop().wait_until_idle(timeout);
}
void InferenceService::stop() { impl_->loop().stop(); }

}  // namespace hyprstream

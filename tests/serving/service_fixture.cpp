#include "service_fixture.hpp"

#include <chrono>

#include "random_adapter.hpp"
#include "test_engine.hpp"

namespace hyprstream::testing_support {

using namespace std::chrono_literals;

ReadAnswer read_all(GenerationStream& stream, int choices) {
  ReadAnswer answer{.choices = std::vector<ReadChoice>(static_cast<std::size_t>(choices))};
  for (;;) {
    auto event = stream.next(120s);
    if (!event) {
      ADD_FAILURE() << "no event in two minutes";
      return answer;
    }
    if (auto* delta = std::get_if<GenerationDelta>(&*event)) {
      auto& choice = answer.choices.at(static_cast<std::size_t>(delta->choice));
      EXPECT_FALSE(choice.end) << "text behind the end of a choice";
      choice.text += delta->text;
      choice.tokens.insert(choice.tokens.end(), delta->tokens.begin(), delta->tokens.end());
      choice.scores.insert(choice.scores.end(), delta->scores.begin(), delta->scores.end());
    } else if (auto* end = std::get_if<ChoiceEnd>(&*event)) {
      answer.choices.at(static_cast<std::size_t>(end->choice)).end = *end;
    } else if (auto* failure = std::get_if<GenerationFailure>(&*event)) {
      answer.failure = failure->error;
      return answer;
    } else {
      answer.usage = std::get<GenerationEnd>(*event).usage;
      return answer;
    }
  }
}

std::unique_ptr<RuntimeEngine> exact_engine(const InferenceOptions& options, int context_length, KvCacheLayout layout) {
  auto engine_options = exact_options();
  engine_options.kv_cache_layout = layout;
  engine_options.max_sequences = sequences_needed(options, layout);
  engine_options.max_outputs = engine_options.max_sequences + 64;
  if (context_length > 0) engine_options.context_length = context_length;
  return load(engine_options);
}

RequestAdapter use(std::shared_ptr<const LoraAdapter> adapter, float scale) {
  return {.adapter = {.name = adapter->name(), .version = 1, .weights = std::move(adapter)}, .scale = scale};
}

void ServiceTest::start(InferenceOptions options, int context_length) {
  start(exact_engine(options, context_length, GetParam()), options);
}

void ServiceTest::start(std::unique_ptr<RuntimeEngine> engine, const InferenceOptions& options) {
  const auto base = read_base_model(exact_options().model_path).value();
  auto service = InferenceService::create(LoraEngine::create(std::move(engine), base), options, {&observer_});
  ASSERT_TRUE(service) << service.error().message;
  service_ = std::move(*service);
  if (adapters_.empty())
    for (unsigned i = 0; i < 4; ++i) adapters_.push_back(random_adapter(base, 8, 0.05, i, 0.3F));
}

ServingRequest ServiceTest::request(std::string_view prompt, int max_tokens) const {
  ServingRequest request;
  request.prompt = tokens_of(service_->engine(), prompt);
  request.max_tokens = max_tokens;
  request.sampling.temperature = 0;
  return request;
}

GenerationStream ServiceTest::submit(ServingRequest request) {
  auto stream = service_->submit(std::move(request));
  if (!stream) {
    ADD_FAILURE() << stream.error().message;
    return GenerationStream(nullptr);
  }
  return std::move(*stream);
}

ReadAnswer ServiceTest::answer(ServingRequest request) {
  const int choices = request.choices;
  auto stream = submit(std::move(request));
  return read_all(stream, choices);
}

std::vector<Token> ServiceTest::alone(const ServingRequest& request) {
  if (reference_ == nullptr) {
    const auto options = exact_options();
    reference_ = LoraEngine::create(load(options), read_base_model(options.model_path).value());
  }
  AdapterList list;
  for (const auto& [adapter, scale] : request.adapters) list.push_back({adapter.weights, scale});
  EXPECT_TRUE(reference_->set_default_adapters(list));
  GenerationRequest generation{.prompt_tokens = request.prompt,
                               .max_tokens = request.max_tokens,
                               .sampling = request.sampling,
                               .stop = request.stop,
                               .ignore_end_of_generation = request.ignore_end_of_generation};
  const auto result = reference_->generate(generation, {});
  EXPECT_TRUE(result) << result.error().message;
  return result ? result->tokens : std::vector<Token>();
}

void ServiceTest::wait_until_idle() { EXPECT_TRUE(service_->wait_until_idle(120s)); }

HYPRSTREAM_BOTH_LAYOUTS(ServiceTest);

}  // namespace hyprstream::testing_support

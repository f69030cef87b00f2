#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include "gguf/gguf_file.hpp"
#include "gguf/gguf_writer.hpp"
#include "runtime/pooling.hpp"
#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

double dot(std::span<const float> a, std::span<const float> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

TEST(Embedding, IsAUnitVectorThatTellsTextsApart) {
  const auto engine = load(exact_options());
  const auto embed = [&](std::string_view text) { return engine->embed(tokens_of(*engine, text)).value(); };
  const auto sky = embed("Why is the sky blue?");
  ASSERT_EQ(sky.size(), static_cast<std::size_t>(engine->model_info().hidden_size));
  EXPECT_NEAR(dot(sky, sky), 1, 1e-5);
  EXPECT_LT(max_difference(sky, embed("Why is the sky blue?")), 1e-6F);
  const auto similar = embed("Why is the sky so blue?");
  const auto other = embed("Count from 1 to 10.");
  EXPECT_GT(dot(sky, similar), dot(sky, other) + 0.05);
}

// Logits after an embedding are what they were before it.
TEST(Embedding, LeavesTheEngineAsItWas) {
  const auto engine = load(exact_options());
  const auto tokens = tokens_of(*engine, prompts()[0]);
  const std::int32_t last = static_cast<std::int32_t>(tokens.size()) - 1;
  const auto before = logits_alone(*engine, tokens, {&last, 1});
  ASSERT_TRUE(engine->embed(tokens));
  EXPECT_LT(max_difference(logits_alone(*engine, tokens, {&last, 1}).front(), before.front()), 1e-5F);
}

// The bundled model as a file that names its pooling.
std::string model_with_pooling(std::uint32_t type) {
  const auto path = std::filesystem::path(testing::TempDir()) / ("pooling_" + std::to_string(type) + ".gguf");
  const auto source = GgufFile::open(exact_options().model_path).value();
  GgufWriter writer;
  for (const auto key : source.keys()) writer.set_value(key, *source.find(key));
  writer.set_uint32("qwen3.pooling_type", type);
  for (const auto& tensor : source.tensors()) EXPECT_TRUE(writer.add_tensor(tensor.name, tensor.shape, tensor.type));
  EXPECT_TRUE(writer.finish(
      path, [&](std::size_t index, TensorSink& sink) { return sink.write(source.tensors()[index].data); }));
  return path;
}

// The hidden state of one token, made a unit vector.
std::vector<float> hidden_at(RuntimeEngine& engine, std::span<const Token> tokens, std::int32_t position) {
  const auto sequence = ScopedSequence::open(engine);
  const StepInput input{sequence->id(), tokens, {&position, 1}};
  const auto output = engine.step({&input, 1}, /*want_hidden=*/true).value();
  std::vector<float> row(output.hidden.front().begin(), output.hidden.front().end());
  const auto length = static_cast<float>(std::sqrt(dot(row, row)));
  for (float& value : row) value /= length;
  return row;
}

TEST(Embedding, IsPooledAsTheModelSays) {
  for (const auto& [type, last] : {std::pair<std::uint32_t, bool>{2, false}, {3, true}}) {
    auto options = exact_options();
    options.model_path = model_with_pooling(type);
    {
      const auto engine = load(options);
      const auto tokens = tokens_of(*engine, "Why is the sky blue?");
      const auto expected = hidden_at(*engine, tokens, last ? static_cast<std::int32_t>(tokens.size()) - 1 : 0);
      EXPECT_LT(max_difference(engine->embed(tokens).value(), expected), 1e-4F) << type;
    }
    std::filesystem::remove(options.model_path);
  }
}

TEST(EmbeddingPool, InPiecesOrAtOnce) {
  const std::vector<std::vector<float>> hidden = {{3, 0}, {1, 0}, {0, 4}};
  const auto pooled = [&](PoolingType type, int piece) {
    EmbeddingPool pool(type, 3);
    for (int begin = 0; begin < 3; begin += piece) {
      const int count = std::min(piece, 3 - begin);
      for (const auto offset : pool.wanted(begin, count)) pool.add(hidden[static_cast<std::size_t>(begin + offset)]);
    }
    return pool.result();
  };
  for (const int piece : {1, 2, 3}) {
    EXPECT_EQ(pooled(PoolingType::kFirst, piece), (std::vector<float>{1, 0}));
    EXPECT_EQ(pooled(PoolingType::kLast, piece), (std::vector<float>{0, 1}));
    const auto mean = pooled(PoolingType::kMean, piece);  // (4, 4) of length 1
    EXPECT_NEAR(mean[0], std::sqrt(0.5), 1e-6);
    EXPECT_NEAR(mean[1], std::sqrt(0.5), 1e-6);
  }
  EmbeddingPool nothing(PoolingType::kMean, 1);
  nothing.add(std::vector<float>{0, 0});
  EXPECT_EQ(nothing.result(), (std::vector<float>{0, 0}));
}

TEST(Embedding, RefusesNothingAndTooMuch) {
  const auto engine = load(bundled_options());
  EXPECT_EQ(engine->embed({}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(engine->embed(std::vector<Token>(1025, 5)).error().code, ErrorCode::kInvalidArgument);
}

// libllama makes every token an output where hidden states are wanted: a prompt beside them may hold more than it has
// room for.
TEST(Embedding, HiddenStatesBesideALongPrompt) {
  for (const auto layout : {KvCacheLayout::kShared, KvCacheLayout::kPerSequence}) {
    auto options = exact_options();
    options.kv_cache_layout = layout;
    options.max_sequences = 2;
    options.max_outputs = 4;
    const auto engine = load(options);
    const auto few = tokens_of(*engine, "Hello, I am");
    std::vector<Token> many;
    while (many.size() < 100) many.insert(many.end(), few.begin(), few.end());
    const auto first = ScopedSequence::open(*engine).value();
    const auto second = ScopedSequence::open(*engine).value();
    const auto last = static_cast<std::int32_t>(few.size()) - 1;
    const StepInput inputs[] = {{second.id(), many, {}}, {first.id(), few, {&last, 1}}};
    const auto together = engine->step(inputs, /*want_hidden=*/true);
    ASSERT_TRUE(together) << together.error().message;
    const std::vector<float> hidden(together->hidden[0].begin(), together->hidden[0].end());
    const std::vector<float> logits(together->logits[0].begin(), together->logits[0].end());
    ASSERT_TRUE(engine->truncate_sequence(first.id(), 0));
    const auto alone = engine->step({&inputs[1], 1}, /*want_hidden=*/true);
    ASSERT_TRUE(alone) << alone.error().message;
    EXPECT_LT(max_difference(alone->hidden[0], hidden), 1e-3F);
    EXPECT_LT(max_difference(alone->logits[0], logits), 1e-3F);
  }
}

}  // namespace
}  // namespace hyprstream

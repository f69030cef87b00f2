// What check_model_file() refuses, one contradiction at a time, and that nothing built from
// mutations brings the reader or the check down.
#include "gguf/model_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "gguf/model_info.hpp"
#include "model_mutator/base_models.hpp"
#include "model_mutator/model_mutator.hpp"
#include "synthetic_model/random_weights.hpp"

namespace hyprstream {
namespace {

using testing::HasSubstr;

// In the order of make_base_models().
enum Base { kQwen3, kLlama, kQwen2, kSentencePiece, kUnigram, kPlamo2, kWordPiece, kRwkv, kExperts, kWindow };

template <typename T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

class ModelCheckTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { bases_ = new std::vector<ModelDraft>(make_base_models()); }
  static void TearDownTestSuite() { delete bases_; }

  void SetUp() override {
    ASSERT_FALSE(bases_->empty());
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("check_") + testing::UnitTest::GetInstance()->current_test_info()->name() + ".gguf");
  }
  void TearDown() override { std::filesystem::remove(path_); }

  Result<void> check(const ModelDraft& draft) {
    const auto bytes = draft.serialize(std::size_t{8} << 20);
    if (!bytes) return fail(ErrorCode::kResourceExhausted, "the draft is too large");
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << *bytes;
    HYPRSTREAM_ASSIGN(const GgufFile file, GgufFile::open(path_));
    (void)read_model_info(file);
    return check_model_file(file);
  }

  // The message with which the changed model is refused; empty if it passes.
  std::string refusal(Base base, const std::function<void(ModelDraft&)>& change) {
    ModelDraft draft = (*bases_)[base];
    change(draft);
    const auto checked = check(draft);
    return checked ? "" : checked.error().message;
  }
  std::string refusal_of(Base base, const char* key, std::uint32_t number) {
    return refusal(base, [&](ModelDraft& d) { d.set_uint32(key, number); });
  }

  static std::vector<ModelDraft>* bases_;
  std::filesystem::path path_;
};

std::vector<ModelDraft>* ModelCheckTest::bases_ = nullptr;

TEST_F(ModelCheckTest, TheBaseModelsPass) {
  for (const ModelDraft& base : *bases_) {
    const auto checked = check(base);
    EXPECT_TRUE(checked) << checked.error().message;
  }
}

TEST_F(ModelCheckTest, SizesMustMakeAModel) {
  for (const auto& [key, number] : std::vector<std::pair<const char*, std::uint32_t>>{
           {"qwen3.block_count", 0},
           {"qwen3.block_count", 513},
           {"qwen3.embedding_length", 0},
           {"qwen3.embedding_length", 31},
           {"qwen3.embedding_length", 0xffffffffU},
           {"qwen3.context_length", 0},
           {"qwen3.attention.head_count", 0},
           {"qwen3.attention.head_count", 3},
           {"qwen3.attention.head_count_kv", 0},
           {"qwen3.attention.head_count_kv", 3},
           {"qwen3.attention.key_length", 0},
           {"qwen3.attention.key_length", 8},
           {"qwen3.attention.value_length", 8},
           {"qwen3.rope.dimension_count", 0},
           {"qwen3.rope.dimension_count", 15},
           {"qwen3.rope.dimension_count", 8},
           {"qwen3.rope.dimension_count", 18},
           {"qwen3.nextn_predict_layers", 2},
           {"qwen3.pooling_type", 4},
           {"qwen3.pooling_type", 99},
           {"qwen3.expert_count", 4},
           {"qwen3.expert_used_count", 1},
           {"qwen3.expert_group_count", 1},
           {"general.alignment", 8},
       })
    EXPECT_THAT(refusal_of(kQwen3, key, number), HasSubstr("cannot be run")) << key << " " << number;
  EXPECT_THAT(refusal_of(kExperts, "qwen3moe.expert_used_count", 5), HasSubstr("5 of 4 experts"));
  EXPECT_EQ(refusal_of(kExperts, "qwen3moe.expert_used_count", 4), "");
  EXPECT_THAT(refusal_of(kExperts, "qwen3moe.expert_count", 5000), HasSubstr("expert_count"));
  EXPECT_THAT(refusal_of(kWindow, "gemma3.attention.sliding_window_pattern", 1), HasSubstr("no layer a window"));
  EXPECT_EQ(refusal_of(kWindow, "gemma3.attention.sliding_window_pattern", 2), "");
}

TEST_F(ModelCheckTest, MissingKeysAndWrongTypesAreNamed) {
  for (const char* key : {"general.architecture", "qwen3.block_count", "qwen3.embedding_length", "qwen3.context_length",
                          "qwen3.attention.head_count", "tokenizer.ggml.model", "tokenizer.ggml.tokens"}) {
    EXPECT_THAT(refusal(kQwen3, [&](ModelDraft& d) { std::erase_if(d.values, [&](auto& v) { return v.key == key; }); }),
                HasSubstr(key));
    EXPECT_THAT(refusal(kQwen3,
                        [&](ModelDraft& d) {
                          DraftValue& value = *d.find(key);
                          value.is_array = false;
                          value.type = static_cast<std::uint32_t>(GgufValueType::kFloat32);
                          value.elements = {raw(1.0F)};
                        }),
                HasSubstr(key));
  }
  EXPECT_THAT(refusal(kQwen3, [](ModelDraft& d) { d.set_string("qwen3.rope.scaling.type", "magic"); }),
              HasSubstr("rope.scaling.type"));
  for (const float epsilon : {-1.0F, std::nanf(""), INFINITY})
    EXPECT_THAT(
        refusal(kQwen3,
                [&](ModelDraft& d) { d.find("qwen3.attention.layer_norm_rms_epsilon")->elements = {raw(epsilon)}; }),
        HasSubstr("layer_norm_rms_epsilon"));
}

TEST_F(ModelCheckTest, TheVocabularyMustHoldTogether) {
  const auto with_token = [&](Base base, std::size_t index, std::string_view text, int type = 1) {
    return refusal(base, [&](ModelDraft& d) {
      d.find("tokenizer.ggml.tokens")->elements[index] = text;
      d.find("tokenizer.ggml.token_type")->elements[index] = raw(type);
    });
  };
  EXPECT_EQ(with_token(kQwen3, 300, "fresh"), "");
  EXPECT_EQ(with_token(kQwen3, 300, ""), "");  // llama.cpp gives it a name
  EXPECT_THAT(with_token(kQwen3, 300, "e"), HasSubstr("twice"));
  EXPECT_THAT(with_token(kQwen3, 300, std::string_view("e\0x", 3)), HasSubstr("twice"));
  EXPECT_THAT(refusal(kQwen3,
                      [](ModelDraft& d) {
                        d.find("tokenizer.ggml.tokens")->elements[300] = "";
                        d.find("tokenizer.ggml.tokens")->elements[301] = "[EMPTY_300]";
                      }),
              HasSubstr("twice"));
  EXPECT_THAT(with_token(kQwen3, 300, "fresh", 7), HasSubstr("unknown type 7"));
  EXPECT_THAT(with_token(kQwen3, 300, "fresh", -1), HasSubstr("unknown type -1"));
  for (const char* byte : {"<0x-1>", "<0x", "<0xZZ>", "<0x100>", "A", ""})
    EXPECT_THAT(with_token(kSentencePiece, 10, byte, 6), HasSubstr("byte")) << byte;
  EXPECT_THAT(with_token(kWordPiece, 300, "<0x41>", 6), HasSubstr("word pieces"));
  EXPECT_THAT(with_token(kRwkv, 1 + 'a', "fresh"), HasSubstr("no token for byte 97 alone"));
  EXPECT_THAT(with_token(kQwen3, 300, "x", 1), HasSubstr("twice"));

  for (const char* key : {"tokenizer.ggml.scores", "tokenizer.ggml.token_type"}) {
    EXPECT_THAT(refusal(kSentencePiece, [&](ModelDraft& d) { d.find(key)->elements.pop_back(); }), HasSubstr(key));
    EXPECT_THAT(refusal(kSentencePiece, [&](ModelDraft& d) { d.find(key)->type = 4; }), HasSubstr(key));
    EXPECT_THAT(refusal(kSentencePiece, [&](ModelDraft& d) { d.set_uint32(key, 1); }), HasSubstr(key));
  }
  EXPECT_THAT(refusal_of(kQwen3, "tokenizer.ggml.eos_token_id", 320), HasSubstr("eos_token_id"));
  EXPECT_THAT(refusal_of(kQwen3, "tokenizer.ggml.merges", 1), HasSubstr("merges"));
  for (const char* merge : {"", "ab", " ab", "a "})
    EXPECT_THAT(refusal(kQwen3, [&](ModelDraft& d) { d.find("tokenizer.ggml.merges")->elements[0] = merge; }),
                HasSubstr("not two tokens"))
        << merge;
}

TEST_F(ModelCheckTest, TensorsMustBeUsable) {
  const auto with_tensor = [&](const char* name, const std::function<void(DraftTensor&)>& change) {
    return refusal(kQwen2, [&](ModelDraft& d) {
      for (DraftTensor& tensor : d.tensors)
        if (tensor.name == name) change(tensor);
    });
  };
  EXPECT_THAT(with_tensor("token_embd.weight", [](DraftTensor& t) { t.shape = {32, 319}; }), HasSubstr("token_embd"));
  EXPECT_THAT(with_tensor("token_embd.weight", [](DraftTensor& t) { t.shape = {320, 32}; }), HasSubstr("token_embd"));
  EXPECT_THAT(with_tensor("blk.0.attn_q.weight", [](DraftTensor& t) { t.shape = {32, 64}; }), HasSubstr("2 heads"));
  EXPECT_THAT(with_tensor("blk.0.ffn_up.weight", [](DraftTensor& t) { t.shape = {}; }), HasSubstr("is empty"));
  EXPECT_THAT(with_tensor("blk.0.ffn_up.weight", [](DraftTensor& t) { t.shape = {32, 0}; }), HasSubstr("is empty"));
  for (const std::uint32_t type : {9U, 24U, 25U, 26U, 27U, 28U})  // Q8_1, integers, F64
    EXPECT_THAT(with_tensor("blk.0.ffn_up.weight", [&](DraftTensor& t) { t.type = type; }), HasSubstr("ffn_up"))
        << type;
  EXPECT_THAT(with_tensor("blk.0.ffn_norm.weight", [](DraftTensor& t) { t.type = 1; }), HasSubstr("F16"));
  EXPECT_THAT(with_tensor("blk.0.attn_q.bias", [](DraftTensor& t) { t.type = 8; }), HasSubstr("attn_q.bias"));
  EXPECT_EQ(with_tensor("blk.0.ffn_up.weight", [](DraftTensor& t) { t.type = 1; }), "");
}

// The fuzzers' short form: the same mutations, a fixed number of them, through reader, info and
// check. They must end, and both kinds of outcome must come up.
TEST_F(ModelCheckTest, SurvivesMutations) {
  constexpr std::uint64_t kRuns = 3000;
  std::uint64_t accepted = 0;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    SplitMix64 random(run);
    std::vector<std::byte> input(8 + random.next() % 56);
    for (std::byte& byte : input) byte = static_cast<std::byte>(random.next() >> 13);
    const auto checked = check(mutate_model(*bases_, ByteSource(input)));
    if (checked)
      ++accepted;
    else
      EXPECT_FALSE(checked.error().message.empty());
  }
  EXPECT_GT(accepted, kRuns / 10);
  EXPECT_LT(accepted, kRuns * 9 / 10);
}

// And bytes flipped anywhere in a file, which breaks its framing.
TEST_F(ModelCheckTest, SurvivesFlippedBytes) {
  const auto whole = (*bases_)[kExperts].serialize(std::size_t{8} << 20);
  ASSERT_TRUE(whole);
  const std::size_t header = whole->find("blk.0.attn_norm.weight") + 2000;
  for (std::uint64_t run = 0; run < 2000; ++run) {
    SplitMix64 random(run);
    std::string bytes = *whole;
    for (int flips = 0; flips < 3; ++flips) bytes[random.next() % header] = static_cast<char>(random.next());
    if (run % 4 == 0) bytes.resize(random.next() % bytes.size());
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    const auto file = GgufFile::open(path_);
    if (!file) continue;
    (void)read_model_info(*file);
    (void)check_model_file(*file);
  }
}

}  // namespace
}  // namespace hyprstream

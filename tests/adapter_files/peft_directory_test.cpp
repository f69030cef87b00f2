// PEFT directories. That an import computes what PyTorch computes is tested in peft_oracle_test.cpp.
#include "adapter_files/peft_directory.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "adapter_files/import.hpp"
#include "adapter_files/rope_rows.hpp"
#include "adapter_files/safetensors.hpp"
#include "random_adapter.hpp"
#include "scratch.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using testing::HasSubstr;

class PeftDirectory : public ScratchTest {
 protected:
  // v of layer 1: A [2 x 8] and B [4 x 2], unless told otherwise.
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> shape;
    std::vector<float> values = {};
  };
  Result<LoraAdapter> import(const std::vector<Tensor>& tensors, const std::string& config = R"({"r": 2})",
                             const BaseModel& base = small_base()) {
    write("adapter_config.json", config);
    std::vector<SafeTensorPlan> plan;
    for (const auto& tensor : tensors) plan.push_back({tensor.name, tensor.shape});
    EXPECT_TRUE(write_safetensors(folder_ / "adapter_model.safetensors", plan, [&](std::size_t index) {
      const auto& tensor = tensors[index];
      if (!tensor.values.empty()) return tensor.values;
      std::vector<float> values(
          std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::uint64_t{1}, std::multiplies<>()));
      std::iota(values.begin(), values.end(), 1.0F);
      return values;
    }));
    return import_adapter(folder_, base);
  }
  static std::string name(std::string_view module, std::string_view suffix) {
    return std::format("base_model.model.model.layers.1.{}.{}.weight", module, suffix);
  }
  static std::vector<Tensor> sound() {
    return {{name("self_attn.v_proj", "lora_A"), {2, 8}}, {name("self_attn.v_proj", "lora_B"), {4, 2}}};
  }
  void expect_refused(const Result<LoraAdapter>& result, ErrorCode code, const std::string& part) {
    ASSERT_FALSE(result) << part;
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_THAT(result.error().message, HasSubstr(part));
    EXPECT_THAT(result.error().message, HasSubstr(folder_.string()));
  }
};

TEST_F(PeftDirectory, KeepsEveryValueAndTheSparsity) {
  for (const auto* architecture : {"qwen3", "llama"}) {
    const auto base = small_base(architecture);
    for (const std::size_t rank : {1U, 5U, 16U}) {
      const auto made = random_adapter(base, rank, 0.2, static_cast<unsigned>(rank));
      std::vector<LoraPair> pairs(made->pairs().begin(), made->pairs().end());
      pairs[3].scaling = 0.7F;
      auto description = made->description();
      description.alpha = 2.0 * static_cast<double>(rank);
      const auto adapter = LoraAdapter::create(description, pairs).value();
      const auto directory = folder_ / std::format("{}-{}", architecture, rank);
      const auto written = write_peft_directory(adapter, directory);
      ASSERT_TRUE(written) << written.error().message;
      const auto read = read_peft_directory(directory, base);
      ASSERT_TRUE(read) << read.error().message;
      expect_same_weights(*read, adapter);
      EXPECT_EQ(read->sparsity(), adapter.sparsity());
      EXPECT_EQ(read->description().rank, rank);
      EXPECT_EQ(read->description().alpha, description.alpha);
      EXPECT_EQ(read->description().target_modules, description.target_modules);
    }
  }
}

TEST_F(PeftDirectory, DoesNotWriteOverAnything) {
  const auto adapter = random_adapter(small_base(), 2, 0.5, 1);
  write("something", "else");
  const auto written = write_peft_directory(*adapter, folder_);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(write_peft_directory(*adapter, folder_ / "something").error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(write_peft_directory(*adapter, folder_ / "not" / "there").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read(folder_ / "something"), "else");
  std::filesystem::create_directory(folder_ / "empty");
  EXPECT_TRUE(write_peft_directory(*adapter, folder_ / "empty"));
}

TEST_F(PeftDirectory, ReadsMatricesAsPyTorchHasThem) {
  const auto read = import(sound(), R"({"r": 2, "lora_alpha": 6})");
  ASSERT_TRUE(read) << read.error().message;
  const auto& pair = read->pairs()[0];
  EXPECT_EQ(pair.id, (LinearId{1, LinearModule::kV}));
  EXPECT_EQ(pair.scaling, 3);
  EXPECT_EQ(pair.a.to_dense(), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}));
  EXPECT_EQ(pair.b.to_dense(), (std::vector<float>{1, 3, 5, 7, 2, 4, 6, 8}));  // by component
}

// Two heads of 4: Hugging Face's rows 0 1 | 2 3 of a head become 0 2 | 1 3.
TEST_F(PeftDirectory, PutsTheRowsOfLlamasQAndKInOrder) {
  const auto base = small_base("llama");
  EXPECT_EQ(rope_row_order(base, {0, LinearModule::kQ}, 8).value(), (std::vector<std::size_t>{0, 2, 1, 3, 4, 6, 5, 7}));
  EXPECT_EQ(rope_row_order(base, {0, LinearModule::kK}, 4).value(), (std::vector<std::size_t>{0, 2, 1, 3}));
  EXPECT_TRUE(rope_row_order(base, {0, LinearModule::kV}, 4)->empty());
  EXPECT_TRUE(rope_row_order(small_base(), {0, LinearModule::kQ}, 8)->empty());
  const auto read = import({{name("self_attn.q_proj", "lora_A"), {1, 8}},
                            {name("self_attn.q_proj", "lora_B"), {8, 1}},
                            {name("self_attn.o_proj", "lora_A"), {1, 8}},
                            {name("self_attn.o_proj", "lora_B"), {8, 1}}},
                           R"({"r": 1})", base);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->pairs()[0].b.to_dense(), (std::vector<float>{1, 3, 2, 4, 5, 7, 6, 8}));
  EXPECT_EQ(read->pairs()[1].b.to_dense(), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}));

  auto unknown = base;
  unknown.heads = 0;
  expect_refused(import({{name("self_attn.q_proj", "lora_A"), {1, 8}}, {name("self_attn.q_proj", "lora_B"), {8, 1}}},
                        R"({"r": 1})", unknown),
                 ErrorCode::kUnsupported, "heads");
  expect_refused(import({{name("self_attn.q_proj", "lora_A"), {1, 8}}, {name("self_attn.q_proj", "lora_B"), {8, 1}}},
                        R"({"r": 1})", small_base("deci")),
                 ErrorCode::kUnsupported, "deci");
}

TEST_F(PeftDirectory, KnowsEveryFormOfATensorsName) {
  for (const auto* prefix : {"base_model.model.model.", "base_model.model.", "model.", ""})
    for (const auto* suffix : {".weight", ".default.weight", ".mine.weight"}) {
      const auto module = std::string(prefix) + "layers.0.mlp.down_proj.";
      const auto read = import({{module + "lora_A" + suffix, {2, 12}}, {module + "lora_B" + suffix, {8, 2}}});
      ASSERT_TRUE(read) << read.error().message;
      EXPECT_EQ(read->pairs()[0].id, (LinearId{0, LinearModule::kDown}));
    }
}

TEST_F(PeftDirectory, NamesTheTensorThatItRefuses) {
  using enum ErrorCode;
  for (const auto* other :
       {"base_model.model.lm_head.lora_A.weight", "base_model.model.model.embed_tokens.lora_embedding_A",
        "base_model.model.model.layers.1.self_attn.v_proj.lora_magnitude_vector",
        "base_model.model.model.layers.1.self_attn.v_proj.lora_B.bias",
        "base_model.model.model.layers.1.self_attn.qkv_proj.lora_A.weight",
        "base_model.model.vision_tower.layers.1.self_attn.q_proj.lora_A.weight",
        "base_model.model.model.layers.-1.self_attn.q_proj.lora_A.weight",
        "base_model.model.model.layers.99999999999.self_attn.q_proj.lora_A.weight"}) {
    auto tensors = sound();
    tensors.push_back({other, {2, 8}});
    expect_refused(import(tensors), kUnsupported, other);
  }
  expect_refused(import({sound()[0]}), kCorrupt, "model.layers.1.self_attn.v_proj has only one");
  auto twice = sound();
  twice.push_back({"model.layers.1.self_attn.v_proj.lora_A.default.weight", {2, 8}});
  expect_refused(import(twice), kCorrupt, "one tensor twice");
  expect_refused(import({}), kCorrupt, "holds no tensors");
  expect_refused(import(sound(), R"({"r": 3})"), kCorrupt, "has rank 2, and adapter_config.json says 3");
  expect_refused(import(sound(), R"({"r": 2, "target_modules": ["q_proj"]})"), kCorrupt, "target_modules");
  expect_refused(import({{sound()[0].name, {2, 8, 1}}, sound()[1]}), kCorrupt, "3 dimensions");
  expect_refused(import({{sound()[0].name, {2, 16}}, sound()[1]}), kUnsupported,
                 "blk.1.attn_v.weight is [4 x 8] in this model, and the adapter was made for [4 x 16]");
  auto base = small_base();
  std::erase_if(base.linears, [](const LinearShape& linear) { return linear.id.layer == 1; });
  expect_refused(import(sound(), R"({"r": 2})", base), kUnsupported, "the model has no blk.1.attn_v.weight");
  expect_refused(import({{sound()[0].name, {0, 8}}, {sound()[1].name, {4, 0}}}), kCorrupt, "rank 0");
  expect_refused(
      import({sound()[0], {sound()[1].name, {4, 2}, {1, 2, 3, 4, 5, std::numeric_limits<float>::quiet_NaN(), 7, 8}}}),
      kCorrupt, "v_proj.lora_B.weight holds nan in row 2, column 1");
  expect_refused(import(sound(), R"({"r": 2, "lora_alpha": 1e300})"), kCorrupt, "scaling");
}

TEST_F(PeftDirectory, NoDamageBringsTheReaderDown) {
  ASSERT_TRUE(import(sound()));
  const auto weights = read(folder_ / "adapter_model.safetensors");
  const auto config = read(folder_ / "adapter_config.json");
  for_each_damage(weights, [&](const std::string& bytes) {
    (void)read_peft_files(folder_ / "adapter_config.json", write("damaged", bytes), small_base());
  });
  for_each_damage(config, [&](const std::string& bytes) {
    (void)read_peft_files(write("damaged", bytes), folder_ / "adapter_model.safetensors", small_base());
  });
  EXPECT_TRUE(read_peft_directory(folder_, small_base()));
}

}  // namespace
}  // namespace hyprstream

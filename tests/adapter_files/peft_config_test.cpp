#include "adapter_files/peft_config.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "random_adapter.hpp"
#include "scratch.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using testing::HasSubstr;

PeftConfig config_of(const std::string& text) {
  auto config = parse_peft_config(text, "the config");
  EXPECT_TRUE(config) << config.error().message;
  return config ? std::move(*config) : PeftConfig{};
}

void expect_refused(const std::string& text, ErrorCode code, const std::string& part) {
  const auto config = parse_peft_config(text, "the config");
  ASSERT_FALSE(config) << text;
  EXPECT_EQ(config.error().code, code) << config.error().message;
  EXPECT_THAT(config.error().message, HasSubstr(part));
  EXPECT_THAT(config.error().message, HasSubstr("the config"));
}

const std::string kQ1 = "model.layers.1.self_attn.q_proj";
const std::string kQ11 = "model.layers.11.self_attn.q_proj";
const std::string kDown1 = "model.layers.1.mlp.down_proj";

TEST(PeftConfig, ReadsWhatPeftWrites) {
  const auto config = config_of(R"({"peft_type": "LORA", "r": 16, "lora_alpha": 32.5, "use_rslora": true,
      "target_modules": ["q_proj", "model.layers.1.mlp.down_proj"], "layers_to_transform": [1, 3], "bias": "none",
      "rank_pattern": {"layers.1.mlp.down_proj": 4}, "alpha_pattern": {".*\\.(q|k)_proj": 1.5},
      "fan_in_fan_out": true, "lora_dropout": 0.1, "modules_to_save": null, "use_dora": false, "loftq_config": {},
      "target_parameters": [], "init_lora_weights": "gaussian", "not_yet_invented": {"a": [1]}})");
  EXPECT_EQ(config.rank, 16U);
  EXPECT_EQ(config.alpha, 32.5);
  EXPECT_TRUE(config.rank_stabilized);
  EXPECT_EQ(config.rank_of(kDown1), 4U);
  EXPECT_EQ(config.rank_of("model.layers.11.mlp.down_proj"), 16U);
  EXPECT_EQ(config.alpha_of(kQ1), 1.5);
  EXPECT_EQ(config.alpha_of(kDown1), 32.5);
  EXPECT_TRUE(config.targets(kQ1, 1));
  EXPECT_FALSE(config.targets(kQ1, 2));
  EXPECT_FALSE(config.targets(kQ11, 11));
  EXPECT_TRUE(config.targets(kDown1, 1));
  EXPECT_FALSE(config.targets("model.layers.3.mlp.down_proj", 3));
  EXPECT_FALSE(config.targets("model.layers.1.self_attn.xq_proj", 1));
}

TEST(PeftConfig, HasPeftsDefaults) {
  const auto config = config_of("{}");
  EXPECT_EQ(config.rank, 8U);
  EXPECT_EQ(config.alpha, 8);
  EXPECT_FALSE(config.rank_stabilized);
  EXPECT_TRUE(config.targets(kQ1, 1));
}

TEST(PeftConfig, TakesAnyFormOfTargets) {
  for (const auto* targets : {R"("all-linear")", R"("^(?!.*vision).*(?:q_proj|v_proj)$")", "null"})
    EXPECT_TRUE(config_of(std::format(R"({{"target_modules": {}}})", targets)).targets(kQ1, 1)) << targets;
  EXPECT_FALSE(config_of(R"({"target_modules": []})").targets(kQ1, 1));
  EXPECT_TRUE(config_of(R"({"layers_to_transform": 1})").targets(kQ1, 1));
  EXPECT_FALSE(config_of(R"({"layers_to_transform": 1})").targets(kQ11, 11));
}

// PEFT takes the first key that matches, in the order of the file.
TEST(PeftConfig, TheFirstPatternCounts) {
  EXPECT_EQ(config_of(R"({"alpha_pattern": {"q_proj": 1, "layers.1.self_attn.q_proj": 2}})").alpha_of(kQ1), 1);
  EXPECT_EQ(config_of(R"({"alpha_pattern": {"layers.1.self_attn.q_proj": 2, "q_proj": 1}})").alpha_of(kQ1), 2);
  EXPECT_EQ(config_of(R"({"alpha_pattern": {"proj": 2, "_proj": 1}})").alpha_of(kQ1), 8);
}

TEST(PeftConfig, NamesWhatItDoesNotSupport) {
  using enum ErrorCode;
  expect_refused(R"({"peft_type": "IA3"})", kUnsupported, "IA3");
  expect_refused(R"({"use_dora": true})", kUnsupported, "use_dora");
  expect_refused(R"({"modules_to_save": ["lm_head"]})", kUnsupported, "modules_to_save");
  expect_refused(R"({"bias": "all"})", kUnsupported, "bias = \"all\"");
  expect_refused(R"({"lora_bias": true})", kUnsupported, "lora_bias");
  expect_refused(R"({"init_lora_weights": "pissa_niter_16"})", kUnsupported, "pissa_niter_16");
  expect_refused(R"({"init_lora_weights": "olora"})", kUnsupported, "olora");
  expect_refused(R"({"init_lora_weights": "loftq"})", kUnsupported, "loftq");
  expect_refused(R"({"trainable_token_indices": [1]})", kUnsupported, "trainable_token_indices");
  expect_refused(R"({"target_parameters": ["experts"]})", kUnsupported, "target_parameters");
  expect_refused(R"({"layer_replication": [[0, 4], [2, 5]]})", kUnsupported, "layer_replication");
  expect_refused(R"({"alora_invocation_tokens": [1]})", kUnsupported, "alora_invocation_tokens");
  expect_refused(R"({"alpha_pattern": {"(?!x)q_proj": 1}})", kUnsupported, "(?!x)q_proj");
}

TEST(PeftConfig, RefusesWrongValues) {
  using enum ErrorCode;
  expect_refused("[]", kCorrupt, "no JSON object");
  expect_refused("{\n \"r\": 8,\n}", kCorrupt, "line 3");
  expect_refused(R"({"r": 8, "r": 16})", kCorrupt, "'r' twice");
  expect_refused(R"({"r": 0})", kCorrupt, "r is not a rank from 1 to 65536");
  expect_refused(R"({"r": 65537})", kCorrupt, "r is not a rank");
  expect_refused(R"({"r": 8.5})", kCorrupt, "r is not a rank");
  expect_refused(R"({"r": "8"})", kCorrupt, "r is not a number");
  expect_refused(R"({"r": -1})", kCorrupt, "r is not a rank");
  expect_refused(R"({"lora_alpha": []})", kCorrupt, "lora_alpha");
  expect_refused(R"({"use_rslora": 1})", kCorrupt, "use_rslora");
  expect_refused(R"({"target_modules": [1]})", kCorrupt, "target_modules");
  expect_refused(R"({"layers_to_transform": [-1]})", kCorrupt, "layers_to_transform");
  expect_refused(R"({"rank_pattern": {"q_proj": 0}})", kCorrupt, "rank_pattern");
  expect_refused(R"({"alpha_pattern": ["q_proj"]})", kCorrupt, "alpha_pattern");
  expect_refused(R"({"alpha_pattern": {"q_proj": "4"}})", kCorrupt, "alpha_pattern");
  expect_refused(R"({"alpha_pattern": {"(q_proj": 4}})", kCorrupt, "(q_proj");
}

TEST(PeftConfig, WritesWhatGivesTheSameScalings) {
  const auto made = random_adapter(small_base(), 6, 0.5, 1, 0.1F, {LinearModule::kQ, LinearModule::kDown});
  for (const bool is_stabilized : {false, true}) {
    auto description = made->description();
    description.rank_stabilized = is_stabilized;
    description.alpha = 9;
    std::vector<LoraPair> pairs(made->pairs().begin(), made->pairs().end());
    for (auto& pair : pairs) pair.scaling = static_cast<float>(lora_scaling(9, 6, is_stabilized));
    pairs[1].scaling = 0.3F;
    const auto adapter = LoraAdapter::create(description, pairs).value();
    const auto text = format_peft_config(adapter);
    const auto config = config_of(text);
    EXPECT_EQ(config.alpha_pattern.size(), 1U);
    EXPECT_EQ(config.rank, 6U);
    EXPECT_EQ(config.rank_stabilized, is_stabilized);
    for (const auto& pair : adapter.pairs()) {
      const auto name = peft_module_name(pair.id);
      EXPECT_EQ(static_cast<float>(lora_scaling(config.alpha_of(name), config.rank_of(name), is_stabilized)),
                pair.scaling);
      EXPECT_TRUE(config.targets(name, pair.id.layer));
    }
    EXPECT_EQ(parse_json(text, "it")->at("target_modules"), (std::vector<std::string>{"down_proj", "q_proj"}));
    EXPECT_EQ(parse_json(text, "it")->at("lora_alpha").dump(), "9");
  }
  // Not every layer has one: the modules are named one by one.
  const auto some = LoraAdapter::create(made->description(), {made->pairs()[0], made->pairs()[3]}).value();
  EXPECT_EQ(parse_json(format_peft_config(some), "it")->at("target_modules"),
            (std::vector<std::string>{"model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"}));
}

}  // namespace
}  // namespace hyprstream

#include "adapter/base_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <format>
#include <vector>

#include "adapter/lora_factor.hpp"
#include "gguf/gguf_writer.hpp"
#include "synthetic_model/synthetic_model.hpp"

namespace hyprstream {
namespace {

using testing::HasSubstr;

const std::filesystem::path kBundled = HYPRSTREAM_SOURCE_DIR "/models/hypr-tiny-q8_0.gguf";

class BaseModelTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(testing::TempDir()) / std::format("base-model-test-{}.gguf", ::getpid());
  }
  void TearDown() override { std::filesystem::remove(path_); }

  // The bundled model's header, with some tensors under other names.
  Result<BaseModel> renamed(const std::vector<std::pair<std::string, std::string>>& names) const {
    const auto file = GgufFile::open(kBundled).value();
    GgufWriter writer;
    for (const auto key : file.keys()) writer.set_value(key, *file.find(key));
    for (const auto& tensor : file.tensors()) {
      std::string name(tensor.name);
      for (const auto& [from, to] : names)
        if (name == from) name = to;
      EXPECT_TRUE(writer.add_tensor(name, tensor.shape, tensor.type));
    }
    EXPECT_TRUE(writer.finish(
        path_, [&](std::size_t index, TensorSink& sink) { return sink.write(file.tensors()[index].data); }));
    return read_base_model(path_);
  }

  std::filesystem::path path_;
};

TEST_F(BaseModelTest, ReadsTheBundledModel) {
  const auto base = read_base_model(kBundled);
  ASSERT_TRUE(base) << base.error().message;
  const auto file = GgufFile::open(kBundled).value();
  EXPECT_EQ(base->architecture, "qwen3");
  EXPECT_FALSE(base->name.empty());
  EXPECT_EQ(base->header_sha256.size(), 64U);
  EXPECT_EQ(base->heads, **file.find_uint("qwen3.attention.head_count"));
  EXPECT_EQ(base->kv_heads, **file.find_uint("qwen3.attention.head_count_kv"));
  const auto layers = **file.find_uint("qwen3.block_count");
  ASSERT_EQ(base->linears.size(), layers * kLinearModuleCount);
  for (const auto& [id, in, out] : base->linears) {
    const auto* tensor = file.find_tensor(linear_weight_name(id));
    ASSERT_NE(tensor, nullptr);
    EXPECT_EQ(in, tensor->shape[0]);
    EXPECT_EQ(out, tensor->shape[1]);
    EXPECT_EQ(
        base->find(id),
        &base->linears[static_cast<std::size_t>(id.layer) * kLinearModuleCount + static_cast<std::size_t>(id.module)]);
  }
  EXPECT_EQ(base->find({static_cast<int>(layers), LinearModule::kQ}), nullptr);
  EXPECT_EQ(base->modules().size(), kLinearModuleCount);
}

class Shapes : public BaseModelTest, public testing::WithParamInterface<const char*> {};

TEST_P(Shapes, ComeFromTheFile) {
  const SyntheticModelSpec spec{.architecture = GetParam(),
                                .layers = 3,
                                .hidden = 48,
                                .feed_forward = 80,
                                .heads = 6,
                                .kv_heads = 2,
                                .head_size = 10};
  ASSERT_TRUE(write_synthetic_model(spec, path_));
  const auto base = read_base_model(path_);
  ASSERT_TRUE(base) << base.error().message;
  EXPECT_EQ(base->architecture, GetParam());
  EXPECT_EQ(base->heads, 6U);
  EXPECT_EQ(base->kv_heads, 2U);
  ASSERT_EQ(base->linears.size(), 21U);
  const auto expect_shape = [&](LinearModule module, std::size_t in, std::size_t out) {
    const auto* shape = base->find({2, module});
    ASSERT_NE(shape, nullptr);
    EXPECT_EQ(shape->in, in);
    EXPECT_EQ(shape->out, out);
  };
  expect_shape(LinearModule::kQ, 48, 60);
  expect_shape(LinearModule::kK, 48, 20);
  expect_shape(LinearModule::kV, 48, 20);
  expect_shape(LinearModule::kO, 60, 48);
  expect_shape(LinearModule::kGate, 48, 80);
  expect_shape(LinearModule::kUp, 48, 80);
  expect_shape(LinearModule::kDown, 80, 48);
}

INSTANTIATE_TEST_SUITE_P(Architectures, Shapes, testing::Values("qwen3", "qwen2", "llama"));

TEST_F(BaseModelTest, TheHashIsOfTheHeader) {
  const SyntheticModelSpec spec;
  ASSERT_TRUE(write_synthetic_model(spec, path_));
  const auto first = read_base_model(path_)->header_sha256;
  auto other = spec;
  other.seed = 2;  // other weights, the same header
  ASSERT_TRUE(write_synthetic_model(other, path_));
  EXPECT_EQ(read_base_model(path_)->header_sha256, first);
  other.name = "another";
  ASSERT_TRUE(write_synthetic_model(other, path_));
  EXPECT_NE(read_base_model(path_)->header_sha256, first);
}

TEST_F(BaseModelTest, PassesOverWhatIsNoPlainLayerAndSaysSo) {
  const auto base = renamed({{"blk.0.attn_q.weight", "blk.0.attn_qkv.weight"}});
  ASSERT_TRUE(base) << base.error().message;
  EXPECT_EQ(base->find({0, LinearModule::kQ}), nullptr);
  EXPECT_NE(base->find({1, LinearModule::kQ}), nullptr);
  EXPECT_THAT(base->other_weights, testing::Contains("attn_qkv"));

  auto fused = *base;
  std::erase_if(fused.linears, [](const LinearShape& linear) { return linear.id.module == LinearModule::kQ; });
  const auto refused = parse_target_modules("v_proj,q_proj", fused);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("has no plain q_proj"));
  EXPECT_THAT(refused.error().message, HasSubstr("attn_qkv"));
  EXPECT_EQ(parse_target_modules("all", fused)->size(), 6U);
}

TEST_F(BaseModelTest, ReadsTargetModules) {
  const auto base = read_base_model(kBundled).value();
  using enum LinearModule;
  EXPECT_EQ(*parse_target_modules("v_proj,q_proj,v_proj", base), (std::vector{kQ, kV}));
  EXPECT_EQ(parse_target_modules("all", base)->size(), kLinearModuleCount);
  EXPECT_EQ(format_target_modules(std::vector{kQ, kDown}), "q_proj,down_proj");
  for (const auto* text : {"", "q", "q_proj,", "q_proj, v_proj", "Q_PROJ", "all,q_proj"}) {
    const auto refused = parse_target_modules(text, base);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(refused.error().message, HasSubstr("gate_proj"));
  }
}

}  // namespace
}  // namespace hyprstream

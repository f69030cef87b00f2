// Merged models, tensor by tensor, and whether libllama and its own tools load them.
#include "adapter_files/merge.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <format>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "adapter/lora_init.hpp"
#include "adapter/sparsify.hpp"
#include "gguf/gguf_file.hpp"
#include "runtime/quantization.hpp"
#include "synthetic_model/synthetic_model.hpp"
#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

const std::filesystem::path kBundled = HYPRSTREAM_SOURCE_DIR "/models/hypr-tiny-q8_0.gguf";
const std::filesystem::path kBundledF32 = HYPRSTREAM_F32_MODEL;

LoraAdapter make_adapter(const std::filesystem::path& model, std::uint64_t seed, bool sparse = false) {
  const auto base = read_base_model(model);
  EXPECT_TRUE(base) << base.error().message;
  auto adapter =
      make_lora_adapter(*base, {.name = std::format("test-{}", seed), .target_modules = base->modules(), .seed = seed});
  EXPECT_TRUE(adapter) << adapter.error().message;
  if (!sparse) return std::move(*adapter);
  auto pruned = sparsify(*adapter, {.sparsity = 0.99});
  EXPECT_TRUE(pruned) << pruned.error().message;
  return std::move(*pruned);
}

std::vector<float> values_of(const GgufTensor& tensor) {
  std::vector<float> values(tensor.elements);
  EXPECT_TRUE(dequantize_rows(tensor, 0, values));
  return values;
}

std::string bytes_of(const GgufValue& value) {
  return {reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()};
}

// Differences between tensors with the same names, by name.
void expect_same_but(const GgufFile& base, const GgufFile& merged, const auto& is_changed) {
  ASSERT_EQ(base.tensors().size(), merged.tensors().size());
  for (const auto& tensor : base.tensors()) {
    const auto* other = merged.find_tensor(tensor.name);
    ASSERT_NE(other, nullptr) << tensor.name;
    EXPECT_EQ(tensor.shape, other->shape) << tensor.name;
    if (is_changed(tensor.name)) continue;
    EXPECT_EQ(tensor.type, other->type) << tensor.name;
    EXPECT_TRUE(std::ranges::equal(tensor.data, other->data)) << tensor.name;
  }
}

class MergeTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / std::format("hyprstream-{}-{}", info->name(), ::getpid());
    std::filesystem::create_directories(folder_);
    output_ = folder_ / "merged.gguf";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<void> merge(const std::filesystem::path& base, const LoraAdapter& adapter, float scale = 1,
                     const MergeOptions& options = {}) {
    const WeightedAdapter weighted{.adapter = &adapter, .scale = scale};
    return merge_adapters(base, {&weighted, 1}, output_, options);
  }
  static GgufFile open(const std::filesystem::path& path) {
    auto file = GgufFile::open(path);
    if (!file) ADD_FAILURE() << file.error().message;
    return std::move(*file);
  }
  // The same model as `type`, by llama-quantize.
  std::filesystem::path requantized(const std::filesystem::path& model, const std::string& type) {
    const auto path = folder_ / (type + ".gguf");
    const auto command = std::format("{} --allow-requantize --pure {} {} {} >/dev/null 2>&1", HYPRSTREAM_LLAMA_QUANTIZE,
                                     model.string(), path.string(), type);
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return path;
  }
  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator());
  }

  std::filesystem::path folder_;
  std::filesystem::path output_;
};

TEST_F(MergeTest, Float32WeightsAreWPrime) {
  const auto adapter = make_adapter(kBundledF32, 1);
  ASSERT_TRUE(merge(kBundledF32, adapter, 0.5F));
  const auto base = open(kBundledF32), merged = open(output_);
  expect_same_but(base, merged, [](std::string_view name) { return parse_linear_weight_name(name).has_value(); });
  for (const auto& pair : adapter.pairs()) {
    const auto name = std::format("blk.{}.{}.weight", pair.id.layer, gguf_linear_name(pair.id.module));
    auto expected = values_of(*base.find_tensor(name));
    ASSERT_TRUE(apply_to_weight(pair, expected, 0.5F));
    EXPECT_EQ(values_of(*merged.find_tensor(name)), expected) << name;
    EXPECT_NE(expected, values_of(*base.find_tensor(name))) << name;
  }
}

// More than one piece (16 MiB), and, where there are cores, more than one thread.
TEST_F(MergeTest, LargeWeightsAreMergedWhole) {
  const auto model = folder_ / "wide.gguf";
  SyntheticModelSpec spec;
  spec.layers = 1;
  spec.hidden = 1024;
  spec.feed_forward = 4608;
  ASSERT_TRUE(write_synthetic_model(spec, model));
  const auto adapter = make_adapter(model, 14, true);
  ASSERT_TRUE(merge(model, adapter));
  const auto base = open(model), merged = open(output_);
  for (const auto& pair : adapter.pairs()) {
    const auto name = std::format("blk.0.{}.weight", gguf_linear_name(pair.id.module));
    auto expected = values_of(*base.find_tensor(name));
    ASSERT_TRUE(apply_to_weight(pair, expected));
    EXPECT_EQ(values_of(*merged.find_tensor(name)), expected) << name;
  }
}

TEST_F(MergeTest, MetadataIsKeptAndSaysWhereTheFileComesFrom) {
  const auto adapter = make_adapter(kBundled, 1, true);
  ASSERT_TRUE(merge(kBundled, adapter, 0.5F));
  const auto base = open(kBundled), merged = open(output_);
  for (const auto key : base.keys()) {
    const auto *before = base.find(key), *after = merged.find(key);
    ASSERT_NE(after, nullptr) << key;
    EXPECT_EQ(before->type, after->type) << key;
    EXPECT_EQ(before->element_type, after->element_type) << key;
    EXPECT_EQ(before->count, after->count) << key;
    EXPECT_EQ(bytes_of(*before), bytes_of(*after)) << key;
  }
  EXPECT_EQ(merged.keys().size(), base.keys().size() + 3);
  const auto made_for = *read_base_model(kBundled);
  EXPECT_EQ(merged.find_string("hyprstream.merge.base.name")->value(), made_for.name);
  EXPECT_EQ(merged.find_string("hyprstream.merge.base.header_sha256")->value(), made_for.header_sha256);
  const auto entry = adapter.id() + " test-1 0.5";
  EXPECT_EQ(merged.find_strings("hyprstream.merge.adapters")->value(), std::vector<std::string_view>{entry});

  // Merging into the result adds to the list.
  const auto first = folder_ / "first.gguf";
  std::filesystem::rename(output_, first);
  const auto second = make_adapter(kBundled, 2, true);
  ASSERT_TRUE(merge(first, second));
  const auto twice = open(output_);
  EXPECT_EQ(twice.keys().size(), merged.keys().size());
  EXPECT_EQ(twice.find_string("hyprstream.merge.base.header_sha256")->value(), made_for.header_sha256);
  const auto later = second.id() + " test-2 1";
  EXPECT_EQ(twice.find_strings("hyprstream.merge.adapters")->value(), (std::vector<std::string_view>{entry, later}));
}

// A sparse adapter leaves most blocks alone: those keep their bits. In the others no value is further from W' than half
// the format's step, and a little for the step's own rounding to F16.
TEST_F(MergeTest, QuantizedWeightsChangeOnlyWhereTheAdapterActs) {
  const auto adapter = make_adapter(kBundled, 3, true);
  ASSERT_TRUE(merge(kBundled, adapter));
  const auto base = open(kBundled), merged = open(output_);
  expect_same_but(base, merged, [](std::string_view name) { return parse_linear_weight_name(name).has_value(); });
  constexpr std::size_t kBlock = 32, kBlockBytes = 34;
  std::size_t touched = 0, blocks = 0;
  for (const auto& pair : adapter.pairs()) {
    const auto name = std::format("blk.{}.{}.weight", pair.id.layer, gguf_linear_name(pair.id.module));
    const auto *before = base.find_tensor(name), *after = merged.find_tensor(name);
    ASSERT_EQ(before->type, TensorType::kQ8_0);
    ASSERT_EQ(after->type, TensorType::kQ8_0);
    const auto original = values_of(*before);
    auto expected = original;
    ASSERT_TRUE(apply_to_weight(pair, expected));
    const auto got = values_of(*after);
    for (std::size_t block = 0; block < expected.size() / kBlock; ++block) {
      const auto wanted = std::span(expected).subspan(block * kBlock, kBlock);
      ++blocks;
      if (std::ranges::equal(wanted, std::span(original).subspan(block * kBlock, kBlock))) {
        ASSERT_TRUE(std::ranges::equal(before->data.subspan(block * kBlockBytes, kBlockBytes),
                                       after->data.subspan(block * kBlockBytes, kBlockBytes)));
        continue;
      }
      ++touched;
      float largest = 0;
      for (const float value : wanted) largest = std::max(largest, std::abs(value));
      for (std::size_t i = 0; i < kBlock; ++i)
        ASSERT_NEAR(got[block * kBlock + i], wanted[i], largest / 127 * 0.57F) << name << " block " << block;
    }
  }
  EXPECT_GT(touched, 0U);
  EXPECT_LT(touched, blocks / 10);
}

TEST_F(MergeTest, SeveralAdaptersAddUp) {
  const auto one = make_adapter(kBundledF32, 4), two = make_adapter(kBundledF32, 5);
  const std::vector<WeightedAdapter> weighted = {{.adapter = &one, .scale = 0.75F}, {.adapter = &two, .scale = -2}};
  ASSERT_TRUE(merge_adapters(kBundledF32, weighted, output_, {}));
  const auto base = open(kBundledF32), merged = open(output_);
  for (const auto& pair : one.pairs()) {
    const auto name = std::format("blk.{}.{}.weight", pair.id.layer, gguf_linear_name(pair.id.module));
    auto expected = values_of(*base.find_tensor(name));
    ASSERT_TRUE(apply_to_weight(pair, expected, 0.75F));
    ASSERT_TRUE(apply_to_weight(*two.find(pair.id), expected, -2));
    EXPECT_LE(max_difference(values_of(*merged.find_tensor(name)), expected), 1e-7F) << name;
  }
}

TEST_F(MergeTest, ChangedWeightsTakeTheTypeAskedFor) {
  const auto whole = make_adapter(kBundledF32, 6);
  std::vector<LoraPair> pairs;
  for (const auto& pair : whole.pairs())
    if (pair.id.module == LinearModule::kUp) pairs.push_back(pair);
  const auto adapter = *LoraAdapter::create(whole.description(), pairs);
  ASSERT_TRUE(merge(kBundledF32, adapter, 1, {.type = TensorType::kQ8_0}));
  const auto base = open(kBundledF32), merged = open(output_);
  expect_same_but(base, merged, [](std::string_view name) { return name.contains("ffn_up"); });
  for (const auto& pair : pairs) {
    const auto name = std::format("blk.{}.ffn_up.weight", pair.id.layer);
    auto expected = values_of(*base.find_tensor(name));
    ASSERT_TRUE(apply_to_weight(pair, expected));
    const auto* got = merged.find_tensor(name);
    ASSERT_EQ(got->type, TensorType::kQ8_0);
    std::vector<std::byte> blocks(got->data.size());
    ASSERT_TRUE(quantize(TensorType::kQ8_0, pair.in(), expected, blocks));
    EXPECT_TRUE(std::ranges::equal(blocks, got->data)) << name;
  }
  EXPECT_EQ(merged.find("general.file_type"), nullptr);  // "all F32" no more
  EXPECT_EQ(merged.find_uint("general.quantization_version")->value(), quantization_version());
}

TEST_F(MergeTest, AModelInSeveralFilesBecomesOne) {
  const auto prefix = folder_ / "part";
  const auto command = std::format("{} --split --split-max-tensors 20 {} {} >/dev/null 2>&1", HYPRSTREAM_LLAMA_SPLIT,
                                   kBundled.string(), prefix.string());
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  std::filesystem::path first;
  for (const auto& entry : std::filesystem::directory_iterator(folder_))
    if (entry.path().filename().string().starts_with("part-00001-of-")) first = entry.path();
  ASSERT_FALSE(first.empty());
  ASSERT_GT(files(), 2);

  const auto adapter = make_adapter(kBundled, 7, true);
  ASSERT_TRUE(merge(kBundled, adapter));
  const auto whole_path = folder_ / "whole.gguf";
  std::filesystem::rename(output_, whole_path);
  ASSERT_TRUE(merge(first, adapter));
  const auto whole = open(whole_path), merged = open(output_);
  expect_same_but(whole, merged, [](std::string_view) { return false; });
  for (const auto key : merged.keys()) EXPECT_FALSE(key.starts_with("split.")) << key;
  auto options = bundled_options();
  options.model_path = output_;
  load(options);
}

TEST_F(MergeTest, LibllamaAndItsToolsRunTheResult) {
  const auto adapter = make_adapter(kBundledF32, 8);
  ASSERT_TRUE(merge(kBundledF32, adapter));
  const auto base = load(exact_options());
  auto options = exact_options();
  options.model_path = output_;
  const auto merged = load(options);
  const auto tokens = tokens_of(*base, prompts().front());
  const std::int32_t last = static_cast<std::int32_t>(tokens.size()) - 1;
  const auto without = logits_alone(*base, tokens, {&last, 1}), with = logits_alone(*merged, tokens, {&last, 1});
  ASSERT_EQ(with.size(), 1U);
  EXPECT_GT(max_difference(without[0], with[0]), 0.01F);

  GenerationRequest request;
  request.prompt_tokens = tokens;
  request.max_tokens = 12;
  request.sampling.temperature = 0;
  const auto ours = merged->generate(request, {});
  ASSERT_TRUE(ours) << ours.error().message;
  ASSERT_GE(ours->tokens.size(), 4U);
  // When it exits it drops what it still has to write, so it is asked for more, and again if too little came.
  const auto text_path = folder_ / "text";
  const auto command = std::format(
      "{} -m {} -p '{}' -n 40 --temp 0 -t 2 -fa off -ctk f32 -ctv f32 -no-cnv --no-display-prompt </dev/null >{} "
      "2>/dev/null",
      HYPRSTREAM_LLAMA_COMPLETION, output_.string(), prompts().front(), text_path.string());
  std::string theirs;
  for (int attempt = 0; attempt < 20 && !theirs.contains(ours->text); ++attempt) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    std::ifstream file(text_path);
    theirs.assign(std::istreambuf_iterator<char>(file), {});
  }
  EXPECT_TRUE(theirs.contains(ours->text)) << theirs << "\nand not\n" << ours->text;
}

TEST_F(MergeTest, OtherFormatsToo) {
  for (const auto* type : {"F16", "BF16", "Q4_0", "Q5_1", "IQ4_NL"}) {
    const auto base = requantized(kBundledF32, type);
    const auto adapter = make_adapter(base, 9, true);
    ASSERT_TRUE(merge(base, adapter)) << type;
    const auto before = open(base), after = open(output_);
    expect_same_but(before, after, [](std::string_view name) { return parse_linear_weight_name(name).has_value(); });
    for (const auto& pair : adapter.pairs()) {
      const auto name = std::format("blk.{}.{}.weight", pair.id.layer, gguf_linear_name(pair.id.module));
      const auto *weight = before.find_tensor(name), *got = after.find_tensor(name);
      ASSERT_EQ(weight->type, got->type);
      const auto original = values_of(*weight);
      auto changed = original;
      ASSERT_TRUE(apply_to_weight(pair, changed));
      std::vector<std::byte> expected(weight->data.size());
      ASSERT_TRUE(quantize(weight->type, pair.in(), changed, expected));
      const std::size_t elements = block_elements(weight->type), bytes = block_bytes(weight->type);
      for (std::size_t block = 0; block < original.size() / elements; ++block)
        if (std::equal(&original[block * elements], &original[block * elements] + elements, &changed[block * elements]))
          std::ranges::copy(weight->data.subspan(block * bytes, bytes), &expected[block * bytes]);
      EXPECT_TRUE(std::ranges::equal(expected, got->data)) << name << ' ' << type;
    }
    auto options = bundled_options();
    options.model_path = output_;
    load(options);
  }
}

TEST_F(MergeTest, ProgressGoesUpAndCanCancel) {
  const auto adapter = make_adapter(kBundled, 10, true);
  const WeightedAdapter weighted{.adapter = &adapter};
  std::vector<float> seen;
  ASSERT_TRUE(merge_adapters(kBundled, {&weighted, 1}, output_, {}, [&](float share) {
    seen.push_back(share);
    return true;
  }));
  ASSERT_GT(seen.size(), 10U);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_GT(seen.front(), 0);
  EXPECT_FLOAT_EQ(seen.back(), 1);

  std::filesystem::remove(output_);
  const auto cancelled =
      merge_adapters(kBundled, {&weighted, 1}, output_, {}, [&](float share) { return share < 0.5F; });
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(files(), 0);
}

TEST_F(MergeTest, RefusesWithAReasonAndWritesNothing) {
  const auto adapter = make_adapter(kBundled, 11, true);
  const auto refused = [&](const Result<void>& result, ErrorCode code, const std::string& part) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code) << result.error().message;
    EXPECT_TRUE(result.error().message.contains(part)) << result.error().message;
  };
  refused(merge_adapters(kBundled, {}, output_, {}), ErrorCode::kInvalidArgument, "no adapter");
  refused(merge(kBundled, adapter, NAN), ErrorCode::kInvalidArgument, "test-11");
  refused(merge(folder_ / "missing.gguf", adapter), ErrorCode::kNotFound, "missing.gguf");
  refused(merge(kBundled, adapter, 1, {.type = TensorType::kIQ2_XXS}), ErrorCode::kUnsupported, "importance matrix");
  refused(merge(kBundled, adapter, 1, {.type = TensorType::kI8}), ErrorCode::kUnsupported, "I8");
  refused(merge(kBundled, adapter, 1e30F), ErrorCode::kInvalidArgument, "Q8_0 cannot hold");

  // Rows of 64 are no whole blocks of 256.
  const auto other = folder_ / "other.gguf";
  ASSERT_TRUE(write_synthetic_model({}, other));
  refused(merge(other, make_adapter(other, 12), 1, {.type = TensorType::kQ4_K}), ErrorCode::kInvalidArgument, "256");
  refused(merge(other, adapter), ErrorCode::kUnsupported, "does not fit");
  EXPECT_EQ(files(), 1);

  // The base itself, whatever it is called.
  const auto hash = std::filesystem::file_size(other);
  std::filesystem::create_symlink(other, output_);
  refused(merge(other, make_adapter(other, 13)), ErrorCode::kAlreadyExists, "base model itself");
  EXPECT_TRUE(std::filesystem::is_symlink(output_));
  EXPECT_EQ(std::filesystem::file_size(other), hash);
}

}  // namespace
}  // namespace hyprstream

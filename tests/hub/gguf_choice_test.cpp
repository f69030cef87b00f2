#include "hub/gguf_choice.hpp"

#include <gtest/gtest.h>

namespace hyprstream {
namespace {

std::vector<RepositoryFile> files(std::initializer_list<const char*> paths) {
  std::vector<RepositoryFile> out;
  for (const char* path : paths) out.push_back({.path = path, .size = 10, .sha256 = {}});
  return out;
}

std::string chosen(const std::vector<RepositoryFile>& all, std::optional<std::string> quantization = {}) {
  const auto variant = choose_variant(all, quantization, "org/repo");
  return variant ? variant->files.front().path : variant.error().message;
}

TEST(GgufChoice, Quantizations) {
  for (const auto& [path, quantization] :
       std::initializer_list<std::pair<const char*, const char*>>{{"Qwen3-0.6B-Q8_0.gguf", "Q8_0"},
                                                                  {"smollm2-360m-instruct-q8_0.gguf", "Q8_0"},
                                                                  {"SmolLM2-135M-Instruct.Q4_K_M.gguf", "Q4_K_M"},
                                                                  {"m-IQ3_XXS.gguf", "IQ3_XXS"},
                                                                  {"m-UD-Q4_K_XL.gguf", "Q4_K_XL"},
                                                                  {"m-TQ1_0.gguf", "TQ1_0"},
                                                                  {"model_f16.gguf", "F16"},
                                                                  {"m.BF16.gguf", "BF16"},
                                                                  {"gpt-oss-20b-MXFP4.gguf", "MXFP4"},
                                                                  {"m-Q4_0_4_4.gguf", "Q4_0_4_4"},
                                                                  {"Q5_K_M/m-00001-of-00002.gguf", "Q5_K_M"},
                                                                  {"sub/m-Q6_K-00002-of-00002.gguf", "Q6_K"},
                                                                  {"Q8_0.gguf", "Q8_0"},
                                                                  {"model.gguf", ""},
                                                                  {"Qwen3.gguf", ""},
                                                                  {".gguf", ""},
                                                                  {"x", ""},
                                                                  {"", ""}})
    EXPECT_EQ(quantization_of(path), quantization) << path;
}

TEST(GgufChoice, ByPreference) {
  EXPECT_EQ(chosen(files({"a-Q8_0.gguf", "a-Q4_K_M.gguf"})), "a-Q4_K_M.gguf");
  EXPECT_EQ(chosen(files({"a-F16.gguf", "a-Q8_0.gguf"})), "a-Q8_0.gguf");
  EXPECT_EQ(chosen(files({"README.md", "a-F16.gguf", "a-Q2_K.gguf"})), "a-F16.gguf");
  EXPECT_EQ(chosen(files({"mmproj-a-Q4_K_M.gguf", "a.imatrix.gguf", "a.GGUF"})), "a.GGUF");
}

TEST(GgufChoice, ByName) {
  const auto all = files({"a-Q8_0.gguf", "a-Q4_K_M.gguf", "a-UD-Q4_K_XL.gguf", "a-IQ4_XS.gguf"});
  EXPECT_EQ(chosen(all, "q8_0"), "a-Q8_0.gguf");
  EXPECT_EQ(chosen(all, "ud-q4_k_xl"), "a-UD-Q4_K_XL.gguf");
  EXPECT_EQ(chosen(all, "Q4_K_XL"), "a-UD-Q4_K_XL.gguf");
  const auto message = chosen(all, "Q4");
  for (const char* there : {"Q4", "Q8_0", "Q4_K_M", "IQ4_XS"}) EXPECT_TRUE(message.contains(there)) << message;
}

TEST(GgufChoice, SplitModels) {
  const auto all = files({"a-Q4_K_M-00002-of-00002.gguf", "a-Q4_K_M-00001-of-00002.gguf", "b-Q8_0-00001-of-00003.gguf",
                          "b-Q8_0-00003-of-00003.gguf"});
  const auto variants = group_variants(all);
  ASSERT_EQ(variants.size(), 1U);
  EXPECT_EQ(variants[0].files.size(), 2U);
  EXPECT_EQ(variants[0].size(), 20U);
  EXPECT_EQ(variants[0].files[1].path, "a-Q4_K_M-00002-of-00002.gguf");
  EXPECT_EQ(choose_file(all, "a-Q4_K_M-00001-of-00002.gguf", "r").value().files.size(), 2U);
  EXPECT_FALSE(choose_file(all, "none.gguf", "r"));
}

TEST(GgufChoice, ManyPartsThatAreNotThereCostNothing) {
  std::vector<RepositoryFile> all;
  for (int i = 0; i < 20'000; ++i)
    all.push_back({.path = "m" + std::to_string(i) + "-00001-of-99999.gguf", .size = 1, .sha256 = {}});
  EXPECT_TRUE(group_variants(all).empty());
}

}  // namespace
}  // namespace hyprstream

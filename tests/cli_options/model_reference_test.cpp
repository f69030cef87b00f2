#include "cli_options/model_reference.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/paths.hpp"

namespace hyprstream {
namespace {

TEST(ModelReference, TellsModelsFromPrompts) {
  EXPECT_TRUE(names_a_model("bundled"));
  EXPECT_TRUE(names_a_model("missing.gguf"));
  EXPECT_TRUE(names_a_model("some/where"));
  EXPECT_TRUE(names_a_model("my model.gguf"));
  EXPECT_TRUE(names_a_model(bundled_model_path().string()));
  EXPECT_FALSE(names_a_model("hello"));
  EXPECT_FALSE(names_a_model("Tell me a story"));
  EXPECT_FALSE(names_a_model("yes and/or no"));
  EXPECT_FALSE(names_a_model(""));
  EXPECT_FALSE(names_a_model(std::string(100'000, 'x')));
}

TEST(ModelReference, TheBundledModelStandsIn) {
  EXPECT_EQ(model_path_for(std::nullopt), bundled_model_path().string());
  EXPECT_EQ(model_path_for("bundled"), bundled_model_path().string());
  EXPECT_EQ(model_path_for("x.gguf"), "x.gguf");
}

TEST(ModelReference, PathsBelowTheCurrentDirectoryAreRelative) {
  const auto here = std::filesystem::current_path();
  EXPECT_EQ(display_path(here / "models" / "x.gguf"), "./models/x.gguf");
  EXPECT_EQ(display_path("models/x.gguf"), "./models/x.gguf");
  EXPECT_EQ(display_path("/nowhere/x.gguf"), "/nowhere/x.gguf");
  EXPECT_EQ(display_path(here / ".." / "x.gguf"), (here / ".." / "x.gguf").string());
}

}  // namespace
}  // namespace hyprstream

#include "command_line/argument_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace hyprstream {
namespace {

using ::testing::HasSubstr;

TEST(ParseInteger, TakesOnlyWholeNumbersInRange) {
  EXPECT_EQ(parse_integer("--n", "1", {1, 10}).value(), 1);
  EXPECT_EQ(parse_integer("--n", "10", {1, 10}).value(), 10);
  EXPECT_EQ(parse_integer("--n", "-3", {-5, 5}).value(), -3);
  for (const auto* text :
       {"", " ", "0", "11", "1.5", "1e1", "0x1", "1 ", " 1", "+1", "ten", "99999999999999999999", "1\n"}) {
    const auto parsed = parse_integer("--n", text, {1, 10});
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(parsed.error().message, HasSubstr("--n must be a whole number from 1 to 10, not '"));
    EXPECT_EQ(parsed.error().message.find('\n'), std::string::npos);
  }
}

TEST(ParseNumber, RefusesWhatIsNoNumberOfTheRange) {
  EXPECT_FLOAT_EQ(parse_number("--x", "0.7", Range<float>{0, 1}).value(), 0.7F);
  EXPECT_FLOAT_EQ(parse_number("--x", "1e-3", Range<float>{0, 1}).value(), 0.001F);
  EXPECT_FLOAT_EQ(parse_number("--x", "0", Range<float>{0, 1}).value(), 0);
  for (const auto* text : {"", "nan", "NaN", "-nan", "inf", "-inf", "1e400", "1.0001", "-0.1", "0,5", "0.5x"})
    EXPECT_FALSE(parse_number("--x", text, Range<float>{0, 1})) << text;
}

TEST(ArgumentList, DescribesAnOptionOnce) {
  ArgumentList arguments;
  int tokens = 50;
  std::optional<int> threads;
  float temperature = 0.7F;
  std::string type = "f16";
  arguments.integer("--max-tokens,-n", tokens, {1, 1000}, "Most tokens");
  arguments.integer("--threads", threads, {1, 8}, "Threads", "one per core");
  arguments.number("--temperature", temperature, {0, 2}, "Randomness");
  arguments.choice("--type", "TYPE", type, {"f16", "f32"}, "Number format");
  EXPECT_EQ(arguments.find("-n")->help, "Most tokens (1 to 1000). Default: 50.");
  EXPECT_EQ(arguments.find("--max-tokens"), arguments.find("-n"));
  EXPECT_EQ(arguments.find("--threads")->help, "Threads (1 to 8). Default: one per core.");
  EXPECT_EQ(arguments.find("--temperature")->help, "Randomness (0 to 2). Default: 0.7.");
  EXPECT_EQ(arguments.find("--type")->help, "Number format (f16, f32). Default: f16.");
  EXPECT_EQ(arguments.find("--tokens"), nullptr);

  EXPECT_TRUE(arguments.find("-n")->assign("7"));
  EXPECT_EQ(tokens, 7);
  EXPECT_FALSE(arguments.find("-n")->assign("0"));
  EXPECT_EQ(tokens, 7);
  EXPECT_FALSE(arguments.find("--threads")->assign("9"));
  EXPECT_FALSE(threads.has_value());
  EXPECT_TRUE(arguments.find("--type")->assign("f32"));
  EXPECT_EQ(type, "f32");
  const auto refused = arguments.find("--type")->assign("q4");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "--type must be one of f16, f32, not 'q4'");
}

TEST(ArgumentList, SeedsCoverExactly32Bits) {
  ArgumentList arguments;
  std::optional<std::uint32_t> seed;
  arguments.seed("--seed", seed, "Seed");
  const auto& assign = arguments.find("--seed")->assign;
  EXPECT_TRUE(assign("4294967295"));
  EXPECT_EQ(seed, std::numeric_limits<std::uint32_t>::max());
  EXPECT_FALSE(assign("4294967296"));
  EXPECT_FALSE(assign("-1"));
  EXPECT_TRUE(assign("0"));
  EXPECT_EQ(seed, 0U);
}

TEST(ArgumentList, TextMustBeUtf8) {
  ArgumentList arguments;
  std::string prompt;
  std::vector<std::string> stop;
  arguments.text("--prompt", "TEXT", prompt, "Prompt");
  arguments.texts("--stop", "TEXT", stop, "Stop");
  const auto refused = arguments.find("--prompt")->assign("ab\xff");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "--prompt is not valid UTF-8 at byte 2");
  EXPECT_FALSE(arguments.find("--stop")->assign(""));
  EXPECT_TRUE(arguments.find("--stop")->assign("a"));
  EXPECT_TRUE(arguments.find("--stop")->assign("b"));
  EXPECT_THAT(stop, ::testing::ElementsAre("a", "b"));
}

}  // namespace
}  // namespace hyprstream

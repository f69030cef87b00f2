#include "structured_output/number_range.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <format>
#include <random>
#include <set>

#include "grammar_driver.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using Json = nlohmann::ordered_json;

std::optional<NumberBound> bound(std::optional<double> value, bool inclusive) {
  if (!value) return std::nullopt;
  return NumberBound{Json(*value), inclusive};
}

// Every integer near the ends, for many ranges.
TEST(NumberRange, IntegersNearTheEnds) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    const int spread = round < 20 ? 12 : round < 40 ? 150 : 20'000;
    const auto draw = [&] { return std::uniform_int_distribution<int>(-spread, spread)(random); };
    int low = draw(), high = draw();
    if (low > high) std::swap(low, high);
    GbnfWriter writer(SchemaLimits{});
    const auto rule = integer_range_rule(writer, {NumberBound{Json(low), true}, NumberBound{Json(high), true}});
    ASSERT_TRUE(rule) << rule.error().message;
    ASSERT_TRUE(writer.check());
    const auto grammar = writer.finish(*rule);
    std::set<int> numbers = {0, -1, 1, 9, 10, -9, -10, draw(), draw(), draw()};
    for (const int end : {low, high})
      for (int step = -2; step <= 2; ++step) numbers.insert(end + step);
    for (const int number : numbers)
      EXPECT_EQ(accepts(grammar, std::to_string(number)), number >= low && number <= high)
          << number << " in " << low << ".." << high << "\n"
          << grammar;
  }
}

TEST(NumberRange, DecimalsNearTheEnds) {
  std::mt19937 random(4);
  for (int round = 0; round < 60; ++round) {
    const auto draw = [&] {
      const double scale = std::pow(10, std::uniform_int_distribution<int>(0, 3)(random));
      return std::uniform_int_distribution<int>(-3000, 3000)(random) / scale;
    };
    double low = draw(), high = draw();
    if (low > high) std::swap(low, high);
    const bool with_low = round % 5 != 0, with_high = round % 7 != 0;
    const bool low_in = round % 2 == 0, high_in = round % 3 == 0;
    GbnfWriter writer(SchemaLimits{});
    const auto rule = decimal_range_rule(writer, {bound(with_low ? std::optional(low) : std::nullopt, low_in),
                                                  bound(with_high ? std::optional(high) : std::nullopt, high_in)});
    ASSERT_TRUE(rule) << rule.error().message;
    ASSERT_TRUE(writer.check());
    const auto grammar = writer.finish(*rule);
    for (int trial = 0; trial < 14; ++trial) {
      const double base = trial < 4 ? low : trial < 8 ? high : draw();
      const double off = trial % 4 == 0 ? 0 : (trial % 2 == 0 ? 1 : -1) * std::pow(10, -(trial % 5));
      auto text = std::format("{:.6f}", base + off);
      text.erase(text.find_last_not_of('0') + 1);
      if (text.ends_with('.')) text.pop_back();
      const double number = std::stod(text);
      const bool inside = (!with_low || (low_in ? number >= low : number > low)) &&
                          (!with_high || (high_in ? number <= high : number < high));
      EXPECT_EQ(accepts(grammar, text), inside && text != "-0") << text << " in " << low << ".." << high << "\n"
                                                                << grammar;
    }
  }
}

TEST(NumberRange, NothingBetween) {
  GbnfWriter writer(SchemaLimits{});
  const auto integers = [&](double low, bool low_in, double high, bool high_in) {
    return integer_range_rule(writer, {bound(low, low_in), bound(high, high_in)});
  };
  EXPECT_EQ(integers(5, true, 4, true).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(integers(5, false, 6, false).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(integers(0.2, true, 0.8, true).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(integers(0.2, true, 1, true));
  EXPECT_EQ(integers(1e19, true, 1e20, true).error().code, ErrorCode::kUnsupported);
  const auto decimals = [&](double low, bool low_in, double high, bool high_in) {
    return decimal_range_rule(writer, {bound(low, low_in), bound(high, high_in)});
  };
  EXPECT_EQ(decimals(0.5, true, 0.5, false).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(decimals(0.5, true, 0.4, true).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(decimals(0.5, true, 0.5, true));
  EXPECT_TRUE(decimals(0, true, 0, true));
  EXPECT_EQ(decimals(1e20, true, 1e21, true).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(decimals(0.1234567890123456, true, 1, true).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace hyprstream

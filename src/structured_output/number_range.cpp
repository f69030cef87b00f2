#include "structured_output/number_range.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <format>
#include <tuple>
#include <utility>
#include <vector>

namespace hyprstream {
namespace {

constexpr std::size_t kOpenIntegerDigits = 16;
constexpr std::int64_t kLargestInteger = 999'999'999'999'999'999;  // 18 digits
constexpr std::size_t kDecimalDigits = 15;

// A number without its sign: no zeros that say nothing.
struct Magnitude {
  std::string whole = "0";
  std::string fraction;

  bool is_zero() const { return whole == "0" && fraction.empty(); }
};

bool less(const Magnitude& a, const Magnitude& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size();
  return std::tie(a.whole, a.fraction) < std::tie(b.whole, b.fraction);
}

// One end of a range of magnitudes.
struct End {
  Magnitude at;
  bool inclusive = true;
};

std::string digits(int first, int last) {
  return first == last ? std::format("\"{}\"", first) : std::format("[{}-{}]", first, last);
}

std::string some_digits(std::size_t count) {
  return count == 0 ? "" : count == 1 ? " [0-9]" : std::format(" [0-9]{{{}}}", count);
}

constexpr std::string_view kNothing = "\"\"";

std::string followed_by(std::string text, const std::string& rest) {
  return rest == kNothing ? text : text + " " + rest;
}

// Writes the magnitudes between two ends as an automaton: a state is a position in the number, and whether the digits
// so far are those of the lower end, of the upper end, or of both. No state is more than one rule.
class MagnitudeRange {
 public:
  // `most_digits` of a number in all; `fractions`: whether it may have digits behind the point.
  MagnitudeRange(GbnfWriter& writer, End least, std::optional<End> most, std::size_t most_digits, bool fractions)
      : writer_(writer),
        least_(std::move(least)),
        most_(std::move(most)),
        most_digits_(most_digits),
        fractions_(fractions) {}

  // Ways to write such a number, by its count of digits before the point; none: there is no such number.
  Result<std::vector<std::string>> ways() {
    std::vector<std::string> result;
    const std::size_t last = most_ ? most_->at.whole.size() : most_digits_;
    for (width_ = least_.at.whole.size(); width_ <= last; ++width_) {
      const bool on_least = least_.at.whole.size() == width_;
      const bool on_most = most_ && most_->at.whole.size() == width_;
      HYPRSTREAM_ASSIGN(auto way, whole(0, on_least, on_most));
      if (way) result.push_back(std::move(*way));
    }
    return result;
  }

 private:
  using Way = std::optional<std::string>;  // an expression; nothing: no text

  static int digit(const std::string& text, std::size_t at) { return at < text.size() ? text[at] - '0' : 0; }

  Result<Way> rule(std::vector<std::string> ways) {
    if (ways.empty()) return Way();
    if (ways.size() == 1) return Way(std::move(ways.front()));
    return writer_.add("digits", gbnf_alternatives(ways)).transform([](std::string name) {
      return Way(std::move(name));
    });
  }

  // From digit `at` of those before the point on.
  Result<Way> whole(std::size_t at, bool on_least, bool on_most) {
    if (at == width_) return fraction(0, on_least, on_most);
    const int lowest = at == 0 && width_ > 1 ? 1 : 0;
    if (!on_least && !on_most) {
      HYPRSTREAM_ASSIGN(const auto rest, fraction(0, false, false));
      const auto left = width_ - at - 1;
      return Way(followed_by(digits(lowest, 9) + some_digits(left), *rest));
    }
    return branch(lowest, digit(least_.at.whole, at), most_ ? digit(most_->at.whole, at) : 9, on_least, on_most,
                  [&](bool least, bool most) { return whole(at + 1, least, most); });
  }

  // From digit `at` behind the point on.
  Result<Way> fraction(std::size_t at, bool on_least, bool on_most) {
    const std::size_t room = fractions_ && most_digits_ > width_ ? most_digits_ - width_ : 0;
    if (!on_least && !on_most) {
      const auto left = room - std::min(room, at);
      if (left == 0) return Way(kNothing);
      return at == 0 ? Way(std::format("(\".\" [0-9]{{1,{}}})?", left)) : Way(std::format("[0-9]{{0,{}}}", left));
    }
    std::vector<std::string> ways;
    if (may_end(at, on_least, on_most)) ways.emplace_back(kNothing);
    if (at < room) {
      HYPRSTREAM_ASSIGN(auto way,
                        branch(0, digit(least_.at.fraction, at), most_ ? digit(most_->at.fraction, at) : 9, on_least,
                               on_most, [&](bool least, bool most) { return fraction(at + 1, least, most); }));
      if (way) ways.push_back(at == 0 ? "\".\" " + *way : *way);
    }
    return rule(std::move(ways));
  }

  // Whether the number may end here, with zeros understood.
  bool may_end(std::size_t at, bool on_least, bool on_most) const {
    const bool equals_least = on_least && at >= least_.at.fraction.size();
    const bool equals_most = on_most && at >= most_->at.fraction.size();
    if (on_least && (!equals_least || !least_.inclusive)) return false;
    return !equals_most || most_->inclusive;
  }

  // One digit from `lowest` on, between those of the ends where the number is still on them.
  template <typename Next>
  Result<Way> branch(int lowest, int least_digit, int most_digit, bool on_least, bool on_most, const Next& next) {
    std::vector<std::string> ways;
    const auto add = [&](int first, int last, bool least, bool most) -> Result<void> {
      if (first > last) return {};
      HYPRSTREAM_ASSIGN(const Way rest, next(least, most));
      if (rest) ways.push_back(followed_by(digits(first, last), *rest));
      return {};
    };
    int first = lowest;
    int last = 9;
    if (on_least) first = least_digit;
    if (on_most) last = most_digit;
    if (on_least && on_most && first == last) {
      HYPRSTREAM_TRY(add(first, last, true, true));
      return rule(std::move(ways));
    }
    if (on_least) HYPRSTREAM_TRY(add(first, first, true, false));
    HYPRSTREAM_TRY(add(first + (on_least ? 1 : 0), last - (on_most ? 1 : 0), false, false));
    if (on_most && last >= lowest) HYPRSTREAM_TRY(add(last, last, false, true));
    return rule(std::move(ways));
  }

  GbnfWriter& writer_;
  End least_;
  std::optional<End> most_;
  std::size_t most_digits_;
  bool fractions_;
  std::size_t width_ = 0;
};

// A number with its sign, as text has it.
struct Decimal {
  bool negative = false;
  Magnitude magnitude;
};

// Errors: kUnsupported (more than 15 digits).
Result<Decimal> decimal_of(const nlohmann::ordered_json& number) {
  std::array<char, 512> buffer{};
  const char* end = buffer.data();
  if (number.is_number_float()) {
    end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), number.get<double>(), std::chars_format::fixed).ptr;
  } else if (number.is_number_unsigned()) {
    end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number.get<std::uint64_t>()).ptr;
  } else {
    end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number.get<std::int64_t>()).ptr;
  }
  std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  Decimal decimal;
  if (text.starts_with('-')) {
    decimal.negative = true;
    text.remove_prefix(1);
  }
  const auto point = std::min(text.find('.'), text.size());
  decimal.magnitude.whole = text.substr(0, point);
  if (point < text.size()) decimal.magnitude.fraction = text.substr(point + 1);
  while (decimal.magnitude.fraction.ends_with('0')) decimal.magnitude.fraction.pop_back();
  if (decimal.magnitude.is_zero()) decimal.negative = false;
  if (decimal.magnitude.whole.size() + decimal.magnitude.fraction.size() > kDecimalDigits)
    return fail(ErrorCode::kUnsupported,
                std::format("a bound of more than {} digits, {}, is not supported", kDecimalDigits, number.dump()));
  return decimal;
}

// The rule of a range whose two halves are given as ways; `what` is for the message.
Result<std::string> signed_rule(GbnfWriter& writer, std::string_view what, std::vector<std::string> ways,
                                const std::vector<std::string>& negative_ways) {
  if (!negative_ways.empty()) {
    HYPRSTREAM_ASSIGN(const auto magnitude, writer.add("digits", gbnf_alternatives(negative_ways)));
    ways.push_back("\"-\" " + magnitude);
  }
  if (ways.empty()) return fail(ErrorCode::kInvalidArgument, std::format("there is no {} between its bounds", what));
  return writer.add(what, gbnf_alternatives(ways));
}

// The smallest integer that a lower bound allows; the largest that an upper one does with the sign changed twice.
std::int64_t integer_bound(const NumberBound& bound, bool upper) {
  constexpr auto kLimit = static_cast<double>(kLargestInteger);
  std::int64_t integer = 0;
  bool exact = true;
  if (bound.value.is_number_unsigned()) {
    integer = static_cast<std::int64_t>(std::min(bound.value.get<std::uint64_t>(), std::uint64_t{kLargestInteger} + 1));
  } else if (bound.value.is_number_integer()) {
    integer = std::clamp(bound.value.get<std::int64_t>(), -kLargestInteger - 1, kLargestInteger + 1);
  } else {
    const auto number = bound.value.get<double>();
    const auto rounded = upper ? std::floor(number) : std::ceil(number);
    exact = rounded == number;
    integer = rounded >= kLimit    ? kLargestInteger + 1
              : rounded <= -kLimit ? -kLargestInteger - 1
                                   : static_cast<std::int64_t>(rounded);
  }
  if (exact && !bound.inclusive) integer += upper ? -1 : 1;
  return integer;
}

}  // namespace

Result<std::string> integer_range_rule(GbnfWriter& writer, const NumberRange& range) {
  std::optional<std::int64_t> least, most;
  if (range.least) least = integer_bound(*range.least, false);
  if (range.most) most = integer_bound(*range.most, true);
  if (least && most && *least > *most)
    return fail(ErrorCode::kInvalidArgument, "there is no integer between its bounds");
  if ((least && *least > kLargestInteger) || (most && *most < -kLargestInteger))
    return fail(ErrorCode::kUnsupported, "integers of more than 18 digits are not supported");
  // A bound beyond is none: nothing there is generated.
  if (least && *least < -kLargestInteger) least = -kLargestInteger;
  if (most && *most > kLargestInteger) most = kLargestInteger;

  const auto ways = [&](std::int64_t low, std::optional<std::int64_t> high) -> Result<std::vector<std::string>> {
    std::optional<End> end;
    if (high) end = End{{std::to_string(*high), ""}, true};
    const auto low_digits = std::to_string(low);
    return MagnitudeRange(writer, {{low_digits, ""}, true}, end, std::max(kOpenIntegerDigits, low_digits.size()), false)
        .ways();
  };
  std::vector<std::string> positive, negative;
  if (!most || *most >= 0) {
    HYPRSTREAM_ASSIGN(positive, ways(std::max<std::int64_t>(least.value_or(0), 0), most));
  }
  if (!least || *least < 0) {
    const auto low = most && *most < 0 ? -*most : 1;
    HYPRSTREAM_ASSIGN(negative, ways(low, least ? std::optional(-*least) : std::nullopt));
  }
  return signed_rule(writer, "integer", std::move(positive), negative);
}

Result<std::string> decimal_range_rule(GbnfWriter& writer, const NumberRange& range) {
  std::optional<Decimal> least, most;
  if (range.least) {
    HYPRSTREAM_ASSIGN(least, decimal_of(range.least->value));
  }
  if (range.most) {
    HYPRSTREAM_ASSIGN(most, decimal_of(range.most->value));
  }
  const auto ways = [&](const End& low, const std::optional<End>& high) -> Result<std::vector<std::string>> {
    if (high && (less(high->at, low.at) || (!less(low.at, high->at) && !(low.inclusive && high->inclusive))))
      return std::vector<std::string>();
    return MagnitudeRange(writer, low, high, kDecimalDigits, true).ways();
  };
  std::vector<std::string> positive, negative;
  if (!most || !most->negative) {
    const End low = least && !least->negative ? End{least->magnitude, range.least->inclusive} : End{};
    std::optional<End> high;
    if (most) high = End{most->magnitude, range.most->inclusive};
    HYPRSTREAM_ASSIGN(positive, ways(low, high));
  }
  if (!least || least->negative) {
    const End low = most && most->negative ? End{most->magnitude, range.most->inclusive} : End{{}, false};
    std::optional<End> high;
    if (least) high = End{least->magnitude, range.least->inclusive};
    HYPRSTREAM_ASSIGN(negative, ways(low, high));
  }
  return signed_rule(writer, "number", std::move(positive), negative);
}

}  // namespace hyprstream

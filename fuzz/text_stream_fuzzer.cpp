// Bytes cut at any places, and any stop strings, must give the text that the whole gives.
//
// Input: [number of stop strings, 0-7] { [length] bytes } then { [length, 0-15] bytes } as pushes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.hpp"
#include "runtime/text_stream.hpp"

namespace {

using hyprstream::TextStream;

std::string take(std::string_view& input, std::size_t length) {
  std::string bytes(input.substr(0, length));
  input.remove_prefix(bytes.size());
  return bytes;
}

std::size_t take_number(std::string_view& input, std::size_t limit) {
  return input.empty() ? 0 : static_cast<std::uint8_t>(take(input, 1)[0]) % limit;
}

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> stop(take_number(input, 8));
  for (auto& s : stop) {
    const auto length = take_number(input, 16);
    s = take(input, length);
  }
  auto stream = TextStream::create(stop);
  for (const auto& s : stop)
    if (s.empty()) {
      require(!stream.has_value());
      return 0;
    }
  require(stream.has_value());

  std::string bytes;
  std::string shown;
  while (!input.empty()) {
    const auto length = take_number(input, 16);
    const auto token = take(input, length);
    const auto piece = stream->push(token);
    require(!hyprstream::find_invalid_utf8(piece));
    shown += piece;
    bytes += token;
  }
  shown += stream->finish();

  // The definition, computed on the whole.
  std::string_view text = bytes;
  bool stopped = false;
  for (std::size_t end = 1; end <= bytes.size() && !stopped; ++end)
    for (const auto& s : stop)
      if (std::string_view(bytes).substr(0, end).ends_with(s)) {
        if (!stopped || end - s.size() < text.size()) text = std::string_view(bytes).substr(0, end - s.size());
        stopped = true;
      }
  require(stream->stopped() == stopped);
  require(shown == hyprstream::replace_invalid_utf8(text));
  return 0;
}

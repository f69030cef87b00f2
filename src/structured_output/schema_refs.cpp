#include "structured_output/schema_refs.hpp"

#include <charconv>
#include <format>
#include <optional>

namespace hyprstream {
namespace {

// "%24defs" -> "$defs"; nothing if a percent sign is not followed by two digits.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    unsigned byte = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) return std::nullopt;
    result += static_cast<char>(static_cast<unsigned char>(byte));
    i += 2;
  }
  return result;
}

// One step of a pointer: "~1" is a slash, "~0" a tilde.
std::string unescaped(std::string_view step) {
  std::string result;
  for (std::size_t i = 0; i < step.size(); ++i) {
    const bool escape = step[i] == '~' && i + 1 < step.size() && (step[i + 1] == '0' || step[i + 1] == '1');
    result += escape ? (step[++i] == '1' ? '/' : '~') : step[i];
  }
  return result;
}

const nlohmann::ordered_json* child(const nlohmann::ordered_json& value, const std::string& step) {
  if (value.is_object()) {
    const auto found = value.find(step);
    return found == value.end() ? nullptr : &*found;
  }
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  if (!value.is_array() || error != std::errc() || end != step.data() + step.size() || index >= value.size())
    return nullptr;
  return &value[index];
}

}  // namespace

std::string pointer_to(const std::string& pointer, std::string_view step) {
  auto result = pointer + "/";
  for (const char c : step) result += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return result;
}

Result<RefTarget> find_ref(const nlohmann::ordered_json& root, const std::string& reference) {
  const auto shown = reference.substr(0, 80);
  if (!reference.starts_with('#'))
    return fail(ErrorCode::kUnsupported,
                std::format("the $ref '{}' leads out of the schema: put what it names under $defs", shown));
  const auto pointer = percent_decoded(std::string_view(reference).substr(1));
  if (!pointer) return fail(ErrorCode::kInvalidArgument, std::format("the $ref '{}' is no URI fragment", shown));
  if (!pointer->empty() && !pointer->starts_with('/'))
    return fail(ErrorCode::kUnsupported,
                std::format("the $ref '{}' names an anchor: name the place, as in '#/$defs/name'", shown));
  RefTarget target{.pointer = {}, .schema = &root};
  std::string_view rest = *pointer;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const auto length = std::min(rest.find('/'), rest.size());
    const auto step = unescaped(rest.substr(0, length));
    target.schema = child(*target.schema, step);
    if (target.schema == nullptr)
      return fail(ErrorCode::kInvalidArgument, std::format("the $ref '{}' leads to nothing in the schema", shown));
    target.pointer = pointer_to(target.pointer, step);
    rest.remove_prefix(length);
  }
  return target;
}

}  // namespace hyprstream

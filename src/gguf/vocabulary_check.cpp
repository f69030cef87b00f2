#include "gguf/vocabulary_check.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace hyprstream {
namespace {

constexpr std::uint64_t kMaxTokens = std::uint64_t{1} << 24;
constexpr std::int32_t kLastTokenType = 6;
constexpr std::int32_t kByteTokenType = 6;

std::unexpected<Error> refuse(const GgufFile& file, const std::string& what) {
  return fail(ErrorCode::kCorrupt, file.path().string() + " cannot be run: " + what + "; get the file again");
}

bool is_array_of(const GgufValue& value, GgufValueType element) noexcept {
  return value.type == GgufValueType::kArray && value.element_type == element;
}

// "<0x0A>": libllama reads the two digits with strtol, and uses the result as an index.
bool is_byte_token(std::string_view text) noexcept {
  return text.size() == 6 && text.starts_with("<0x") && text.ends_with('>') &&
         std::isxdigit(static_cast<unsigned char>(text[3])) != 0 &&
         std::isxdigit(static_cast<unsigned char>(text[4])) != 0;
}

// An optional array with one entry per token.
Result<void> check_per_token(const GgufFile& file, const std::string& key, GgufValueType element,
                             std::uint64_t tokens) {
  const GgufValue* value = file.find(key);
  if (value == nullptr) return {};
  if (!is_array_of(*value, element)) return refuse(file, "key '" + key + "' is not a list of the right type");
  if (value->count != tokens)
    return refuse(file, "key '" + key + "' has " + std::to_string(value->count) + " entries for " +
                            std::to_string(tokens) + " tokens");
  return {};
}

Result<void> check_tokens(const GgufFile& file, const std::vector<std::string_view>& tokens) {
  if (tokens.empty() || tokens.size() > kMaxTokens)
    return refuse(file, "its vocabulary has " + std::to_string(tokens.size()) + " tokens");
  HYPRSTREAM_TRY(check_per_token(file, "tokenizer.ggml.scores", GgufValueType::kFloat32, tokens.size()));
  HYPRSTREAM_TRY(check_per_token(file, "tokenizer.ggml.token_type", GgufValueType::kInt32, tokens.size()));
  const GgufValue* types = file.find("tokenizer.ggml.token_type");
  std::unordered_set<std::string_view> seen;
  seen.reserve(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string label = "token " + std::to_string(i);
    if (!seen.insert(tokens[i]).second) return refuse(file, label + " of its vocabulary is there twice");
    if (types == nullptr) continue;
    std::int32_t type = 0;
    std::memcpy(&type, types->bytes.data() + i * sizeof type, sizeof type);
    if (type < 0 || type > kLastTokenType)
      return refuse(file, label + " of its vocabulary has the unknown type " + std::to_string(type));
    if (type == kByteTokenType && !is_byte_token(tokens[i]))
      return refuse(file, label + " of its vocabulary is said to be a byte and is not written as one, such as <0x0A>");
  }
  return {};
}

Result<void> check_merges(const GgufFile& file) {
  HYPRSTREAM_ASSIGN(const auto merges, file.find_strings("tokenizer.ggml.merges"));
  if (!merges) return {};
  for (const std::string_view merge : *merges) {
    const std::size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size())
      return refuse(file, "key 'tokenizer.ggml.merges' has an entry that is not two tokens");
  }
  return {};
}

Result<void> check_ids(const GgufFile& file, std::uint64_t tokens) {
  constexpr std::string_view kPrefix = "tokenizer.ggml.";
  constexpr std::string_view kSuffix = "_token_id";
  for (const std::string_view key : file.keys()) {
    if (!key.starts_with(kPrefix) || !key.ends_with(kSuffix)) continue;
    HYPRSTREAM_ASSIGN(const auto id, file.find_uint(key));
    // 2^32 - 1 is how some converters write "none".
    if (*id >= tokens && *id != 0xffffffffU)
      return refuse(file, "key '" + std::string(key) + "' is " + std::to_string(*id) + ", and there are " +
                              std::to_string(tokens) + " tokens");
  }
  return {};
}

}  // namespace

Result<void> check_vocabulary(const GgufFile& file) {
  HYPRSTREAM_ASSIGN(const auto model, file.find_string("tokenizer.ggml.model"));
  const GgufValue* value = file.find("tokenizer.ggml.tokens");
  if (!model && value == nullptr) return {};
  if (!model) return refuse(file, "key 'tokenizer.ggml.model' is missing");
  if (*model == "no_vocab" || *model == "none") return {};
  HYPRSTREAM_ASSIGN(const auto tokens, file.find_strings("tokenizer.ggml.tokens"));
  if (!tokens) return refuse(file, "key 'tokenizer.ggml.tokens' is missing");
  HYPRSTREAM_TRY(check_tokens(file, *tokens));
  HYPRSTREAM_TRY(check_merges(file));
  return check_ids(file, tokens->size());
}

}  // namespace hyprstream

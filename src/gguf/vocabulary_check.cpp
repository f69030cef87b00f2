#include "gguf/vocabulary_check.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
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

bool is_empty_text(std::string_view text) noexcept { return text.empty() || text[0] == '\0'; }

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
  // libllama takes a token up to its first zero byte, gives an empty one a name, and asserts that
  // none is there twice.
  std::unordered_set<std::string_view> seen;
  std::vector<std::string> names;
  seen.reserve(tokens.size());
  names.reserve(static_cast<std::size_t>(std::ranges::count_if(tokens, is_empty_text)));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string_view text = tokens[i].substr(0, tokens[i].find('\0'));
    if (text.empty()) text = names.emplace_back("[EMPTY_" + std::to_string(i) + "]");
    if (!seen.insert(text).second)
      return refuse(file, "token " + std::to_string(i) + " of its vocabulary is there twice");
    if (types == nullptr) continue;
    std::int32_t type = 0;
    std::memcpy(&type, types->bytes.data() + i * sizeof type, sizeof type);
    if (type < 0 || type > kLastTokenType)
      return refuse(file,
                    "token " + std::to_string(i) + " of its vocabulary has the unknown type " + std::to_string(type));
    if (type == kByteTokenType && !is_byte_token(tokens[i]))
      return refuse(
          file, "token " + std::to_string(i) + " of its vocabulary is a byte and not written as one, such as <0x0A>");
  }
  return {};
}

// libllama aborts on a byte token among word pieces.
Result<void> check_word_pieces(const GgufFile& file) {
  const GgufValue* types = file.find("tokenizer.ggml.token_type");
  if (types == nullptr) return {};
  for (std::uint64_t i = 0; i < types->count; ++i) {
    std::int32_t type = 0;
    std::memcpy(&type, types->bytes.data() + i * sizeof type, sizeof type);
    if (type == kByteTokenType)
      return refuse(file, "token " + std::to_string(i) + " of its vocabulary is a byte, which word pieces cannot have");
  }
  return {};
}

// The first byte of a token of RWKV's vocabulary, which is written with escapes, and whether it is
// all there is.
struct FirstByte {
  unsigned char byte = 0;
  bool alone = false;
};

FirstByte first_rwkv_byte(std::string_view text) noexcept {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first != '\\' || text.size() == 1) return {first, text.size() == 1};
  switch (text[1]) {
    case 't': return {'\t', text.size() == 2};
    case 'n': return {'\n', text.size() == 2};
    case 'r': return {'\r', text.size() == 2};
    case 'x': {
      unsigned value = 0;
      const std::size_t end = std::min<std::size_t>(4, text.size());
      if (std::from_chars(text.data() + 2, text.data() + end, value, 16).ptr != text.data() + 4) return {};
      return {static_cast<unsigned char>(value), text.size() == 4};
    }
    default: return {static_cast<unsigned char>(text[1]), text.size() == 2};
  }
}

// libllama's tokenizer for RWKV never ends, and takes memory all the while, if a text begins like
// a token and no token ends there.
Result<void> check_rwkv_tokens(const GgufFile& file, const std::vector<std::string_view>& tokens) {
  std::array<bool, 256> begins{};
  std::array<bool, 256> alone{};
  for (const std::string_view token : tokens) {
    if (token.empty()) continue;
    const FirstByte first = first_rwkv_byte(token);
    begins[first.byte] = true;
    alone[first.byte] |= first.alone;
  }
  for (std::size_t byte = 0; byte < begins.size(); ++byte)
    if (begins[byte] && !alone[byte])
      return refuse(file, "its vocabulary has no token for byte " + std::to_string(byte) + " alone");
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
  if (*model == "bert") HYPRSTREAM_TRY(check_word_pieces(file));
  if (*model == "rwkv") HYPRSTREAM_TRY(check_rwkv_tokens(file, *tokens));
  HYPRSTREAM_TRY(check_merges(file));
  return check_ids(file, tokens->size());
}

}  // namespace hyprstream

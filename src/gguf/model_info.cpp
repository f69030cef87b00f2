#include "gguf/model_info.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf/split_files.hpp"

namespace hyprstream {
namespace {

// llama.cpp's file types (enum llama_ftype) under the names that users and model files know.
constexpr std::array<std::pair<std::uint64_t, std::string_view>, 39> kFileTypes = {{
    {0, "F32"},       {1, "F16"},       {2, "Q4_0"},      {3, "Q4_1"},    {7, "Q8_0"},     {8, "Q5_0"},
    {9, "Q5_1"},      {10, "Q2_K"},     {11, "Q3_K_S"},   {12, "Q3_K_M"}, {13, "Q3_K_L"},  {14, "Q4_K_S"},
    {15, "Q4_K_M"},   {16, "Q5_K_S"},   {17, "Q5_K_M"},   {18, "Q6_K"},   {19, "IQ2_XXS"}, {20, "IQ2_XS"},
    {21, "Q2_K_S"},   {22, "IQ3_XS"},   {23, "IQ3_XXS"},  {24, "IQ1_S"},  {25, "IQ4_NL"},  {26, "IQ3_S"},
    {27, "IQ3_M"},    {28, "IQ2_S"},    {29, "IQ2_M"},    {30, "IQ4_XS"}, {31, "IQ1_M"},   {32, "BF16"},
    {36, "TQ1_0"},    {37, "TQ2_0"},    {38, "MXFP4"},    {39, "NVFP4"},  {40, "Q1_0"},    {41, "Q2_0"},
    {33, "Q4_0_4_4"}, {34, "Q4_0_4_8"}, {35, "Q4_0_8_8"},
}};
constexpr std::uint64_t kGuessedFlag = 1024;  // llama.cpp's mark for "not said by the file"

class InfoReader {
 public:
  explicit InfoReader(const GgufFile& file) : file_(file) {}

  Result<ModelInfo> read();

 private:
  Result<void> read_general();
  Result<void> read_sizes();
  Result<void> read_tokenizer();
  Result<void> read_tensors();

  // "<architecture>.NAME" as an int; the largest where layers differ; 0 if missing.
  Result<int> number(std::string_view name, bool* differs = nullptr) const;
  void count_tensors(const GgufFile& part);

  const GgufFile& file_;
  ModelInfo info_;
  std::map<TensorType, std::uint64_t> elements_by_type_;  // of matrices
};

Result<ModelInfo> InfoReader::read() {
  info_.path = file_.path().string();
  HYPRSTREAM_TRY(read_general());
  HYPRSTREAM_TRY(read_sizes());
  HYPRSTREAM_TRY(read_tokenizer());
  HYPRSTREAM_TRY(read_tensors());
  return std::move(info_);
}

Result<void> InfoReader::read_general() {
  HYPRSTREAM_ASSIGN(const auto type, file_.find_string("general.type"));
  if (type && *type != "model")
    return fail(ErrorCode::kUnsupported, info_.path + " is no model (its general.type is '" + std::string(*type) +
                                             "'): give the GGUF of a language model");
  // A later part of a split model has no metadata of its own: say that first.
  HYPRSTREAM_TRY(further_parts(file_));
  HYPRSTREAM_ASSIGN(const auto architecture, file_.find_string("general.architecture"));
  if (!architecture || architecture->empty())
    return fail(ErrorCode::kCorrupt, info_.path +
                                         " does not say its architecture (key general.architecture): give "
                                         "the GGUF of a language model");
  if (*architecture == "clip")
    return fail(ErrorCode::kUnsupported, info_.path +
                                             " is a projector for images or sound (architecture 'clip'), no "
                                             "model of its own: give the language model that it belongs to");
  info_.architecture = *architecture;
  HYPRSTREAM_ASSIGN(const auto name, file_.find_string("general.name"));
  info_.name = name && !name->empty() ? std::string(*name) : file_.path().stem().string();
  HYPRSTREAM_ASSIGN(const auto license, file_.find_string("general.license"));
  if (license) info_.license = *license;
  return {};
}

Result<int> InfoReader::number(std::string_view name, bool* differs) const {
  const std::string key = info_.architecture + "." + std::string(name);
  const GgufValue* value = file_.find(key);
  if (value == nullptr) return 0;
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  if (value->type == GgufValueType::kArray) {
    const auto numbers = file_.find_uints(key);
    if (!numbers) return std::unexpected(numbers.error());
    if ((*numbers)->empty()) return 0;
    const auto [low, high] = std::ranges::minmax(**numbers);
    least = low;
    most = high;
  } else {
    HYPRSTREAM_ASSIGN(const auto single, file_.find_uint(key));
    least = most = single.value_or(0);
  }
  if (most > static_cast<std::uint64_t>(std::numeric_limits<int>::max()))
    return fail(ErrorCode::kCorrupt, info_.path + " is damaged: key '" + key + "' is " + std::to_string(most) +
                                         ", which is far too large; get the file again");
  if (differs != nullptr) *differs = least != most;
  return static_cast<int>(most);
}

Result<void> InfoReader::read_sizes() {
  bool differs = false;
  HYPRSTREAM_ASSIGN(info_.layers, number("block_count"));
  HYPRSTREAM_ASSIGN(info_.hidden_size, number("embedding_length"));
  HYPRSTREAM_ASSIGN(info_.feed_forward_size, number("feed_forward_length", &differs));
  if (differs) info_.feed_forward_size = 0;
  HYPRSTREAM_ASSIGN(info_.heads, number("attention.head_count"));
  HYPRSTREAM_ASSIGN(info_.kv_heads, number("attention.head_count_kv"));
  if (info_.kv_heads == 0) info_.kv_heads = info_.heads;
  HYPRSTREAM_ASSIGN(info_.head_size, number("attention.key_length"));
  if (info_.head_size == 0 && info_.heads > 0) info_.head_size = info_.hidden_size / info_.heads;
  HYPRSTREAM_ASSIGN(info_.context_length, number("context_length"));
  HYPRSTREAM_ASSIGN(info_.vocabulary_size, number("vocab_size"));
  // 0 stands for none, 4 for a ranking head, which is no embedding.
  HYPRSTREAM_ASSIGN(const int pooling, number("pooling_type"));
  if (pooling == 1) info_.pooling = PoolingType::kMean;
  if (pooling == 2) info_.pooling = PoolingType::kFirst;
  if (pooling == 3) info_.pooling = PoolingType::kLast;
  return {};
}

Result<void> InfoReader::read_tokenizer() {
  HYPRSTREAM_ASSIGN(const auto model, file_.find_string("tokenizer.ggml.model"));
  if (model) info_.tokenizer = *model;
  HYPRSTREAM_ASSIGN(const auto chat_template, file_.find_string("tokenizer.chat_template"));
  if (chat_template) info_.chat_template = *chat_template;
  if (const GgufValue* tokens = file_.find("tokenizer.ggml.tokens")) {
    if (tokens->type != GgufValueType::kArray || tokens->count > std::numeric_limits<int>::max())
      return fail(ErrorCode::kCorrupt,
                  info_.path + " is damaged: key 'tokenizer.ggml.tokens' is not a list of texts; get the file again");
    info_.vocabulary_size = static_cast<int>(tokens->count);
  }
  return {};
}

void InfoReader::count_tensors(const GgufFile& part) {
  info_.file_size += part.file_size();
  for (const GgufTensor& tensor : part.tensors()) {
    info_.parameters += tensor.elements;
    if (tensor.shape.size() > 1) elements_by_type_[tensor.type] += tensor.elements;
  }
}

Result<void> InfoReader::read_tensors() {
  count_tensors(file_);
  HYPRSTREAM_ASSIGN(const auto parts, further_parts(file_));
  for (const auto& path : parts) {
    HYPRSTREAM_ASSIGN(const GgufFile part, GgufFile::open(path));
    count_tensors(part);
  }
  HYPRSTREAM_ASSIGN(const auto file_type, file_.find_uint("general.file_type"));
  if (file_type) {
    const auto known =
        std::ranges::find(kFileTypes, *file_type & ~kGuessedFlag, &std::pair<std::uint64_t, std::string_view>::first);
    if (known != kFileTypes.end()) info_.quantization = known->second;
  }
  if (info_.quantization.empty() && !elements_by_type_.empty())
    info_.quantization = tensor_type_name(
        std::ranges::max_element(elements_by_type_, {}, [](const auto& entry) { return entry.second; })->first);
  return {};
}

}  // namespace

Result<ModelInfo> read_model_info(const GgufFile& file) { return InfoReader(file).read(); }

}  // namespace hyprstream

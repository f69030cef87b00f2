#include "adapter_files/rope_rows.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <string_view>

namespace hyprstream {
namespace {

constexpr std::array<std::string_view, 12> kInterleaved{"arcee",         "arctic",     "deepseek", "granite",
                                                        "granitehybrid", "granitemoe", "llada",    "llama",
                                                        "minicpm",       "nanbeige",   "olmo",     "smollm3"};
// Permuted in a way of their own: heads that differ from layer to layer, another grouping.
constexpr std::array<std::string_view, 3> kOther{"chameleon", "deci", "xverse"};

}  // namespace

Result<std::vector<std::size_t>> rope_row_order(const BaseModel& base, LinearId id, std::size_t rows) {
  if (id.module != LinearModule::kQ && id.module != LinearModule::kK) return std::vector<std::size_t>();
  if (std::ranges::contains(kOther, base.architecture))
    return fail(
        ErrorCode::kUnsupported,
        std::format("PEFT adapters on q_proj and k_proj of {} models are not supported: llama.cpp keeps the rows of "
                    "their {} in an order of its own",
                    base.architecture, linear_weight_name(id)));
  if (!std::ranges::contains(kInterleaved, base.architecture)) return std::vector<std::size_t>();
  const std::size_t heads = id.module == LinearModule::kQ ? base.heads : base.kv_heads;
  if (heads == 0 || rows % (2 * heads) != 0)
    return fail(
        ErrorCode::kUnsupported,
        std::format("{} has {} rows in {}, which are not {} heads of even size, so that they cannot be put in order",
                    base.name, rows, linear_weight_name(id), heads));
  const std::size_t size = rows / heads;
  const std::size_t half = size / 2;
  std::vector<std::size_t> order(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t within = row % size;
    order[row] = row - within + 2 * (within % half) + within / half;
  }
  return order;
}

}  // namespace hyprstream

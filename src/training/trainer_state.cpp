#include "training/trainer_state.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <format>
#include <ranges>
#include <span>

#include "base/sha256.hpp"
#include "training/pruning.hpp"

namespace hyprstream {
namespace {

// The file, little endian: kMagic; what the run must agree in, as lines (length, text); the adapter's id; steps;
// number of places; a bit for each that lives; the values, first and second moments of those that live, or, while
// pruning goes on, of all entries; SHA-256 of all that in hex.
constexpr std::string_view kMagic = "HYPRTRN2";
constexpr std::size_t kDigest = 64;
constexpr std::size_t kUuid = 36;
static_assert(std::endian::native == std::endian::little);

std::string identity(const LoraTrainingOptions& options, const TrainableAdapter& adapter) {
  const auto& description = adapter.description();
  return std::format(
      "model {}\nrank {}\nalpha {}\ntarget modules {}\nsparsity {}\nbegin of pruning {}\nend of pruning {}\n"
      "number of steps {}\nbeta1 {}\nbeta2 {}\nepsilon {}\nweight decay {}\nmaximal gradient norm {}\n"
      "tokens at once {}\nnumber of values {}\n",
      description.base.header_sha256, description.rank, description.alpha,
      format_target_modules(description.target_modules), options.sparsity, options.prune_begin, options.prune_end,
      options.total_steps, options.beta1, options.beta2, options.epsilon, options.weight_decay, options.max_grad_norm,
      options.max_tokens_per_pass, adapter.entries());
}

// "model", "rank": the name of the first line that differs.
std::string first_difference(std::string_view a, std::string_view b) {
  for (const auto [left, right] : std::views::zip(std::views::split(a, '\n'), std::views::split(b, '\n')))
    if (const std::string_view line(left.begin(), left.end()); line != std::string_view(right.begin(), right.end()))
      return std::string(line.substr(0, line.rfind(' ')));
  return "settings";
}

class Writer {
 public:
  explicit Writer(std::size_t expected) { bytes_.reserve(expected); }

  void text(std::string_view text) { bytes_.append(text); }
  template <typename T>
  void value(T value) {
    const auto raw = std::bit_cast<std::array<char, sizeof(T)>>(value);
    bytes_.append(raw.data(), raw.size());
  }
  std::string& bytes() noexcept { return bytes_; }

 private:
  std::string bytes_;
};

std::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::kCorrupt,
              std::format("the state of training is damaged ({}): go on from an older checkpoint", what));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : bytes_(bytes) {}

  std::size_t left() const noexcept { return bytes_.size(); }
  Result<std::string_view> text(std::uint64_t size) {
    if (size > bytes_.size()) return damaged("it ends early");
    const auto result = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return result;
  }
  Result<std::uint64_t> number() {
    HYPRSTREAM_ASSIGN(const auto raw, text(sizeof(std::uint64_t)));
    std::uint64_t value = 0;
    std::memcpy(&value, raw.data(), sizeof(value));
    return value;
  }

 private:
  std::string_view bytes_;
};

bool bit(std::string_view bits, std::size_t at) noexcept {
  return (static_cast<unsigned char>(bits[at / 8]) >> (at % 8) & 1U) != 0;
}

float value_at(std::string_view values, std::size_t at) noexcept {
  float value = 0;
  std::memcpy(&value, values.data() + at * sizeof(float), sizeof(value));
  return value;
}

// Which places have values in the state: what is silent may come back.
class StoredPlaces {
 public:
  StoredPlaces(const LoraTrainingOptions& options, const TrainableAdapter& adapter, std::size_t steps)
      : adapter_(adapter), all_(pruning_phase(options, steps) == PruningPhase::kDuring) {}

  bool contains(std::size_t place, bool lives) const noexcept { return all_ ? adapter_.is_entry(place) : lives; }
  std::size_t count(std::size_t living) const noexcept { return all_ ? adapter_.entries() : living; }

 private:
  const TrainableAdapter& adapter_;
  bool all_;
};

}  // namespace

Result<std::string> write_trainer_state(const LoraTrainingOptions& options, const TrainableAdapter& adapter,
                                        std::size_t steps) {
  const auto alive = adapter.alive();
  const auto same = identity(options, adapter);
  const StoredPlaces stored(options, adapter, steps);
  Writer writer(same.size() + alive.size() / 8 + stored.count(adapter.alive_entries()) * 3 * sizeof(float) + 256);
  writer.text(kMagic);
  writer.value(std::uint64_t{same.size()});
  writer.text(same);
  writer.text(adapter.description().id);
  writer.value(std::uint64_t{steps});
  writer.value(std::uint64_t{alive.size()});
  for (std::size_t i = 0; i < alive.size(); i += 8) {
    unsigned bits = 0;
    for (std::size_t j = i; j < std::min(i + 8, alive.size()); ++j) bits |= unsigned{alive[j]} << (j - i);
    writer.value(static_cast<std::uint8_t>(bits));
  }
  for (const auto values : {adapter.values(), adapter.first_moments(), adapter.second_moments()})
    for (std::size_t i = 0; i < alive.size(); ++i)
      if (stored.contains(i, alive[i] != 0)) writer.value(values[i]);
  HYPRSTREAM_ASSIGN(const auto digest, sha256_hex(std::as_bytes(std::span(writer.bytes()))));
  writer.text(digest);
  return std::move(writer.bytes());
}

Result<std::size_t> read_trainer_state(std::string_view state, const LoraTrainingOptions& options,
                                       TrainableAdapter& adapter) {
  if (!state.starts_with(kMagic)) return fail(ErrorCode::kCorrupt, "this is no state of training");
  if (state.size() < kMagic.size() + kDigest) return damaged("it ends early");
  const auto content = state.substr(0, state.size() - kDigest);
  HYPRSTREAM_ASSIGN(const auto digest, sha256_hex(std::as_bytes(std::span(content))));
  if (digest != state.substr(content.size())) return damaged("its digest is wrong");
  Reader reader(content.substr(kMagic.size()));
  HYPRSTREAM_ASSIGN(const auto length, reader.number());
  HYPRSTREAM_ASSIGN(const auto same, reader.text(length));
  if (const auto own = identity(options, adapter); same != own)
    return fail(ErrorCode::kInvalidArgument,
                std::format("the state is of a run with another {}: go on with the model and the settings that it was "
                            "begun with",
                            first_difference(own, same)));
  HYPRSTREAM_ASSIGN(const auto id, reader.text(kUuid));
  HYPRSTREAM_ASSIGN(const auto steps, reader.number());
  HYPRSTREAM_ASSIGN(const auto places, reader.number());
  const auto alive = adapter.alive();
  if (places != alive.size() || !is_uuid(id)) return damaged("it does not fit its own settings");
  HYPRSTREAM_ASSIGN(const auto bits, reader.text((places + 7) / 8));
  std::size_t living = 0;
  for (std::size_t i = 0; i < alive.size(); ++i) {
    if (bit(bits, i) && !adapter.is_entry(i)) return damaged("it has a value where the adapter has none");
    living += bit(bits, i) ? 1 : 0;
  }
  const StoredPlaces stored(options, adapter, static_cast<std::size_t>(steps));
  const std::size_t count = stored.count(living);
  if (reader.left() != count * 3 * sizeof(float)) return damaged("its length is wrong");
  HYPRSTREAM_ASSIGN(const auto values, reader.text(count * sizeof(float)));
  HYPRSTREAM_ASSIGN(const auto first, reader.text(count * sizeof(float)));
  HYPRSTREAM_ASSIGN(const auto second, reader.text(count * sizeof(float)));
  for (std::size_t k = 0; k < count; ++k)
    if (!std::isfinite(value_at(values, k)) || !std::isfinite(value_at(first, k)) ||
        !(value_at(second, k) >= 0 && std::isfinite(value_at(second, k))))
      return damaged("it has a value that is no number");
  // Nothing fails from here on.
  adapter.set_id(id);
  std::size_t next = 0;
  for (std::size_t i = 0; i < alive.size(); ++i) {
    const bool lives = bit(bits, i);
    alive[i] = lives ? 1 : 0;
    const bool has_value = stored.contains(i, lives);
    adapter.values()[i] = has_value ? value_at(values, next) : 0;
    adapter.first_moments()[i] = has_value ? value_at(first, next) : 0;
    adapter.second_moments()[i] = has_value ? value_at(second, next) : 0;
    next += has_value ? 1 : 0;
  }
  return static_cast<std::size_t>(steps);
}

}  // namespace hyprstream

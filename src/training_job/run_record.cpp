#include "training_job/run_record.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <random>
#include <span>
#include <utility>

#include "base/hex.hpp"
#include "base/json.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr std::size_t kIdDigits = 24;
constexpr std::array<std::string_view, 6> kStatusNames{"queued",    "running", "interrupted",
                                                       "succeeded", "failed",  "cancelled"};
constexpr std::array<std::string_view, 3> kPublishNames{"best", "end", "improved"};

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json options_json(const TrainingRunOptions& o) {
  return {{"name", o.name},
          {"base", o.base},
          {"data", o.data},
          {"validation", or_null(o.validation)},
          {"validation_split", o.validation_split},
          {"rank", o.rank},
          {"alpha", o.alpha},
          {"target_modules", o.target_modules},
          {"sparsity", o.sparsity},
          {"epochs", o.epochs},
          {"iterations", or_null(o.iterations)},
          {"batch_size", o.batch_size},
          {"grad_accumulation_steps", o.accumulation_steps},
          {"max_seq_length", o.max_tokens},
          {"truncate", o.truncate},
          {"mask_prompt", o.mask_prompt},
          {"learning_rate", o.learning_rate},
          {"schedule", schedule_name(o.schedule)},
          {"warmup", o.warmup},
          {"weight_decay", o.weight_decay},
          {"max_grad_norm", o.max_grad_norm},
          {"seed", o.seed},
          {"steps_per_eval", o.steps_per_eval},
          {"save_every", o.save_every},
          {"steps_per_report", o.steps_per_report},
          {"kept_checkpoints", o.kept_checkpoints},
          {"publish", kPublishNames[static_cast<std::size_t>(o.publish)]},
          {"threads", o.threads}};
}

// Reads fields into their targets; the first that is missing or of another type is remembered.
class FieldReader {
 public:
  FieldReader(const Json& object, std::string_view what) : object_(object), what_(what) {}

  template <typename T>
  void read(const char* name, T& target) {
    if (!object_.is_object() || !object_.contains(name)) return miss(name);
    try {
      object_.at(name).get_to(target);
    } catch (const nlohmann::json::exception&) {
      miss(name);
    }
  }
  template <typename T>
  void read(const char* name, std::optional<T>& target) {
    if (!object_.is_object() || !object_.contains(name)) return miss(name);
    if (object_.at(name).is_null()) return target.reset();
    T value{};
    read(name, value);
    target = std::move(value);
  }
  // One of the names, as the enumerator of its place.
  template <typename Enum, std::size_t N>
  void read_name(const char* name, const std::array<std::string_view, N>& names, Enum& target) {
    std::string text;
    read(name, text);
    const auto found = std::ranges::find(names, text);
    if (found == names.end()) return miss(name);
    target = static_cast<Enum>(found - names.begin());
  }
  void miss(const char* name) {
    if (bad_.empty()) bad_ = name;
  }

  Result<void> result() const {
    if (bad_.empty()) return {};
    return fail(ErrorCode::kCorrupt, std::format("{} has no usable '{}'", what_, bad_));
  }

 private:
  const Json& object_;
  std::string_view what_;
  std::string bad_;
};

Result<TrainingRunOptions> read_options(const Json& json, std::string_view what) {
  TrainingRunOptions o;
  FieldReader fields(json, what);
  fields.read("name", o.name);
  fields.read("base", o.base);
  fields.read("data", o.data);
  fields.read("validation", o.validation);
  fields.read("validation_split", o.validation_split);
  fields.read("rank", o.rank);
  fields.read("alpha", o.alpha);
  fields.read("target_modules", o.target_modules);
  fields.read("sparsity", o.sparsity);
  fields.read("epochs", o.epochs);
  fields.read("iterations", o.iterations);
  fields.read("batch_size", o.batch_size);
  fields.read("grad_accumulation_steps", o.accumulation_steps);
  fields.read("max_seq_length", o.max_tokens);
  fields.read("truncate", o.truncate);
  fields.read("mask_prompt", o.mask_prompt);
  fields.read("learning_rate", o.learning_rate);
  std::string schedule;
  fields.read("schedule", schedule);
  if (const auto known = parse_schedule(schedule))
    o.schedule = *known;
  else
    fields.miss("schedule");
  fields.read("warmup", o.warmup);
  fields.read("weight_decay", o.weight_decay);
  fields.read("max_grad_norm", o.max_grad_norm);
  fields.read("seed", o.seed);
  fields.read("steps_per_eval", o.steps_per_eval);
  fields.read("save_every", o.save_every);
  fields.read("steps_per_report", o.steps_per_report);
  fields.read("kept_checkpoints", o.kept_checkpoints);
  fields.read_name("publish", kPublishNames, o.publish);
  fields.read("threads", o.threads);
  HYPRSTREAM_TRY(fields.result());
  return o;
}

Json published_json(const PublishedVersion& version) {
  return {{"adapter", version.adapter},
          {"step", version.step},
          {"train_loss", version.train_loss},
          {"validation_loss", or_null(version.validation_loss)},
          {"created_at", version.created_at}};
}

Result<PublishedVersion> read_published(const Json& json, std::string_view what) {
  PublishedVersion version;
  FieldReader fields(json, what);
  fields.read("adapter", version.adapter);
  fields.read("step", version.step);
  fields.read("train_loss", version.train_loss);
  fields.read("validation_loss", version.validation_loss);
  fields.read("created_at", version.created_at);
  HYPRSTREAM_TRY(fields.result());
  return version;
}

}  // namespace

std::string_view run_status_name(RunStatus status) noexcept { return kStatusNames[static_cast<std::size_t>(status)]; }

std::string format_run_record(const TrainingRunRecord& r) {
  Json published = Json::array();
  for (const auto& version : r.published) published.push_back(published_json(version));
  const Json json = {{"format", kFormat},
                     {"id", r.id},
                     {"status", run_status_name(r.status)},
                     {"error", r.error},
                     {"created_at", r.created_at},
                     {"created_ns", r.created_ns},
                     {"updated_at", r.updated_at},
                     {"finished_at", r.finished_at},
                     {"base_sha256", r.base_sha256},
                     {"data_sha256", r.data_sha256},
                     {"examples", r.examples},
                     {"validation_examples", r.validation_examples},
                     {"step", r.step},
                     {"total_steps", r.total_steps},
                     {"trained_tokens", r.trained_tokens},
                     {"seconds", r.seconds},
                     {"train_loss", or_null(r.train_loss)},
                     {"base_validation_loss", or_null(r.base_validation_loss)},
                     {"validation_loss", or_null(r.validation_loss)},
                     {"best_validation_loss", or_null(r.best_validation_loss)},
                     {"best_step", r.best_step},
                     {"evaluated_step", r.evaluated_step},
                     {"sparsity", r.sparsity},
                     {"idle_starts", r.idle_starts},
                     {"published", published},
                     {"options", options_json(r.options)},
                     {"request", r.request}};
  // File names need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<TrainingRunRecord> parse_run_record(std::string_view text, std::string_view what) {
  HYPRSTREAM_ASSIGN(const auto json, parse_ordered_json(text, what));
  TrainingRunRecord r;
  FieldReader fields(json, what);
  int format = 0;
  fields.read("format", format);
  HYPRSTREAM_TRY(fields.result());
  if (format > kFormat) return fail(ErrorCode::kUnsupported, std::format("{} was written by a newer hyprstream", what));
  fields.read("id", r.id);
  if (!is_run_id(r.id)) fields.miss("id");
  fields.read_name("status", kStatusNames, r.status);
  fields.read("error", r.error);
  fields.read("created_at", r.created_at);
  fields.read("updated_at", r.updated_at);
  fields.read("finished_at", r.finished_at);
  fields.read("base_sha256", r.base_sha256);
  fields.read("data_sha256", r.data_sha256);
  fields.read("examples", r.examples);
  fields.read("validation_examples", r.validation_examples);
  fields.read("step", r.step);
  fields.read("total_steps", r.total_steps);
  fields.read("trained_tokens", r.trained_tokens);
  fields.read("seconds", r.seconds);
  fields.read("train_loss", r.train_loss);
  fields.read("base_validation_loss", r.base_validation_loss);
  fields.read("validation_loss", r.validation_loss);
  fields.read("best_validation_loss", r.best_validation_loss);
  fields.read("best_step", r.best_step);
  fields.read("evaluated_step", r.evaluated_step);
  fields.read("sparsity", r.sparsity);
  // Not in records of 0.1.0's first days.
  if (json.contains("created_ns")) fields.read("created_ns", r.created_ns);
  if (json.contains("idle_starts")) fields.read("idle_starts", r.idle_starts);
  if (!json.contains("published") || !json["published"].is_array()) fields.miss("published");
  if (!json.contains("options")) fields.miss("options");
  HYPRSTREAM_TRY(fields.result());
  for (const auto& entry : json["published"]) {
    HYPRSTREAM_ASSIGN(auto version, read_published(entry, what));
    r.published.push_back(std::move(version));
  }
  HYPRSTREAM_ASSIGN(r.options, read_options(json["options"], what));
  if (json.contains("request")) r.request = json["request"];
  return r;
}

std::string fresh_run_id(std::string_view prefix) {
  std::random_device random;
  std::array<std::byte, kIdDigits / 2> bytes;
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return std::string(prefix) + to_hex(bytes);
}

bool is_run_id(std::string_view text) noexcept {
  for (const std::string_view prefix : {"run-", "ftjob-"})
    if (text.starts_with(prefix) && is_lower_hex(text.substr(prefix.size()), kIdDigits)) return true;
  return false;
}

}  // namespace hyprstream

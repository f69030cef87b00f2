// /v1/fine_tuning/jobs: training, as OpenAI's clients ask for it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <format>
#include <sstream>
#include <utility>

#include "api/endpoints.hpp"
#include "api/fine_tuning_fields.hpp"
#include "api/json_response.hpp"
#include "fine_tuning/fine_tuning_service.hpp"
#include "uploads/upload_store.hpp"

namespace hyprstream {
namespace {

using Json = nlohmann::ordered_json;

constexpr long long kMostOnPage = 100;
constexpr long long kUsualPage = 20;

// Seconds since 1970 of an RFC 3339 time; null for none.
Json unix_time(const std::string& text) {
  std::istringstream stream(text);
  std::chrono::sys_seconds time;
  if (!(stream >> std::chrono::parse("%FT%TZ", time))) return nullptr;
  return time.time_since_epoch().count();
}

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

Json hyperparameters_json(const TrainingRunOptions& options) {
  return {{"n_epochs", options.iterations || options.epochs == 0 ? Json("auto") : Json(options.epochs)},
          {"batch_size", options.batch_size},
          {"learning_rate_multiplier", options.learning_rate / default_learning_rate(options.sparsity)},
          {"learning_rate", options.learning_rate},
          {"n_steps", or_null(options.iterations)},
          {"rank", options.rank},
          {"alpha", options.alpha},
          {"target_modules", options.target_modules},
          {"sparsity", options.sparsity},
          {"max_seq_length", options.max_tokens}};
}

Json job_json(const ApiContext& context, const FineTuningJob& job) {
  const auto& run = job.run;
  const bool ended = !run.finished_at.empty();
  const bool failed = job.status == FineTuningStatus::kFailed;
  const auto hyperparameters = hyperparameters_json(run.options);
  const auto asked = [&](const char* name) {
    return run.request.is_object() ? run.request.value(name, Json()) : Json();
  };
  Json finish = nullptr;
  if (job.seconds_left)
    finish =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count() +
        static_cast<long long>(std::ceil(*job.seconds_left));
  return {{"id", run.id},
          {"object", "fine_tuning.job"},
          {"model", context.model_id},
          {"created_at", unix_time(run.created_at)},
          {"finished_at", unix_time(run.finished_at)},
          {"estimated_finish", finish},
          {"fine_tuned_model", ended && !run.published.empty() ? Json(run.options.name) : Json()},
          {"organization_id", "hyprstream"},
          {"result_files", Json::array()},
          {"status", fine_tuning_status_name(job.status)},
          {"training_file", asked("training_file")},
          {"validation_file", asked("validation_file")},
          {"hyperparameters", hyperparameters},
          {"method", {{"type", "supervised"}, {"supervised", {{"hyperparameters", hyperparameters}}}}},
          {"trained_tokens", ended ? Json(run.trained_tokens) : Json()},
          {"seed", run.options.seed},
          {"suffix", run.options.name},
          {"metadata", asked("metadata")},
          {"integrations", Json::array()},
          {"error", failed ? Json{{"code", "training_failed"}, {"message", run.error}, {"param", nullptr}} : Json()}};
}

ApiResult<std::string> uploaded_path(const ApiContext& context, const std::string& id, const char* field) {
  const auto path = context.uploads->content_path(id);
  if (!path) return std::unexpected(invalid_field(field, path.error().message));
  return path->string();
}

ApiResult<Json> create(const ApiContext& context, const HttpRequest& request) {
  HYPRSTREAM_ASSIGN(const auto body, parse_body(request));
  const JsonFields fields(body);
  TrainingRunOptions options;
  HYPRSTREAM_ASSIGN(const auto model, fields.text("model"));
  HYPRSTREAM_ASSIGN(const auto training, fields.text("training_file"));
  HYPRSTREAM_ASSIGN(const auto validation, fields.text("validation_file"));
  HYPRSTREAM_ASSIGN(const auto suffix, fields.text("suffix"));
  HYPRSTREAM_ASSIGN(const auto seed, fields.integer("seed", 0, 0xffff'ffff));
  HYPRSTREAM_TRY(read_training_method(fields, options));
  HYPRSTREAM_ASSIGN(auto metadata, read_metadata(fields));
  if (!model) return fields.wrong("model", "the model to train on: '" + context.model_id + "'");
  if (*model != context.model_id)
    return std::unexpected(HttpError{
        .status = 404,
        .type = "invalid_request_error",
        .message = std::format("'{}' is not what can be trained here, which is '{}'", *model, context.model_id),
        .code = "model_not_found",
        .param = "model"});
  if (suffix && !is_valid_adapter_name(*suffix))
    return fields.wrong("suffix", "the new adapter's name: 1 to 64 letters, digits, '.', '_' and '-'");
  if (!training) return fields.wrong("training_file", "the id of an uploaded file");
  HYPRSTREAM_ASSIGN(options.data, uploaded_path(context, *training, "training_file"));
  if (validation) {
    HYPRSTREAM_ASSIGN(options.validation, uploaded_path(context, *validation, "validation_file"));
  }
  options.name = suffix ? *suffix : "ft-" + make_uuid().substr(0, 8);
  options.base = std::filesystem::absolute(context.model_path).lexically_normal().string();
  options.seed = static_cast<std::uint64_t>(seed.value_or(0));
  auto job = context.fine_tuning->submit(
      std::move(options),
      {{"training_file", *training}, {"validation_file", or_null(validation)}, {"metadata", std::move(metadata)}});
  if (!job) return std::unexpected(http_error(job.error()));
  return job_json(context, *job);
}

// ---- Lists ----

// Of `all` at most `limit` from behind the entry `after` on, as OpenAI pages through lists.
ApiResult<Json> page(const HttpRequest& request, const std::vector<Json>& all) {
  long long limit = kUsualPage;
  if (const auto found = request.query.find("limit"); found != request.query.end()) {
    Json value = Json::parse(found->second, nullptr, /*allow_exceptions=*/false);
    const Json object{{"limit", value.is_discarded() ? Json(found->second) : std::move(value)}};
    HYPRSTREAM_ASSIGN(const auto asked, JsonFields(object).integer("limit", 1, kMostOnPage));
    limit = asked.value_or(limit);
  }
  auto begin = all.begin();
  if (const auto after = request.query.find("after"); after != request.query.end()) {
    begin = std::ranges::find_if(all, [&](const Json& entry) { return entry["id"] == after->second; });
    if (begin == all.end()) return std::unexpected(invalid_field("after", "'after' names nothing in this list"));
    ++begin;
  }
  const auto end = begin + std::min<std::ptrdiff_t>(limit, all.end() - begin);
  return Json{{"object", "list"}, {"data", Json(std::vector<Json>(begin, end))}, {"has_more", end != all.end()}};
}

std::string level_of(const std::string& event) {
  return event == "failed" ? "error" : event == "warning" ? "warn" : "info";
}

std::string message_of(const Json& event) {
  const auto kind = event.value("event", std::string());
  const auto number = [&](const char* name) {
    const auto value = event.value(name, Json());
    return value.is_number() ? value.get<double>() : 0.0;
  };
  const std::string place = std::format("Step {:.0f}/{:.0f}", number("step"), number("total_steps"));
  if (kind == "step") return std::format("{}: training loss={:.4f}", place, number("loss"));
  if (kind == "evaluation" && event.value("validation_loss", Json()).is_null())
    return std::format("{}: validation loss of the base model={:.4f}", place, number("base_validation_loss"));
  if (kind == "evaluation") return std::format("{}: validation loss={:.4f}", place, number("validation_loss"));
  if (kind == "published") return std::format("{}: stored as {}", place, event.value("adapter", std::string()));
  if (kind == "started") return "Fine-tuning job started";
  if (kind == "stopped") return place + ": stopped and saved";
  if (kind == "checkpoint") return place + ": saved";
  if (kind == "finished" || kind == "succeeded") return "The job has successfully completed";
  const auto message = event.value("message", std::string());
  if (kind == "cancelled") return "The job was cancelled";
  return message.empty() ? kind : message;
}

Json event_object(const std::string& job, std::size_t number, const Json& event) {
  const auto kind = event.value("event", std::string());
  const bool is_metric = kind == "step" || kind == "evaluation";
  Json data = Json::object();
  if (is_metric) {
    data = event;
    data.erase("time");
    data.erase("event");
    if (data.contains("loss")) data["train_loss"] = data["loss"], data.erase("loss");
  }
  return {{"object", "fine_tuning.job.event"},
          {"id", std::format("ftevent-{}-{}", job.substr(job.find('-') + 1), number)},
          {"created_at", unix_time(event.value("time", std::string()))},
          {"level", level_of(kind)},
          {"message", message_of(event)},
          {"type", is_metric ? "metrics" : "message"},
          {"data", data}};
}

ApiResult<Json> events(const ApiContext& context, const HttpRequest& request) {
  const auto& id = request.path_parameters.at("id");
  auto logged = context.fine_tuning->events(id);
  if (!logged) return std::unexpected(http_error(logged.error()));
  std::vector<Json> all;
  for (std::size_t i = logged->size(); i-- > 0;) all.push_back(event_object(id, i, (*logged)[i]));
  return page(request, all);
}

ApiResult<Json> checkpoints(const ApiContext& context, const HttpRequest& request) {
  const auto job = context.fine_tuning->find(request.path_parameters.at("id"));
  if (!job) return std::unexpected(http_error(job.error()));
  std::vector<Json> all;
  for (std::size_t i = job->run.published.size(); i-- > 0;) {
    const auto& version = job->run.published[i];
    all.push_back({{"object", "fine_tuning.job.checkpoint"},
                   {"id", std::format("ftckpt-{}-{}", job->run.id.substr(job->run.id.find('-') + 1), version.step)},
                   {"created_at", unix_time(version.created_at)},
                   {"fine_tuned_model_checkpoint", version.adapter},
                   {"fine_tuning_job_id", job->run.id},
                   {"step_number", version.step},
                   {"metrics",
                    {{"step", version.step},
                     {"train_loss", version.train_loss},
                     {"valid_loss", or_null(version.validation_loss)}}}});
  }
  return page(request, all);
}

ApiResult<Json> cancel(const ApiContext& context, const HttpRequest& request) {
  auto job = context.fine_tuning->cancel(request.path_parameters.at("id"));
  if (!job) return std::unexpected(http_error(job.error()));
  return job_json(context, *job);
}

}  // namespace

HttpResponse handle_create_fine_tuning_job(const ApiContext& context, const HttpRequest& request) {
  return json_response(create(context, request));
}

HttpResponse handle_fine_tuning_jobs(const ApiContext& context, const HttpRequest& request) {
  std::vector<Json> all;
  for (const auto& job : context.fine_tuning->list()) all.push_back(job_json(context, job));
  return json_response(page(request, all));
}

HttpResponse handle_fine_tuning_job(const ApiContext& context, const HttpRequest& request) {
  const auto job = context.fine_tuning->find(request.path_parameters.at("id"));
  return job ? json_response(job_json(context, *job)) : error_response(http_error(job.error()));
}

HttpResponse handle_cancel_fine_tuning_job(const ApiContext& context, const HttpRequest& request) {
  return json_response(cancel(context, request));
}

HttpResponse handle_fine_tuning_events(const ApiContext& context, const HttpRequest& request) {
  return json_response(events(context, request));
}

HttpResponse handle_fine_tuning_checkpoints(const ApiContext& context, const HttpRequest& request) {
  return json_response(checkpoints(context, request));
}

}  // namespace hyprstream

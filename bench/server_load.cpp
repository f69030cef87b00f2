// Drives any OpenAI-compatible server: N clients in a closed loop, a connection for each request, all on one thread.
// Every request streams a greedy completion of a fixed length. Prints one JSON object: tokens per second, the time to
// each request's first token, the gaps between tokens, and the answers.
//
// It ends with an error if any request fails, or any answer is empty or not as long as asked for.
#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "http_exchange.hpp"

namespace {

using namespace hyprstream::bench;
using Clock = std::chrono::steady_clock;

struct Settings {
  std::string url = "http://127.0.0.1:8080";
  std::filesystem::path texts;    // prompts are cut from it
  std::size_t prompt_words = 42;  // 64 to 128 tokens of the synthetic vocabulary
  int clients = 8;
  int requests = 48;  // of all clients together
  int first = 0;      // number of the first one: another number is another prompt
  int max_tokens = 64;
  std::string traffic = "none";  // none, one, each, zipf
  int adapters = 1;              // how many there are
  std::string adapter_prefix;    // names are this and a number; empty: llama-server's ids
  std::string model;             // empty: the first that the server lists
};

// Of one request, in the order of the requests' numbers.
struct Answer {
  double first_token_ms = 0;
  std::vector<double> gaps_ms;
  std::string text;
  int tokens = 0;
};

double milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

// Pieces of real text, none twice.
std::vector<std::string> cut_prompts(const Settings& settings) {
  std::ifstream file(settings.texts);
  std::vector<std::string> words;
  for (std::string word; file >> word;)
    if (!word.contains("<|")) words.push_back(word);
  std::vector<std::string> prompts;
  for (std::size_t begin = 0; begin + settings.prompt_words <= words.size(); begin += settings.prompt_words) {
    std::string prompt;
    for (std::size_t i = begin; i < begin + settings.prompt_words; ++i) prompt += (i > begin ? " " : "") + words[i];
    prompts.push_back(std::move(prompt));
  }
  if (prompts.empty()) give_up("there is no text in " + settings.texts.string());
  return prompts;
}

// Which adapter a request uses; none: the base model. The same for every server.
class Traffic {
 public:
  explicit Traffic(const Settings& settings) : settings_(settings) {
    double sum = 0;
    for (int i = 1; i <= settings.adapters; ++i) cumulative_.push_back(sum += 1.0 / i);  // Zipf's law
    for (double& share : cumulative_) share /= sum;
  }

  std::optional<int> adapter(int request) const {
    if (settings_.traffic == "one") return 0;
    if (settings_.traffic == "each") return request % settings_.clients % settings_.adapters;
    if (settings_.traffic != "zipf") return std::nullopt;
    std::mt19937 random(static_cast<unsigned>(request) * 7919U + 17U);
    const double at = std::uniform_real_distribution(0.0, 1.0)(random);
    const auto found = std::ranges::lower_bound(cumulative_, at);
    return static_cast<int>(std::min<std::ptrdiff_t>(found - cumulative_.begin(), settings_.adapters - 1));
  }

 private:
  const Settings& settings_;
  std::vector<double> cumulative_;
};

// One client: asks, hears the answer to its end, asks again.
class Client {
 public:
  HttpClient http;

  void begin(const Settings& settings, const std::string& body, Answer& answer) {
    answer_ = &answer;
    events_ = {};
    raw_.clear();
    done_ = false;
    begun_ = last_ = Clock::now();
    // A server may close a kept connection at the moment when it is used again.
    curl_easy_setopt(http.handle(), CURLOPT_FORBID_REUSE, 1L);
    http.prepare(settings.url + "/v1/completions", &body, [this](std::string_view bytes) {
      if (raw_.size() < 500) raw_ += bytes.substr(0, 500);
      events_.add(bytes, [this](std::string_view line) { hear(line); });
    });
  }

  // What is wrong with the answer; empty: nothing.
  std::string failure(CURLcode code, const Settings& settings) const {
    if (code != CURLE_OK) return curl_easy_strerror(code);
    if (http.status() != 200) return "status " + std::to_string(http.status()) + ": " + raw_;
    if (!error_.empty()) return error_;
    if (!done_) return "the stream did not end with [DONE]: " + raw_;
    if (answer_->tokens != settings.max_tokens)
      return std::to_string(answer_->tokens) + " tokens, and not " + std::to_string(settings.max_tokens);
    if (answer_->text.empty()) return "an empty answer";
    return {};
  }

 private:
  void hear(std::string_view line) {
    const auto now = Clock::now();
    if (line == "[DONE]") {
      done_ = true;
      return;
    }
    const auto event = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (event.is_discarded() || event.contains("error")) {
      error_ = line.substr(0, 300);
      return;
    }
    if (event.contains("usage") && event["usage"].is_object())
      answer_->tokens = event["usage"].value("completion_tokens", 0);
    if (!event.contains("choices") || event["choices"].empty()) return;
    const auto text = event["choices"][0].value("text", std::string());
    if (text.empty() && answer_->text.empty()) return;  // nothing that a person could see yet
    if (answer_->text.empty())
      answer_->first_token_ms = milliseconds(now - begun_);
    else if (!text.empty())
      answer_->gaps_ms.push_back(milliseconds(now - last_));
    answer_->text += text;
    last_ = now;
  }

  Answer* answer_ = nullptr;
  EventLines events_;
  std::string raw_;  // the beginning, for messages
  std::string error_;
  bool done_ = false;
  Clock::time_point begun_, last_;
};

std::string request_body(const Settings& settings, const std::string& prompt, std::optional<int> adapter) {
  Json body = {
      {"model", settings.model}, {"prompt", prompt}, {"max_tokens", settings.max_tokens},          {"temperature", 0},
      {"ignore_eos", true},      {"stream", true},   {"stream_options", {{"include_usage", true}}}};
  if (adapter && settings.adapter_prefix.empty()) body["lora"] = Json::array({{{"id", *adapter}, {"scale", 1.0}}});
  if (adapter && !settings.adapter_prefix.empty())
    body["lora"] = Json::array({{{"name", settings.adapter_prefix + std::to_string(*adapter)}, {"scale", 1.0}}});
  return body.dump();
}

// The seconds that all took.
double drive(const Settings& settings, const std::vector<std::string>& prompts, const Traffic& traffic,
             std::vector<Answer>& answers) {
  std::vector<Client> clients(static_cast<std::size_t>(settings.clients));
  const std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi(curl_multi_init(), curl_multi_cleanup);
  // Client c has the requests c, c + clients, ..., so that what it asks for does not hang on the answers' speed.
  std::vector<std::size_t> next(clients.size());
  const auto begin = [&](std::size_t client) {
    if (next[client] >= answers.size()) return false;
    const int number = settings.first + static_cast<int>(next[client]);
    const auto& prompt = prompts[static_cast<std::size_t>(number) % prompts.size()];
    clients[client].begin(settings, request_body(settings, prompt, traffic.adapter(number)), answers[next[client]]);
    next[client] += clients.size();
    curl_multi_add_handle(multi.get(), clients[client].http.handle());
    return true;
  };
  const auto start = Clock::now();
  int running = 0;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    next[i] = i;
    running += begin(i) ? 1 : 0;
  }
  while (running > 0) {
    int active = 0;
    curl_multi_perform(multi.get(), &active);
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto code = message->data.result;
      auto* const handle = message->easy_handle;
      curl_multi_remove_handle(multi.get(), handle);
      const auto client = static_cast<std::size_t>(
          std::ranges::find(clients, handle, [](const Client& each) { return each.http.handle(); }) - clients.begin());
      if (const auto why = clients[client].failure(code, settings); !why.empty()) give_up("a request failed: " + why);
      if (!begin(client)) --running;
    }
    if (running > 0) curl_multi_poll(multi.get(), nullptr, 0, 1000, nullptr);
  }
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Json result_of(const Settings& settings, const Traffic& traffic, const std::vector<Answer>& answers, double seconds) {
  Json result = {{"requests", answers.size()}, {"seconds", seconds}};
  int tokens = 0;
  for (const auto& answer : answers) tokens += answer.tokens;
  result["tokens_per_second"] = tokens / seconds;
  result["first_token_ms"] = Json::array();
  result["gap_ms"] = Json::array();
  result["answers"] = Json::object();
  const auto rounded = [](double value) { return std::round(value * 1000) / 1000; };
  for (std::size_t i = 0; i < answers.size(); ++i) {
    result["first_token_ms"].push_back(rounded(answers[i].first_token_ms));
    for (const double gap : answers[i].gaps_ms) result["gap_ms"].push_back(rounded(gap));
    const int number = settings.first + static_cast<int>(i);
    const auto adapter = traffic.adapter(number);
    result["answers"][std::to_string(number) + (adapter ? "+" + std::to_string(*adapter) : "")] = answers[i].text;
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Drives an OpenAI-compatible server with streaming completions, and prints what it measured as JSON.");
  app.add_option("--url", settings.url, "of the server, without a path");
  app.add_option("--texts", settings.texts, "a file of text, of which the prompts are cut")->required();
  app.add_option("--prompt-words", settings.prompt_words, "of every prompt")->check(CLI::Range(1, 1000));
  app.add_option("--clients", settings.clients, "requests in flight at once")->check(CLI::Range(1, 1000));
  app.add_option("--requests", settings.requests, "of all clients together")->check(CLI::Range(1, 1'000'000));
  app.add_option("--first", settings.first, "number of the first request, which decides its prompt and adapter");
  app.add_option("--max-tokens", settings.max_tokens, "of every answer")->check(CLI::Range(1, 100'000));
  app.add_option("--traffic", settings.traffic, "adapters: none, one for all, each client its own, or drawn after Zipf")
      ->check(CLI::IsMember({"none", "one", "each", "zipf"}));
  app.add_option("--adapters", settings.adapters, "how many there are")->check(CLI::Range(1, 100'000));
  app.add_option("--adapter-prefix", settings.adapter_prefix,
                 "their names without the number; else llama-server's ids");
  app.add_option("--model", settings.model, "its name; else the first that the server lists");
  CLI11_PARSE(app, argc, argv);

  curl_global_init(CURL_GLOBAL_ALL);
  if (settings.model.empty()) {
    const auto models = HttpClient().ask(settings.url + "/v1/models");
    if (!models.contains("data") || models["data"].empty()) give_up("the server lists no model");
    settings.model = models["data"][0].value("id", std::string());
  }
  const auto prompts = cut_prompts(settings);
  const Traffic traffic(settings);
  std::vector<Answer> answers(static_cast<std::size_t>(settings.requests));
  const double seconds = drive(settings, prompts, traffic, answers);
  std::cout << result_of(settings, traffic, answers, seconds).dump() << std::endl;
  return 0;
}

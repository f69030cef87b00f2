// The hook sees every target product, with the right owner for every column.
#include "runtime/linear_hook.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <set>

#include "gguf/gguf_file.hpp"
#include "test_engine.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

TEST(LinearModule, NamesGoBothWays) {
  for (std::size_t i = 0; i < kLinearModuleCount; ++i) {
    const auto module = static_cast<LinearModule>(i);
    EXPECT_EQ(parse_linear_module(linear_module_name(module)), module);
    const auto tensor = "blk.17." + std::string(gguf_linear_name(module)) + ".weight";
    EXPECT_EQ(parse_linear_weight_name(tensor), (LinearId{17, module}));
  }
  for (const auto* name : {"", "blk.", "blk.0", "blk.0.", "blk.0.weight", "blk.0..weight", "blk.x.attn_q.weight",
                           "blk.-1.attn_q.weight", "blk.0.attn_q.bias", "blk.0.attn_qkv.weight", "output.weight",
                           "blk.99999999999.attn_q.weight", "blk.0.attn_q.weight.lora_a"})
    EXPECT_FALSE(parse_linear_weight_name(name)) << name;
  EXPECT_FALSE(parse_linear_module("qkv_proj"));
}

// Lists what it sees and changes nothing.
class Recorder final : public LinearHook {
 public:
  bool wants(LinearId) const noexcept override { return true; }
  void on_linear_output(const LinearOutput& linear) noexcept override {
    const std::lock_guard lock(mutex_);
    auto& columns = columns_of[{linear.id.layer, static_cast<int>(linear.id.module)}];
    for (const auto& column : linear.columns) columns.emplace_back(static_cast<int>(column.sequence), column.position);
  }
  std::map<std::pair<int, int>, std::vector<std::pair<int, int>>> columns_of;

 private:
  std::mutex mutex_;
};

TEST(LinearHook, SeesEveryTargetOnceAndNamesTheColumns) {
  const auto engine = load(exact_options());
  Recorder recorder;
  engine->set_linear_hook(&recorder);
  const auto a = tokens_of(*engine, "Hello, I am");
  const auto b = tokens_of(*engine, "The capital of Peru");
  const auto last_of_a = static_cast<std::int32_t>(a.size()) - 1;
  const int layers = engine->model_info().layers;
  // The first step finds the ways through the graph, the second makes the graph take them, the third
  // takes the same graph again.
  for (int round = 0; round < 3; ++round) {
    recorder.columns_of.clear();
    const auto first = ScopedSequence::open(*engine);
    const auto second = ScopedSequence::open(*engine);
    const std::vector<StepInput> inputs = {{first->id(), a, {&last_of_a, 1}}, {second->id(), b, {}}};
    ASSERT_TRUE(engine->step(inputs));

    std::vector<std::pair<int, int>> all;
    for (int i = 0; i < std::ssize(a); ++i) all.emplace_back(static_cast<int>(first->id()), i);
    for (int i = 0; i < std::ssize(b); ++i) all.emplace_back(static_cast<int>(second->id()), i);
    const std::vector<std::pair<int, int>> outputs = {{static_cast<int>(first->id()), last_of_a}};
    ASSERT_EQ(recorder.columns_of.size(), static_cast<std::size_t>(layers) * kLinearModuleCount);
    for (auto& [id, columns] : recorder.columns_of) {
      // After the attention of the last layer only rows with outputs are left.
      const bool pruned = id.first == layers - 1 && id.second >= static_cast<int>(LinearModule::kGate);
      std::ranges::sort(columns);
      EXPECT_EQ(columns, pruned ? outputs : all) << "round " << round << ": " << id.first << "," << id.second;
    }
  }
  engine->set_linear_hook(nullptr);
}

// What a hook sees is y = W x of the file's own weights.
class ProductCheck final : public LinearHook {
 public:
  explicit ProductCheck(const GgufFile& file) : file_(file) {}
  bool wants(LinearId id) const noexcept override { return id.layer == 2; }
  void on_linear_output(const LinearOutput& linear) noexcept override {
    const std::lock_guard lock(mutex_);
    const auto name = "blk.2." + std::string(gguf_linear_name(linear.id.module)) + ".weight";
    const auto* tensor = file_.find_tensor(name);
    if (tensor == nullptr || tensor->shape != std::vector<std::uint64_t>{linear.in, linear.out}) {
      shapes_match = false;
      return;
    }
    std::vector<float> weights(linear.in * linear.out);
    std::memcpy(weights.data(), tensor->data.data(), weights.size() * sizeof(float));
    for (std::size_t column = 0; column < linear.columns.size(); ++column)
      for (std::size_t row = 0; row < linear.out; ++row) {
        double sum = 0;
        for (std::size_t i = 0; i < linear.in; ++i)
          sum += static_cast<double>(weights[row * linear.in + i]) *
                 static_cast<double>(linear.input[column * linear.input_stride + i]);
        const double seen = static_cast<double>(linear.output[column * linear.output_stride + row]);
        largest_error = std::max(largest_error, std::abs(sum - seen));
      }
    columns_checked += linear.columns.size();
  }
  bool shapes_match = true;
  double largest_error = 0;
  std::size_t columns_checked = 0;

 private:
  std::mutex mutex_;
  const GgufFile& file_;
};

TEST(LinearHook, SeesWeightTimesInput) {
  const auto engine = load(exact_options());
  const auto file = GgufFile::open(HYPRSTREAM_F32_MODEL);
  ASSERT_TRUE(file);
  ProductCheck check(*file);
  engine->set_linear_hook(&check);
  const auto tokens = tokens_of(*engine, prompts()[0]);
  const std::int32_t last = static_cast<std::int32_t>(tokens.size()) - 1;
  // By stopping the graph first, from within it then.
  for (std::size_t round = 1; round <= 2; ++round) {
    logits_alone(*engine, tokens, {&last, 1});
    EXPECT_EQ(check.columns_checked, round * kLinearModuleCount * tokens.size());
  }
  EXPECT_TRUE(check.shapes_match);
  EXPECT_LT(check.largest_error, 1e-3);
}

// Adds to each column a vector that depends on who the column belongs to and where it stands: if
// columns were taken for another's, or for another position's, the logits would differ.
class Marker final : public LinearHook {
 public:
  std::map<SequenceId, int> personas;

  std::set<LinearModule> modules = {LinearModule::kQ,    LinearModule::kK,  LinearModule::kV,   LinearModule::kO,
                                    LinearModule::kGate, LinearModule::kUp, LinearModule::kDown};

  bool wants(LinearId id) const noexcept override { return modules.contains(id.module); }
  void on_linear_output(const LinearOutput& linear) noexcept override {
    for (std::size_t column = 0; column < linear.columns.size(); ++column) {
      const auto found = personas.find(linear.columns[column].sequence);
      if (found == personas.end() || found->second == 0) continue;
      float* y = linear.output + column * linear.output_stride;
      const auto seed = static_cast<float>(found->second * 31 + linear.columns[column].position * 7 +
                                           linear.id.layer * 3 + static_cast<int>(linear.id.module));
      for (std::size_t i = 0; i < linear.out; ++i) y[i] += 0.3F * std::sin(seed + static_cast<float>(i));
    }
  }
};

struct Job {
  std::string text;
  int persona;
  bool all_outputs;
};

std::vector<std::vector<float>> run(RuntimeEngine& engine, Marker& marker, const std::vector<Job>& jobs) {
  std::vector<ScopedSequence> sequences;
  std::vector<std::vector<Token>> tokens;
  std::vector<std::vector<std::int32_t>> outputs;
  marker.personas.clear();
  for (const auto& job : jobs) {
    sequences.push_back(std::move(*ScopedSequence::open(engine)));
    marker.personas[sequences.back().id()] = job.persona;
    tokens.push_back(tokens_of(engine, job.text));
    auto& wanted = outputs.emplace_back();
    for (std::int32_t i = 0; i < std::ssize(tokens.back()); ++i)
      if (job.all_outputs || i + 1 == std::ssize(tokens.back())) wanted.push_back(i);
  }
  std::vector<StepInput> inputs;
  for (std::size_t i = 0; i < jobs.size(); ++i) inputs.push_back({sequences[i].id(), tokens[i], outputs[i]});
  const auto output = engine.step(inputs);
  std::vector<std::vector<float>> rows;
  if (!output) {
    ADD_FAILURE() << output.error().message;
    return rows;
  }
  for (const auto row : output->logits) rows.emplace_back(row.begin(), row.end());
  return rows;
}

TEST(LinearHook, AMixedBatchEqualsTheSameSequencesAlone) {
  const auto engine = load(exact_options());
  Marker marker;
  engine->set_linear_hook(&marker);
  const std::vector<Job> jobs = {{prompts()[0], 1, false}, {prompts()[1], 0, false}, {prompts()[2], 2, true},
                                 {prompts()[3], 3, false}, {prompts()[5], 1, true},  {prompts()[6], 4, false}};
  const auto together = run(*engine, marker, jobs);
  std::size_t row = 0;
  for (const auto& job : jobs) {
    const auto alone = run(*engine, marker, {job});
    auto unmarked = job;
    unmarked.persona = 0;
    const auto base = run(*engine, marker, {unmarked});
    auto mistaken = job;
    mistaken.persona += 1;
    const auto other = run(*engine, marker, {mistaken});
    for (std::size_t i = 0; i < alone.size(); ++i, ++row) {
      ASSERT_LT(row, together.size());
      EXPECT_LT(max_difference(together[row], alone[i]), 1e-3F) << job.text << " row " << i;
      if (job.persona != 0) {
        EXPECT_GT(max_difference(alone[i], base[i]), 0.05F) << job.text;
      }
      EXPECT_GT(max_difference(alone[i], other[i]), 0.05F) << job.text << ": the test could not tell a mix-up";
    }
  }
  EXPECT_EQ(row, together.size());
}

// However the hook gets at a product, the effect is the same; without it nothing stays behind in a graph
// that llama.cpp uses again.
TEST(LinearHook, TheWayThroughTheGraphDoesNotMatter) {
  const auto engine = load(exact_options());
  const Job job{prompts()[2], 3, true};
  Marker marker;
  const auto base = run(*engine, marker, {job});
  const std::vector<std::set<LinearModule>> choices = {{LinearModule::kQ},  {LinearModule::kGate},
                                                       {LinearModule::kUp}, {LinearModule::kDown},
                                                       {LinearModule::kO},  {LinearModule::kGate, LinearModule::kUp},
                                                       marker.modules};
  for (const auto& modules : choices) {
    marker.modules = modules;
    // A new engine knows no way yet and stops at each product.
    const auto fresh = load(exact_options());
    fresh->set_linear_hook(&marker);
    const auto stopped = run(*fresh, marker, {job});
    engine->set_linear_hook(&marker);
    const auto first = run(*engine, marker, {job});
    const auto second = run(*engine, marker, {job});
    engine->set_linear_hook(nullptr);
    const auto without = run(*engine, marker, {job});
    EXPECT_GT(max_difference(first.back(), base.back()), 0.01F) << linear_module_name(*modules.begin());
    for (std::size_t row = 0; row < base.size(); ++row) {
      EXPECT_LT(max_difference(first[row], stopped[row]), 1e-4F) << modules.size();
      EXPECT_LT(max_difference(second[row], stopped[row]), 1e-4F) << modules.size();
      EXPECT_EQ(max_difference(without[row], base[row]), 0) << modules.size();
    }
  }
}

// The same while decoding: one token per sequence, at different positions.
TEST(LinearHook, DecodingStepsStayApart) {
  const auto engine = load(exact_options());
  Marker marker;
  engine->set_linear_hook(&marker);
  const auto a = tokens_of(*engine, prompts()[2]);
  const auto b = tokens_of(*engine, prompts()[6]);
  const std::int32_t zero = 0;
  const auto step_together = [&](bool with_b) {
    const auto first = ScopedSequence::open(*engine);
    const auto second = ScopedSequence::open(*engine);
    marker.personas = {{first->id(), 5}, {second->id(), 6}};
    std::vector<StepInput> prefill = {{first->id(), std::span(a).first(a.size() - 1), {}}};
    if (with_b) prefill.push_back({second->id(), std::span(b).first(b.size() - 1), {}});
    EXPECT_TRUE(engine->step(prefill));
    std::vector<StepInput> decode;
    if (with_b) decode.push_back({second->id(), std::span(b).last(1), {&zero, 1}});
    decode.push_back({first->id(), std::span(a).last(1), {&zero, 1}});
    const auto output = engine->step(decode);
    return std::vector<float>(output->logits.back().begin(), output->logits.back().end());
  };
  EXPECT_LT(max_difference(step_together(true), step_together(false)), 1e-3F);
}

}  // namespace
}  // namespace hyprstream

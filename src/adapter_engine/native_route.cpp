#include "adapter_engine/native_route.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <format>
#include <utility>

#include "adapter_files/gguf_lora_file.hpp"

namespace hyprstream {

// The inputs of a step that share a list.
struct NativeRoute::Group {
  const AdapterList* adapters;
  std::vector<std::size_t> members;  // indices into the step's inputs
};

Result<const NativeAdapter*> NativeRoute::load(const std::shared_ptr<const LoraAdapter>& adapter) {
  auto& entry = loaded_[adapter.get()];
  if (entry.adapter != nullptr && entry.source.lock() == adapter) return entry.adapter.get();
  // libllama reads adapters from files only.
  const auto path =
      std::filesystem::temp_directory_path() / std::format("hyprstream-{}-{}.gguf", ::getpid(), adapter->id());
  HYPRSTREAM_TRY(write_gguf_lora(*adapter, path));
  auto loaded = engine_.load_native_adapter(path);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  if (!loaded) return std::unexpected(std::move(loaded).error());
  entry = {adapter, std::move(*loaded)};
  return entry.adapter.get();
}

void NativeRoute::drop_unused() {
  std::erase_if(loaded_, [](const auto& entry) { return entry.second.source.expired(); });
}

Result<void> NativeRoute::activate(const AdapterList& adapters) {
  std::vector<NativeAdapterUse> uses;
  for (const auto& [adapter, scale] : adapters) {
    HYPRSTREAM_ASSIGN(const auto* native, load(adapter));
    // libllama takes each adapter once.
    const auto same = std::ranges::find(uses, native, &NativeAdapterUse::adapter);
    if (same != uses.end())
      same->scale += scale;
    else
      uses.push_back({native, scale});
  }
  return engine_.set_native_adapters(uses);
}

std::span<const float> NativeRoute::keep(std::span<const float> row) {
  return rows_.emplace_back(row.begin(), row.end());
}

Result<StepOutput> NativeRoute::step(std::span<const StepInput> inputs, std::span<const AdapterList* const> adapters,
                                     bool want_hidden) {
  std::vector<Group> groups;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto same = std::ranges::find_if(groups, [&](const Group& group) { return *group.adapters == *adapters[i]; });
    if (same != groups.end())
      same->members.push_back(i);
    else
      groups.push_back({adapters[i], {i}});
  }
  rows_.clear();
  std::vector<std::vector<std::span<const float>>> logits(inputs.size());
  std::vector<std::vector<std::span<const float>>> hidden(inputs.size());
  std::vector<std::pair<SequenceId, int>> done;  // with its length before
  const auto run = [&](const Group& group) -> Result<void> {
    HYPRSTREAM_TRY(activate(*group.adapters));
    std::vector<StepInput> members;
    for (const std::size_t i : group.members) members.push_back(inputs[i]);
    HYPRSTREAM_ASSIGN(const auto output, engine_.step(members, want_hidden));
    std::size_t row = 0;
    for (const std::size_t i : group.members)
      for (std::size_t k = 0; k < inputs[i].outputs.size(); ++k, ++row) {
        logits[i].push_back(keep(output.logits[row]));
        if (want_hidden) hidden[i].push_back(keep(output.hidden[row]));
      }
    return {};
  };
  for (const auto& group : groups) {
    std::vector<std::pair<SequenceId, int>> before;
    for (const std::size_t i : group.members)
      before.emplace_back(inputs[i].sequence, engine_.sequence_length(inputs[i].sequence));
    if (auto ran = run(group); !ran) {
      for (const auto& [sequence, length] : done) (void)engine_.truncate_sequence(sequence, length);
      return std::unexpected(std::move(ran).error());
    }
    done.append_range(before);
  }
  drop_unused();
  StepOutput output;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    output.logits.append_range(logits[i]);
    output.hidden.append_range(hidden[i]);
  }
  return output;
}

}  // namespace hyprstream

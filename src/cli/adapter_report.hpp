// What the lora commands say about a stored adapter.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "adapter/lora_adapter.hpp"
#include "adapter_engine/adapter_effect.hpp"
#include "adapter_files/adapter_store.hpp"

namespace hyprstream {

// "99.0%", never rounded up to 100%.
std::string format_sparsity(double sparsity);

// "655 of 65536 values, 4.3 kB".
std::string describe_weights(const LoraAdapter& adapter);

// Two columns, a field a line, with printable values.
std::string render_manifest(const AdapterManifest& manifest);
nlohmann::ordered_json manifest_json(const StoredVersion& version, const AdapterManifest& manifest);

// "mean |Δlogit| 0.0123, KL 1.2e-4 nats per token, top token changed at 1 of 30 positions".
std::string describe_effect(const AdapterEffect& effect);
nlohmann::ordered_json effect_json(const AdapterEffect& effect);

// One line of JSON.
std::string json_line(const nlohmann::ordered_json& json);

}  // namespace hyprstream

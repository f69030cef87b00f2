#include "fused_model.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gguf/gguf_file.hpp"
#include "gguf/gguf_writer.hpp"
#include "synthetic_model/synthetic_model.hpp"

namespace hyprstream::testing_support {
namespace {

constexpr std::string_view kOld = "llama";
constexpr std::string_view kNew = "phi3";

// The tensors whose rows one tensor of the fused model is made of.
struct Fusion {
  std::string name;
  std::vector<const GgufTensor*> parts;
};

std::string block_prefix(std::string_view tensor) { return std::string(tensor.substr(0, tensor.find('.', 4) + 1)); }

std::vector<Fusion> fuse(const GgufFile& file) {
  std::vector<Fusion> tensors;
  for (const auto& tensor : file.tensors()) {
    const auto is = [&](std::string_view name) { return tensor.name.ends_with(name); };
    const auto part = [&](const char* name) { return file.find_tensor(block_prefix(tensor.name) + name); };
    if (is("attn_q.weight"))
      tensors.push_back(
          {block_prefix(tensor.name) + "attn_qkv.weight", {&tensor, part("attn_k.weight"), part("attn_v.weight")}});
    else if (is("ffn_up.weight"))
      tensors.push_back({std::string(tensor.name), {part("ffn_gate.weight"), &tensor}});
    else if (!is("attn_k.weight") && !is("attn_v.weight") && !is("ffn_gate.weight"))
      tensors.push_back({std::string(tensor.name), {&tensor}});
  }
  return tensors;
}

}  // namespace

void write_fused_model(const std::filesystem::path& path) {
  const auto plain = path.string() + ".plain";
  ASSERT_TRUE(write_synthetic_model(
      {.name = "fused", .architecture = std::string(kOld), .layers = 3, .context = 1024, .tied = false}, plain));
  const auto file = GgufFile::open(plain);
  ASSERT_TRUE(file);
  GgufWriter writer;
  for (const auto key : file->keys()) {
    std::string name(key);
    if (name.starts_with(std::string(kOld) + ".")) name.replace(0, kOld.size(), kNew);
    writer.set_value(name, *file->find(key));
  }
  writer.set_string("general.architecture", kNew);
  const auto tensors = fuse(*file);
  for (const auto& [name, parts] : tensors) {
    auto shape = parts[0]->shape;
    for (std::size_t i = 1; i < parts.size(); ++i) shape[1] += parts[i]->shape[1];
    ASSERT_TRUE(writer.add_tensor(name, shape, parts[0]->type));
  }
  const auto written = writer.finish(path, [&](std::size_t index, TensorSink& sink) -> Result<void> {
    for (const auto* part : tensors[index].parts) HYPRSTREAM_TRY(sink.write(part->data));
    return {};
  });
  ASSERT_TRUE(written) << written.error().message;
  std::filesystem::remove(plain);
}

}  // namespace hyprstream::testing_support

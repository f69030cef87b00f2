// Telling the formats apart, and what to say of everything else.
#include "adapter_files/import.hpp"

#include <gmock/gmock.h>

#include "adapter_files/adapter_file.hpp"
#include "adapter_files/gguf_lora_file.hpp"
#include "adapter_files/peft_directory.hpp"
#include "random_adapter.hpp"
#include "scratch.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;
using testing::HasSubstr;

class Import : public ScratchTest {
 protected:
  void expect_refused(const std::filesystem::path& path, ErrorCode code, const char* part,
                      const BaseModel& base = small_base()) {
    const auto imported = import_adapter(path, base);
    ASSERT_FALSE(imported) << path;
    EXPECT_EQ(imported.error().code, code) << imported.error().message;
    EXPECT_THAT(imported.error().message, HasSubstr(part));
    EXPECT_THAT(imported.error().message, HasSubstr(path.string()));
  }
};

TEST_F(Import, TellsTheFormatsApartByWhatIsInThem) {
  const auto adapter = random_adapter(small_base(), 3, 0.4, 1);
  // Names say nothing.
  ASSERT_TRUE(write_adapter_file(*adapter, folder_ / "native.safetensors"));
  ASSERT_TRUE(write_gguf_lora(*adapter, folder_ / "llama.bin"));
  ASSERT_TRUE(write_peft_directory(*adapter, folder_ / "peft.gguf"));
  for (const auto* path : {"native.safetensors", "llama.bin", "peft.gguf", "peft.gguf/adapter_model.safetensors",
                           "peft.gguf/adapter_config.json"}) {
    const auto imported = import_adapter(folder_ / path, small_base());
    ASSERT_TRUE(imported) << imported.error().message;
    expect_same_weights(*imported, *adapter);
  }
  EXPECT_EQ(import_adapter(folder_ / "native.safetensors", small_base())->id(), adapter->id());
}

TEST_F(Import, AcceptsAnAdapterThatChangesNothing) {
  const auto adapter = random_adapter(small_base(), 3, 0, 1);
  ASSERT_TRUE(write_adapter_file(*adapter, folder_ / "a.gguf"));
  ASSERT_TRUE(write_gguf_lora(*adapter, folder_ / "b.gguf"));
  ASSERT_TRUE(write_peft_directory(*adapter, folder_ / "c"));
  for (const auto* path : {"a.gguf", "b.gguf", "c"}) {
    const auto imported = import_adapter(folder_ / path, small_base());
    ASSERT_TRUE(imported) << imported.error().message;
    EXPECT_FALSE(imported->changes_anything());
  }
}

TEST_F(Import, NamesTheTensorThatDoesNotFit) {
  const auto adapter = random_adapter(small_base(), 3, 0.4, 1);
  ASSERT_TRUE(write_adapter_file(*adapter, folder_ / "a.gguf"));
  ASSERT_TRUE(write_gguf_lora(*adapter, folder_ / "b.gguf"));
  ASSERT_TRUE(write_peft_directory(*adapter, folder_ / "c"));
  auto base = small_base();
  base.linears[1].out = 16;
  for (const auto* path : {"a.gguf", "b.gguf", "c"})
    expect_refused(folder_ / path, ErrorCode::kUnsupported,
                   "blk.0.attn_k.weight is [16 x 8] in this model, and the adapter was made for [4 x 8]", base);
  for (const auto* path : {"a.gguf", "b.gguf"})
    expect_refused(folder_ / path, ErrorCode::kUnsupported, "the architecture qwen3", small_base("gemma3"));
}

TEST_F(Import, SaysWhatAnythingElseIs) {
  using enum ErrorCode;
  expect_refused(folder_ / "not-there", kNotFound, "No such file");
  expect_refused(folder_, kUnsupported, "has no adapter_config.json");
  expect_refused(write("a.txt", "hello"), kUnsupported, "is no adapter: an adapter is");
  expect_refused(write("empty", ""), kUnsupported, "is no adapter");
  expect_refused(write("a.gguf", "GGUF"), kCorrupt, "a.gguf");
  expect_refused(write("a.safetensors", "x"), kUnsupported, "has no adapter_config.json beside it");
  expect_refused(HYPRSTREAM_SOURCE_DIR "/models/hypr-tiny-q8_0.gguf", kUnsupported, "is a model and not an adapter");
  write("adapter_config.json", "{}");
  expect_refused(folder_, kUnsupported, "has no adapter_model.safetensors");
  write("adapter_model.bin", "PK");
  expect_refused(folder_, kUnsupported, "adapter_model.bin");
}

}  // namespace
}  // namespace hyprstream

// The fuzzers' seeds through the loaders: those named sound_* are read, the others refused.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "adapter_files/adapter_file.hpp"
#include "adapter_files/gguf_lora_file.hpp"
#include "adapter_files/peft_directory.hpp"
#include "scratch.hpp"
#include "use_adapter.hpp"

namespace hyprstream {
namespace {

using namespace testing_support;

class Corpus : public ScratchTest {
 protected:
  void expect_as_named(const std::string& fuzzer, const std::function<Result<LoraAdapter>(const std::string&)>& load) {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(HYPRSTREAM_SOURCE_DIR "/fuzz/corpus/" + fuzzer)) {
      ++files;
      const auto adapter = load(read(entry.path()));
      const bool is_sound = entry.path().filename().string().starts_with("sound_");
      EXPECT_EQ(adapter.has_value(), is_sound) << entry.path() << (adapter ? "" : ": " + adapter.error().message);
      if (adapter) use_adapter(*adapter);
    }
    EXPECT_GE(files, 6U);
  }
};

TEST_F(Corpus, AdapterFile) {
  expect_as_named("adapter_file_fuzzer",
                  [&](const std::string& bytes) { return read_adapter_file(write("a", bytes)); });
}

TEST_F(Corpus, GgufLora) {
  expect_as_named("gguf_lora_fuzzer",
                  [&](const std::string& bytes) { return read_gguf_lora(write("a", bytes), small_base()); });
}

TEST_F(Corpus, Peft) {
  expect_as_named("peft_fuzzer", [&](const std::string& bytes) {
    const auto nul = bytes.find('\0');
    return read_peft_files(write("config", bytes.substr(0, nul)), write("weights", bytes.substr(nul + 1)),
                           small_base("llama"));
  });
}

}  // namespace
}  // namespace hyprstream

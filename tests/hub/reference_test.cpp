#include "hub/reference.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace hyprstream {
namespace {

using Kind = ModelReference::Kind;

const ModelAliases& aliases() {
  static const auto parsed =
      parse_aliases("tiny org/tiny-GGUF:Q8_0 # a comment\n\n# only one\nbig  org/big@v2\n", "test");
  return parsed.value();
}

Result<ModelReference> parse(std::string_view text, bool path_exists = false) {
  static const auto endpoint = HttpUrl::parse("https://hub.example.com").value();
  return parse_reference(text, aliases(), endpoint, path_exists);
}

TEST(Reference, Repositories) {
  const auto all = parse("hf://org/repo@v1:q4_k_m").value();
  EXPECT_EQ(all.kind, Kind::kHub);
  EXPECT_EQ(all.hub, (HubReference{.repository = "org/repo", .revision = "v1", .quantization = "q4_k_m", .file = {}}));
  EXPECT_EQ(parse("hf://org/repo/sub/x.gguf").value().hub.file, "sub/x.gguf");
  EXPECT_EQ(parse("hf://org/repo@refs/pr/1/x.gguf").value().hub.revision, "refs/pr/1");
  EXPECT_EQ(parse("hf://org/repo@refs/pr/1/x.gguf").value().hub.file, "x.gguf");
  EXPECT_EQ(parse("hf://gpt2").value().hub.repository, "gpt2");
  EXPECT_EQ(parse("org/repo:Q8_0").value().hub.quantization, "Q8_0");
  EXPECT_EQ(parse("org/repo").value().hub.revision, "main");
}

TEST(Reference, TextReadsBackAsTheSame) {
  for (const char* text : {"org/repo", "org/repo@v1", "org/repo:Q8_0", "org/repo@v1:Q8_0"})
    EXPECT_EQ(parse(text).value().hub.text(), text);
  EXPECT_EQ(parse("hf://org/repo@v1/a/b.gguf").value().hub.text(), "org/repo@v1/a/b.gguf");
}

TEST(Reference, OtherKinds) {
  EXPECT_EQ(parse("bundled").value().kind, Kind::kBundled);
  EXPECT_EQ(parse("TINY").value().hub.repository, "org/tiny-GGUF");
  EXPECT_EQ(parse("big").value().hub.revision, "v2");
  for (const char* path : {"x.gguf", "a/b.gguf", "/a/b", "./a/b", "../a/b", "a/b/c", "a b/c", "nothing", "~/x"})
    EXPECT_EQ(parse(path).value().kind, Kind::kPath) << path;
  EXPECT_EQ(parse("tiny", /*path_exists=*/true).value().kind, Kind::kPath);
  EXPECT_EQ(parse("org/repo", /*path_exists=*/true).value().kind, Kind::kPath);
  EXPECT_EQ(parse("https://example.com/a/x.GGUF?download=true").value().kind, Kind::kUrl);
  EXPECT_EQ(parse("http://127.0.0.1:8000/x.gguf").value().kind, Kind::kUrl);
}

TEST(Reference, PagesOfTheHub) {
  for (const char* text : {"https://hub.example.com/org/repo/resolve/v1/a/x.gguf",
                           "https://huggingface.co/org/repo/blob/v1/a/x.gguf?download=true"}) {
    const auto parsed = parse(text).value();
    EXPECT_EQ(parsed.kind, Kind::kHub) << text;
    EXPECT_EQ(parsed.hub.text(), "org/repo@v1/a/x.gguf");
  }
  EXPECT_EQ(parse("https://huggingface.co/org/repo").value().hub.repository, "org/repo");
  EXPECT_EQ(parse("https://hub.example.com/org/repo/tree/v1").value().hub.revision, "v1");
  EXPECT_FALSE(parse("https://hub.example.com/org/repo/resolve/main/%2e%2e/x"));
}

TEST(Reference, RefusesWhatIsBegunAndWrong) {
  for (const char* text :
       {"hf://", "hf://org/", "hf:///repo", "hf://org/repo@", "hf://org/repo:", "hf://org/repo/", "hf://org/repo/../x",
        "hf://org/..", "hf://org/repo@../x", "hf://org/repo:a b", "hf://org/repo@refs/pr", "http://example.com/x.gguf",
        "https://example.com/x.bin", "https://", "https://u:p@example.com/x.gguf"}) {
    const auto parsed = parse(text);
    // "refs/pr" is a branch's name too.
    if (std::string_view(text).ends_with("refs/pr")) continue;
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument) << text;
  }
}

TEST(Aliases, NameTheLineThatIsWrong) {
  for (const char* text : {"a org/x\nb\n", "a org/x\nb org/x more\n", "a org/x\na org/y\n", "a org/x\nb ../x\n",
                           "a org/x\nb org/x/file.gguf\n"}) {
    const auto parsed = parse_aliases(text, "list");
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.error().message.contains("line 2 of list")) << parsed.error().message;
  }
}

TEST(Aliases, OfTheInstallationAreValid) {
  ::setenv("HYPRSTREAM_PREFIX", HYPRSTREAM_SOURCE_DIR, 1);
  const auto loaded = load_aliases();
  ASSERT_TRUE(loaded) << loaded.error().message;
  for (const char* name : {"qwen3-0.6b", "qwen3-1.7b", "qwen3-4b", "smollm2-135m", "smollm2-360m", "llama3.2-1b"})
    EXPECT_TRUE(loaded->contains(std::string_view(name))) << name;
}

}  // namespace
}  // namespace hyprstream

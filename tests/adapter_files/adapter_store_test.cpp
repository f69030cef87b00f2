// The store: versions, names, two processes at once, and kill -9 at any moment.
#include "adapter_files/adapter_store.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <set>
#include <thread>

#include "adapter/lora_init.hpp"
#include "adapter/sparsify.hpp"

namespace hyprstream {
namespace {

namespace fs = std::filesystem;

class AdapterStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::path(testing::TempDir()) / ("store-" + std::to_string(::getpid()));
    fs::remove_all(directory_);
    base_ = read_base_model(HYPRSTREAM_SOURCE_DIR "/models/hypr-tiny-q8_0.gguf").value();
  }
  void TearDown() override { fs::remove_all(directory_); }

  LoraAdapter adapter(const std::string& name, std::uint64_t seed = 1) const {
    LoraSpec spec{.name = name};
    spec.seed = seed;
    return sparsify(make_lora_adapter(base_, spec).value(), {.sparsity = 0.99}).value();
  }
  std::vector<std::string> hidden() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_))
      if (entry.path().filename().string().starts_with('.')) names.push_back(entry.path().filename());
    return names;
  }

  fs::path directory_;
  AdapterStore store_{directory()};
  BaseModel base_;

 private:
  static fs::path directory() { return fs::path(testing::TempDir()) / ("store-" + std::to_string(::getpid())); }
};

void expect_equal(const LoraAdapter& a, const LoraAdapter& b) {
  EXPECT_EQ(a.id(), b.id());
  ASSERT_EQ(a.pairs().size(), b.pairs().size());
  for (std::size_t i = 0; i < a.pairs().size(); ++i) {
    EXPECT_EQ(a.pairs()[i].id, b.pairs()[i].id);
    EXPECT_EQ(a.pairs()[i].scaling, b.pairs()[i].scaling);
    EXPECT_TRUE(a.pairs()[i].a == b.pairs()[i].a);
    EXPECT_TRUE(a.pairs()[i].b == b.pairs()[i].b);
  }
}

TEST_F(AdapterStoreTest, KeepsWhatItIsGiven) {
  const auto made = adapter("first");
  const AdapterLineage lineage{.kind = AdapterLineage::Kind::kTrained,
                               .source = "run-7",
                               .parent_sha256 = std::string(64, 'a'),
                               .parameters = {{"steps", "50"}}};
  const auto version = store_.create(made, lineage);
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(version->reference(), "first@1");
  const auto loaded = store_.load(*version, true);
  ASSERT_TRUE(loaded) << loaded.error().message;
  expect_equal(made, *loaded);
  EXPECT_EQ(loaded->sparsity(), made.sparsity());
  const auto manifest = store_.manifest(*version);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->description.id, made.id());
  EXPECT_EQ(manifest->description.alpha, 16);
  EXPECT_EQ(manifest->description.base.header_sha256, base_.header_sha256);
  EXPECT_EQ(manifest->nnz, made.nnz());
  EXPECT_EQ(manifest->entries, made.entries());
  EXPECT_EQ(manifest->lineage.kind, AdapterLineage::Kind::kTrained);
  EXPECT_EQ(manifest->lineage.source, "run-7");
  EXPECT_EQ(manifest->lineage.parent_sha256, std::string(64, 'a'));
  EXPECT_EQ(manifest->lineage.parameters, lineage.parameters);
  ASSERT_EQ(manifest->pairs.size(), made.pairs().size());
  std::size_t nnz = 0;
  for (const auto& pair : manifest->pairs) nnz += pair.nnz;
  EXPECT_EQ(nnz, made.nnz());
  EXPECT_EQ(manifest->file_bytes, fs::file_size(version->adapter_file()));
  // What 99% sparse costs on disk, at the default rank.
  EXPECT_LE(manifest->file_bytes * 30, made.dense_bytes());
}

TEST_F(AdapterStoreTest, NumbersVersionsAndFindsThem) {
  const auto first = adapter("a", 1);
  ASSERT_TRUE(store_.create(first, {}));
  ASSERT_TRUE(store_.add_version(adapter("a", 2), {}));
  ASSERT_TRUE(store_.add_version(adapter("a", 3), {}));
  ASSERT_TRUE(store_.create(adapter("b"), {}));
  EXPECT_EQ(store_.find("a")->version, 3);
  EXPECT_EQ(store_.find("a@1")->version, 1);
  expect_equal(*store_.load(*store_.find("a@1")), first);
  const auto newest = store_.load(*store_.find("a"));
  EXPECT_EQ(store_.find(newest->id())->reference(), "a@3");
  EXPECT_EQ(store_.find(newest->id().substr(0, 8))->reference(), "a@3");
  ASSERT_EQ(store_.list().size(), 2U);
  EXPECT_EQ(store_.list()[0].reference(), "a@3");
  EXPECT_EQ(store_.versions("a").size(), 3U);

  ASSERT_TRUE(store_.remove(*store_.find("a@3")));
  EXPECT_EQ(store_.find("a")->version, 2);
  ASSERT_TRUE(store_.remove_all("a"));
  EXPECT_EQ(store_.find("a").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(store_.remove(*store_.find("b")));
  EXPECT_FALSE(fs::exists(directory_ / "b"));
  EXPECT_TRUE(store_.create(adapter("b"), {})) << "the name is free again";
}

TEST_F(AdapterStoreTest, SaysWhatIsWrong) {
  ASSERT_TRUE(store_.create(adapter("pirate"), {}));
  EXPECT_EQ(store_.create(adapter("pirate"), {}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(store_.add_version(adapter("none"), {}).error().code, ErrorCode::kNotFound);
  EXPECT_NE(store_.find("pirat").error().message.find("'pirate'"), std::string::npos);
  EXPECT_NE(store_.find("pirate@4").error().message.find("newest is 1"), std::string::npos);
  for (const auto* reference : {"pirate@", "pirate@0", "pirate@-1", "pirate@01", "pirate@x", "", "@1", "../pirate",
                                "pirate/1", ".", "..", ".staged-x", "-x"})
    EXPECT_EQ(store_.find(reference).error().code, ErrorCode::kInvalidArgument) << reference;
  for (const auto* name : {"a", "A.b_c-9", "0"}) EXPECT_TRUE(is_valid_adapter_name(name)) << name;
  EXPECT_TRUE(is_valid_adapter_name(std::string(64, 'x')));
  EXPECT_FALSE(is_valid_adapter_name(std::string(65, 'x')));
  using namespace std::string_view_literals;
  for (const auto name :
       {""sv, ".a"sv, "-a"sv, "_a"sv, "a b"sv, "a/b"sv, "a\\b"sv, "a\0b"sv, "ä"sv, "a:b"sv, "a+b"sv, "a@1"sv})
    EXPECT_FALSE(is_valid_adapter_name(name)) << name;
}

TEST_F(AdapterStoreTest, PassesOverWhatIsNoAdapterAndFollowsNoLinks) {
  ASSERT_TRUE(store_.create(adapter("real"), {}));
  fs::create_directories(directory_ / "empty");
  fs::create_directories(directory_ / "odd" / "one");
  std::ofstream(directory_ / "file") << "x";
  fs::create_directory_symlink(directory_ / "real", directory_ / "link");
  fs::create_directory_symlink("/etc", directory_ / "real" / "7");
  ASSERT_EQ(store_.list().size(), 1U);
  EXPECT_EQ(store_.list()[0].reference(), "real@1");
  EXPECT_EQ(store_.find("link").error().code, ErrorCode::kNotFound);
}

TEST_F(AdapterStoreTest, NoticesDamage) {
  const auto version = store_.create(adapter("x"), {});
  const auto path = version->adapter_file();
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-3, std::ios::end);
    file.put('!');
  }
  EXPECT_EQ(store_.load(*version, true).error().code, ErrorCode::kCorrupt);
  std::ofstream(version->directory / "manifest.json") << "{\"manifest_version\": 1, \"id\": 5}";
  const auto manifest = store_.manifest(*version);
  ASSERT_FALSE(manifest);
  EXPECT_EQ(manifest.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(manifest.error().message.find("'id'"), std::string::npos) << manifest.error().message;
  std::ofstream(version->directory / "manifest.json") << "{\"manifest_version\": 99}";
  EXPECT_EQ(store_.manifest(*version).error().code, ErrorCode::kUnsupported);
}

// Runs `work` in a process of its own, which ends with 0 if it returns true.
template <typename Work>
pid_t start_process(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  return child;
}

int status_of(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(AdapterStoreTest, TwoProcessesAtOnce) {
  const auto one = adapter("contested", 1);
  std::vector<pid_t> creators;
  for (int i = 0; i < 4; ++i) creators.push_back(start_process([&] { return store_.create(one, {}).has_value(); }));
  int succeeded = 0;
  for (const pid_t creator : creators) succeeded += status_of(creator) == 0 ? 1 : 0;
  EXPECT_EQ(succeeded, 1) << "one gets the name, the others a conflict";

  std::vector<pid_t> adders;
  for (int i = 0; i < 4; ++i)
    adders.push_back(start_process([&] {
      for (int k = 0; k < 5; ++k)
        if (!store_.add_version(one, {})) return false;
      return true;
    }));
  for (const pid_t adder : adders) EXPECT_EQ(status_of(adder), 0);
  const auto versions = store_.versions("contested");
  ASSERT_EQ(versions.size(), 21U);
  for (std::size_t i = 0; i < versions.size(); ++i) {
    EXPECT_EQ(versions[i].version, static_cast<int>(i) + 1);
    EXPECT_TRUE(store_.load(versions[i], true));
  }
}

// Whatever a killed process was at, the store holds whole versions only, and those that were there.
TEST_F(AdapterStoreTest, SurvivesKillAtAnyMoment) {
  const auto made = adapter("victim", 1);
  ASSERT_TRUE(store_.create(made, {}));
  std::mt19937 random(4);
  std::size_t most = 1;
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = start_process([&] {
      for (int i = 0;; ++i) {
        const auto other = made.with_description([&] {
          auto description = made.description();
          description.name = "other-" + std::to_string(round) + "-" + std::to_string(i);
          return description;
        }());
        if (!store_.add_version(made, {}) || ::write(pipe_ends[1], "", 1) != 1) return false;
        if (!store_.create(*other, {})) return false;
        if (i % 3 == 2 && !store_.remove_all(other->name())) return false;
      }
    });
    // At a random moment behind its first version, however slow the machine is.
    char first = 0;
    ASSERT_EQ(::read(pipe_ends[0], &first, 1), 1);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    ::kill(child, SIGKILL);
    EXPECT_EQ(status_of(child), -1) << "the child ended by itself";
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    const auto versions = store_.versions("victim");
    EXPECT_GT(versions.size(), most);
    most = versions.size();
    for (std::size_t i = 0; i < versions.size(); ++i) EXPECT_EQ(versions[i].version, static_cast<int>(i) + 1);
    const auto& newest = versions.back();
    ASSERT_TRUE(store_.manifest(newest)) << store_.manifest(newest).error().message;
    ASSERT_TRUE(store_.load(newest, true)) << store_.load(newest, true).error().message;
    for (const auto& version : store_.list()) ASSERT_TRUE(store_.manifest(version)) << version.reference();
  }
  EXPECT_GT(most, static_cast<std::size_t>(kRounds));
  // The next writer clears away what was left.
  ASSERT_TRUE(store_.add_version(made, {}));
  EXPECT_TRUE(hidden().empty());
}

}  // namespace
}  // namespace hyprstream

#include "hub/hub_cache.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "base/sha256.hpp"
#include "hub/cache_content.hpp"
#include "hub/resume_state.hpp"

namespace hyprstream {
namespace {

namespace fs = std::filesystem;

const std::string kCommit(40, 'c');
const std::string kRepository = "org/repo";

class HubCacheTest : public testing::Test {
 protected:
  HubCacheTest() : cache_(root()) {
    fs::remove_all(root());
    fs::create_directories(root());
  }
  ~HubCacheTest() override { fs::remove_all(root()); }

  static fs::path root() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    return fs::path(testing::TempDir()) / (std::string("hub_cache_") + info->name());
  }

  // As a download leaves it; gives back its digest.
  std::string download(const std::string& text) {
    const auto etag = sha256_hex(std::as_bytes(std::span(text))).value();
    EXPECT_TRUE(cache_.prepare(kRepository));
    std::ofstream(cache_.partial_path(kRepository, etag)) << text;
    return etag;
  }

  // Published so large that it is not waited for, or as if it were.
  void mark_published(const std::string& etag, std::uint64_t size, bool before_restart) {
    const auto path = cache_.state_path(kRepository, etag);
    ResumeState::open(path, etag, size)->set_published();
    if (!before_restart) return;
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(168);
    file << "another-boot";
  }

  HubCache cache_;
};

TEST_F(HubCacheTest, DirectoryNamesReadBack) {
  for (const char* repository : {"org/name", "gpt2", "Qwen/Qwen3-0.6B-GGUF"})
    EXPECT_EQ(repository_of_directory(directory_name(repository)), repository);
  for (const char* name : {"models--", "datasets--a--b", "models--..--x", "models--a--b--c", ".locks", "models"})
    EXPECT_EQ(repository_of_directory(name), std::nullopt) << name;
}

TEST_F(HubCacheTest, PublishesAndLinks) {
  const auto etag = download("text");
  EXPECT_FALSE(cache_.has_blob(kRepository, etag).value());
  ASSERT_TRUE(cache_.publish_blob(kRepository, etag));
  EXPECT_TRUE(cache_.has_blob(kRepository, etag).value());
  const auto path = cache_.link(kRepository, kCommit, "a/b.gguf", etag);
  ASSERT_TRUE(path) << path.error().message;
  EXPECT_EQ(fs::read_symlink(*path), "../../../blobs/" + etag);
  EXPECT_EQ(fs::file_size(*path), 4U);
  ASSERT_TRUE(cache_.link(kRepository, kCommit, "a/b.gguf", etag));  // again
  EXPECT_EQ(cache_.commit_of(kRepository, "main"), std::nullopt);
  ASSERT_TRUE(cache_.write_ref(kRepository, "refs/pr/1", kCommit));
  EXPECT_EQ(cache_.commit_of(kRepository, "refs/pr/1"), kCommit);
  EXPECT_EQ(cache_.files_of(kRepository, kCommit),
            (std::vector<RepositoryFile>{{.path = "a/b.gguf", .size = 4, .sha256 = {}}}));
}

TEST_F(HubCacheTest, WritesNothingUnderOtherNames) {
  const auto etag = download("text");
  EXPECT_FALSE(cache_.prepare("../evil"));
  EXPECT_FALSE(cache_.link(kRepository, kCommit, "../../evil", etag));
  EXPECT_FALSE(cache_.link(kRepository, "../../evil", "x", etag));
  EXPECT_FALSE(cache_.link(kRepository, kCommit, "x", "../evil"));
  EXPECT_FALSE(cache_.write_ref(kRepository, "../evil", kCommit));
  EXPECT_FALSE(cache_.write_ref(kRepository, "main", "evil"));
  EXPECT_FALSE(cache_.lock(kRepository, "../evil", {}));
  EXPECT_FALSE(cache_.publish_blob(kRepository, "../evil"));
}

TEST_F(HubCacheTest, BytesThatAPowerCutTookAreNoticed) {
  const auto etag = download("text");
  ASSERT_TRUE(cache_.publish_blob(kRepository, etag));
  mark_published(etag, 4, /*before_restart=*/false);
  EXPECT_TRUE(cache_.has_blob(kRepository, etag).value());
  EXPECT_TRUE(fs::exists(cache_.state_path(kRepository, etag)));  // it is not known to be on the disk yet
  mark_published(etag, 4, /*before_restart=*/true);
  EXPECT_TRUE(cache_.has_blob(kRepository, etag).value());
  EXPECT_FALSE(fs::exists(cache_.state_path(kRepository, etag)));
  mark_published(etag, 4, /*before_restart=*/true);
  std::ofstream(cache_.blob_path(kRepository, etag)) << std::string(4, '\0');
  EXPECT_FALSE(cache_.has_blob(kRepository, etag).value());
  EXPECT_FALSE(fs::exists(cache_.blob_path(kRepository, etag)));
}

TEST_F(HubCacheTest, RemovesOnlyWhatNobodyElseUses) {
  const auto shared = download("shared");
  const auto alone = download("alone!!");
  ASSERT_TRUE(cache_.publish_blob(kRepository, shared) && cache_.publish_blob(kRepository, alone));
  const std::string other(40, 'd');
  ASSERT_TRUE(cache_.link(kRepository, kCommit, "a-Q8_0.gguf", shared));
  ASSERT_TRUE(cache_.link(kRepository, kCommit, "a-F16.gguf", alone));
  ASSERT_TRUE(cache_.link(kRepository, other, "a-Q8_0.gguf", shared));
  ASSERT_TRUE(cache_.write_ref(kRepository, "main", other) && cache_.write_ref(kRepository, "old", kCommit));
  EXPECT_EQ(read_cache(cache_).value().size(), 2U);

  const auto removal =
      plan_removal(cache_, {.repository = kRepository, .revision = "old", .quantization = {}, .file = {}});
  ASSERT_TRUE(removal);
  EXPECT_EQ(removal->files.size(), 2U);
  EXPECT_EQ(removal->bytes, 7U);
  ASSERT_TRUE(remove_from_cache(cache_, *removal, {}));
  EXPECT_TRUE(fs::exists(cache_.blob_path(kRepository, shared)));
  EXPECT_FALSE(fs::exists(cache_.blob_path(kRepository, alone)));
  EXPECT_FALSE(fs::exists(cache_.snapshot_directory(kRepository, kCommit)));
  EXPECT_EQ(cache_.commit_of(kRepository, "old"), std::nullopt);
  EXPECT_EQ(cache_.commit_of(kRepository, "main"), other);

  const auto rest = plan_removal(cache_, {.repository = kRepository, .quantization = {}, .file = {}});
  ASSERT_TRUE(rest && remove_from_cache(cache_, *rest, {}));
  EXPECT_FALSE(fs::exists(cache_.repository_directory(kRepository)));
  EXPECT_FALSE(plan_removal(cache_, {.repository = kRepository, .quantization = {}, .file = {}}));
}

}  // namespace
}  // namespace hyprstream

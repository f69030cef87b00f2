#include "serving/kv_ledger.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

namespace hyprstream {
namespace {

// What libllama does: a cell knows who uses it.
class Cells {
 public:
  void extend(int sequence, int tokens) {
    for (int i = 0; i < tokens; ++i) held_[sequence].push_back(++last_);
  }
  void share(int from, int to, int length) { held_[to].assign(held_[from].begin(), held_[from].begin() + length); }
  void close(int sequence) { held_.erase(sequence); }
  int length(int sequence) { return static_cast<int>(held_[sequence].size()); }
  int in_use() const {
    std::set<int> all;
    for (const auto& [id, cells] : held_) all.insert(cells.begin(), cells.end());
    return static_cast<int>(all.size());
  }

 private:
  std::map<int, std::vector<int>> held_;
  int last_ = 0;
};

TEST(KvLedger, CountsSharedCellsOnce) {
  KvLedger ledger;
  ledger.extend(SequenceId{0}, 100);
  ledger.share(SequenceId{0}, SequenceId{1}, 60);
  ledger.extend(SequenceId{1}, 5);
  EXPECT_EQ(ledger.cells(), 105);
  EXPECT_EQ(ledger.own_cells(SequenceId{1}), 5);
  ledger.close(SequenceId{0});
  EXPECT_EQ(ledger.cells(), 65);
  ledger.close(SequenceId{1});
  EXPECT_EQ(ledger.cells(), 0);
}

TEST(KvLedger, AgreesWithCountingCells) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    KvLedger ledger;
    Cells cells;
    std::set<int> open;
    for (int turn = 0; turn < 400; ++turn) {
      const int id = static_cast<int>(random() % 12);
      const int other = static_cast<int>(random() % 12);
      if (!open.contains(id)) {
        open.insert(id);
        const int most = open.contains(other) && other != id ? cells.length(other) : 0;
        if (most > 0 && random() % 3 != 0) {
          const int length = 1 + static_cast<int>(random() % static_cast<unsigned>(most));
          cells.share(other, id, length);
          ledger.share(SequenceId{other}, SequenceId{id}, length);
        }
      } else if (random() % 3 == 0) {
        cells.close(id);
        ledger.close(SequenceId{id});
        open.erase(id);
      } else {
        const int tokens = 1 + static_cast<int>(random() % 9);
        cells.extend(id, tokens);
        ledger.extend(SequenceId{id}, tokens);
      }
      ASSERT_EQ(ledger.cells(), cells.in_use()) << "seed " << seed << ", turn " << turn;
    }
  }
}

}  // namespace
}  // namespace hyprstream

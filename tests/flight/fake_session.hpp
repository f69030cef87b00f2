// A session without a database, which counts and can be slow or endless: for what stands around sessions.
#pragma once

#include <arrow/record_batch.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "catalog/session.hpp"

namespace hyprstream {

// What the session's one statement does, whatever its text.
struct FakeScript {
  StatementKind kind = StatementKind::kQuery;
  std::vector<std::shared_ptr<arrow::RecordBatch>> pieces;  // of each execution
  bool endless = false;                                     // the last piece comes again and again
  std::chrono::milliseconds delay{0};                       // before each piece
  int parameters = 0;
};

// What was done to sessions of a script, together.
struct FakeCounts {
  std::atomic<int> interrupts = 0;
  std::atomic<int> executions = 0;
  std::atomic<int> pieces = 0;
  std::atomic<int> rollbacks = 0;
  std::atomic<int> working = 0;       // in next() now
  std::atomic<int> most_working = 0;  // at once
  std::atomic<int> alive = 0;         // sessions
};

std::unique_ptr<Session> make_fake_session(const FakeScript& script, FakeCounts& counts);

// One column "n" with the numbers from `first` on.
std::shared_ptr<arrow::RecordBatch> numbers(std::int64_t first, std::int64_t count);

}  // namespace hyprstream

// The table `generations`: what a server has answered, written behind its back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "catalog/database.hpp"

namespace hyprstream {

struct GenerationRecord {
  std::chrono::system_clock::time_point time;  // when the request came
  std::string kind;                            // "generation" or "reading": embeddings, perplexity
  std::string model;
  std::vector<std::string> adapters;  // "NAME@VERSION"
  std::string client;                 // id of the key; empty: none
  std::string outcome;                // "finished", "cancelled", "failed"
  std::string finish_reason;          // of the first choice; empty: none
  std::optional<std::string> prompt;  // nothing: not logged
  std::optional<std::string> completion;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t completion_tokens = 0;
  double queue_seconds = 0;
  double prefill_seconds = 0;
  double first_token_seconds = 0;
  double decode_seconds = 0;
};

struct GenerationLogOptions {
  std::chrono::hours most_age{24 * 30};  // older rows are removed; at least 1
  std::uint64_t most_rows = 1'000'000;   // of more, the oldest are removed; at least 1
  std::size_t most_waiting = 100'000;    // records that are not written yet; of more, the newest are dropped
  std::chrono::milliseconds delay{500};  // from a record to the disk, at most and if the disk keeps up
};

// Records are collected and written together by a thread of its own, in a transaction. A crash loses those of the last
// `delay`. Thread-safe.
class GenerationLog {
 public:
  // Makes a record when it is written, on the log's thread.
  using Make = std::function<GenerationRecord()>;

  virtual ~GenerationLog() = default;  // writes what waits

  // Returns at once.
  virtual void add(Make make) = 0;
  // Records that are lost because the disk was full, or too slow.
  virtual std::uint64_t dropped() const noexcept = 0;
};

// The database must have hyprstream's own tables. Errors: those of Database::connect().
Result<std::unique_ptr<GenerationLog>> make_generation_log(std::shared_ptr<Database> database,
                                                           const GenerationLogOptions& options);

}  // namespace hyprstream

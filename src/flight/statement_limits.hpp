// How much clients may ask for.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace hyprstream {

struct QueryLimits {
  int running = 0;                        // queries that work at once; 0: two for each core, at least 4
  int waiting = 256;                      // that may wait for their turn; one more is refused
  std::chrono::seconds longest_wait{30};  // then one that waits is refused
};

struct BatchSize {
  std::int64_t rows = 1 << 16;   // most rows of a batch
  std::int64_t bytes = 2 << 20;  // from which on it is sent; a client in Go or Java may refuse more than 4 MB
};

struct StatementLimits {
  QueryLimits queries;
  BatchSize batch;
  std::size_t open_statements = 4096;  // planned, prepared or running, of all clients together
  std::size_t open_sessions = 1024;
  std::size_t open_transactions = 256;
  std::size_t share_of_key = 2;                                         // one key may have one in so many of these
  std::chrono::milliseconds statement_idle = std::chrono::minutes(30);  // then an unused one is forgotten
  std::chrono::milliseconds session_idle = std::chrono::minutes(30);
  std::chrono::milliseconds transaction_idle = std::chrono::minutes(5);  // then one is rolled back
  std::size_t statement_bytes = 16 << 20;                                // longest text of a statement
  std::size_t parameter_bytes = 64 << 20;                                // of the values for a prepared query
  std::size_t held_bytes = 512 << 20;                                    // of texts and values, all clients together
  std::chrono::milliseconds statement_time{0};                           // that one may take; 0: any
};

}  // namespace hyprstream

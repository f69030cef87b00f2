// Rows through Flight SQL on loopback against the same rows within the process: a query of a table on disk, and an
// upload into one. One round of each, in turn; a line of JSON with the seconds of the four.
//   flight_bench [--rows N] [--ingest-rows N] [--database FILE]
#include <arrow/array.h>
#include <arrow/record_batch.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "catalog/database.hpp"
#include "flight/arrow_bridge.hpp"
#include "flight/flight_client.hpp"
#include "flight/flight_server.hpp"
#include "flight/run_sql.hpp"

namespace {

using namespace hyprstream;
using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& message) {
  std::cerr << "flight_bench: " << message << '\n';
  std::exit(1);
}

template <typename T>
T value_of(Result<T> result) {
  if (!result) give_up(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// What all rows together come to: every value of every batch is read. The order of the rows does not matter.
struct Total {
  std::int64_t rows = 0;
  std::uint64_t integers = 0;
  double doubles = 0;  // exact: halves of integers, far below 2^53
  std::uint64_t text_bytes = 0;
  std::uint64_t text_sum = 0;

  bool operator==(const Total&) const = default;

  void add(const arrow::RecordBatch& batch) {
    rows += batch.num_rows();
    const auto& n = static_cast<const arrow::Int64Array&>(*batch.column(0));
    const auto& x = static_cast<const arrow::DoubleArray&>(*batch.column(1));
    const auto& s = static_cast<const arrow::StringArray&>(*batch.column(2));
    for (std::int64_t i = 0; i < batch.num_rows(); ++i) integers += static_cast<std::uint64_t>(n.Value(i));
    for (std::int64_t i = 0; i < batch.num_rows(); ++i) doubles += x.Value(i);
    const auto begin = s.value_offset(0);
    const auto end = s.value_offset(batch.num_rows());
    text_bytes += static_cast<std::uint64_t>(end - begin);
    const auto* text = s.raw_data();
    for (auto i = begin; i < end; ++i) text_sum += text[i];
  }
};

std::pair<double, Total> fetch(Session& session) {
  const auto start = Clock::now();
  const auto statement = value_of(session.prepare("SELECT n, x, s FROM rows"));
  const auto stream = value_of(statement->execute());
  const auto schema = value_of(import_schema(stream->schema()));
  Total total;
  while (true) {
    auto rows = value_of(stream->next());
    if (!rows) break;
    total.add(*value_of(import_batch(std::move(rows), schema)));
  }
  return {seconds_since(start), total};
}

double ingest(Session& session, const arrow::RecordBatchVector& batches) {
  value_of(run_sql(session, "CREATE OR REPLACE TABLE uploaded(n BIGINT, x DOUBLE, s VARCHAR)"));
  value_of(run_sql(session, "CHECKPOINT"));
  const auto schema = value_of(export_schema(*batches.front()->schema()));
  const auto start = Clock::now();
  const auto appender = value_of(session.append_to({.catalog = {}, .schema = {}, .table = "uploaded"}, *schema));
  for (const auto& batch : batches) value_of(appender->append(value_of(export_batch(*batch))));
  value_of(appender->finish());
  return seconds_since(start);
}

// The first rows of the table, as they come from it.
arrow::RecordBatchVector some_rows(Session& session, std::int64_t count) {
  return value_of(query_rows(session, "SELECT n, x, s FROM rows LIMIT " + std::to_string(count), {}));
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t rows = 10'000'000;
  std::int64_t ingest_rows = 4'000'000;
  std::string path = "build/bench/flight.duckdb";
  CLI::App app{"Flight SQL against the same within the process"};
  app.add_option("--rows", rows);
  app.add_option("--ingest-rows", ingest_rows);
  app.add_option("--database", path);
  CLI11_PARSE(app, argc, argv);

  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  const auto database = value_of(Database::open({.path = path}));
  const auto embedded = value_of(database->connect());
  value_of(run_sql(*embedded,
                   "CREATE TABLE IF NOT EXISTS rows AS SELECT i AS n, i * 0.5::DOUBLE AS x, "
                   "'row number ' || i AS s FROM range(" +
                       std::to_string(rows) + ") r(i)"));
  value_of(run_sql(*embedded, "CHECKPOINT"));
  const auto server =
      value_of(FlightServer::create({.port = 0, .keys = {}, .tls = {}, .limits = {}, .version = "bench"},
                                    [&](Scope) { return database->connect(); }));
  const auto remote = value_of(connect_flight({.host = "127.0.0.1", .port = server->port()}));

  const auto [embedded_seconds, here] = fetch(*embedded);
  const auto [remote_seconds, there] = fetch(*remote);
  if (here.rows != rows) give_up("the table in " + path + " has another number of rows: remove the file");
  if (here != there) give_up("the rows that came over the wire are others");

  // In batches as Flight's clients send them.
  const auto pieces = some_rows(*embedded, ingest_rows);
  arrow::RecordBatchVector batches;
  for (std::size_t i = 0; i < pieces.size(); i += 32) {
    const arrow::RecordBatchVector some(pieces.begin() + static_cast<std::ptrdiff_t>(i),
                                        pieces.begin() + static_cast<std::ptrdiff_t>(std::min(i + 32, pieces.size())));
    batches.push_back(arrow::ConcatenateRecordBatches(some).ValueOrDie());
  }
  const auto check = [&] {
    Total total;
    for (const auto& batch : value_of(query_rows(*embedded, "SELECT n, x, s FROM uploaded", {}))) total.add(*batch);
    Total sent;
    for (const auto& batch : batches) sent.add(*batch);
    if (total != sent) give_up("the rows that were uploaded are others");
  };
  const double appended = ingest(*embedded, batches);
  check();
  const double uploaded = ingest(*remote, batches);
  check();
  std::cout << nlohmann::json{{"fetch_embedded", embedded_seconds},
                              {"fetch_flight", remote_seconds},
                              {"ingest_embedded", appended},
                              {"ingest_flight", uploaded}}
                   .dump()
            << '\n';
}

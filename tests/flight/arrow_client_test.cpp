// Arrow's own C++ client against our server.
#include <arrow/array.h>
#include <arrow/flight/client.h>
#include <arrow/flight/sql/client.h>
#include <arrow/flight/sql/server.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/scalar.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "fake_session.hpp"
#include "flight_loopback.hpp"

namespace hyprstream {
namespace {

namespace fl = arrow::flight;
using namespace std::chrono_literals;

template <typename T>
T must(arrow::Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().ToString());
  return std::move(result).ValueUnsafe();
}

class ArrowClientTest : public testing::Test {
 protected:
  static std::unique_ptr<fl::sql::FlightSqlClient> connect(int port) {
    return std::make_unique<fl::sql::FlightSqlClient>(
        must(fl::FlightClient::Connect(must(fl::Location::ForGrpcTcp("127.0.0.1", port)))));
  }

  static fl::FlightCallOptions with_key(const std::string& key) {
    fl::FlightCallOptions options;
    options.headers.emplace_back("authorization", "Bearer " + key);
    return options;
  }

  std::shared_ptr<arrow::Table> fetch(const arrow::Result<std::unique_ptr<fl::FlightInfo>>& info) {
    EXPECT_TRUE(info.ok()) << info.status().ToString();
    const auto reader = must(client_->DoGet(call_, (*info)->endpoints().at(0).ticket));
    return must(must(reader->ToTable())->CombineChunks());
  }

  std::string cell(const std::shared_ptr<arrow::Table>& table, int column, std::int64_t row = 0) {
    return must(table->column(column)->GetScalar(row))->ToString();
  }

  FlightLoopback loopback_;
  std::unique_ptr<fl::sql::FlightSqlClient> client_ = connect(loopback_.server->port());
  fl::FlightCallOptions call_ = with_key(kAdminKey);
};

TEST_F(ArrowClientTest, ReadsWhatThereIs) {
  using Info = fl::sql::SqlInfoOptions;
  const auto info = fetch(client_->GetSqlInfo(
      call_, {Info::FLIGHT_SQL_SERVER_NAME, Info::FLIGHT_SQL_SERVER_VERSION, Info::FLIGHT_SQL_SERVER_CANCEL}));
  EXPECT_EQ(info->num_rows(), 3);
  ASSERT_TRUE(must(client_->ExecuteUpdate(call_, "CREATE TABLE parent(id INTEGER PRIMARY KEY)")) >= 0);
  must(client_->ExecuteUpdate(call_, "CREATE TABLE child(p INTEGER REFERENCES parent(id), d DECIMAL(9,3))"));
  must(client_->ExecuteUpdate(call_, "CREATE VIEW both_ids AS SELECT id FROM parent"));
  EXPECT_EQ(cell(fetch(client_->GetCatalogs(call_)), 0), "memory");
  EXPECT_EQ(cell(fetch(client_->GetDbSchemas(call_, nullptr, nullptr)), 1), "main");
  EXPECT_EQ(fetch(client_->GetTableTypes(call_))->num_rows(), 3);

  const std::string pattern = "%i%d%";
  const std::vector<std::string> views{"VIEW"};
  EXPECT_EQ(fetch(client_->GetTables(call_, nullptr, nullptr, &pattern, false, nullptr))->num_rows(), 2);
  const auto tables = fetch(client_->GetTables(call_, nullptr, nullptr, &pattern, true, &views));
  ASSERT_EQ(tables->num_rows(), 1);
  EXPECT_EQ(cell(tables, 2), "both_ids");
  EXPECT_EQ(cell(tables, 3), "VIEW");

  EXPECT_EQ(cell(fetch(client_->GetPrimaryKeys(call_, {{}, {}, "parent"})), 3), "id");
  for (const auto& keys : {fetch(client_->GetImportedKeys(call_, {{}, {}, "child"})),
                           fetch(client_->GetExportedKeys(call_, {{}, {}, "parent"})),
                           fetch(client_->GetCrossReference(call_, {{}, {}, "parent"}, {{}, {}, "child"}))}) {
    ASSERT_EQ(keys->num_rows(), 1);
    EXPECT_EQ(cell(keys, 2) + "." + cell(keys, 3) + " <- " + cell(keys, 6) + "." + cell(keys, 7),
              "parent.id <- child.p");
  }
  EXPECT_EQ(fetch(client_->GetImportedKeys(call_, {{}, {}, "parent"}))->num_rows(), 0);
  EXPECT_GT(fetch(client_->GetXdbcTypeInfo(call_))->num_rows(), 20);
  EXPECT_EQ(cell(fetch(client_->GetXdbcTypeInfo(call_, 93)), 0), "TIMESTAMP");
}

TEST_F(ArrowClientTest, RunsPreparedStatements) {
  must(client_->ExecuteUpdate(call_, "CREATE TABLE t(n BIGINT)"));
  const auto insert = must(client_->Prepare(call_, "INSERT INTO t VALUES (?)"));
  ASSERT_TRUE(insert->SetParameters(numbers(0, 5)).ok());
  EXPECT_EQ(must(insert->ExecuteUpdate(call_)), 5);
  ASSERT_TRUE(insert->Close(call_).ok());
  const auto query = must(client_->Prepare(call_, "SELECT n FROM t WHERE n >= ? ORDER BY n"));
  ASSERT_TRUE(query->SetParameters(numbers(3, 1)).ok());
  EXPECT_TRUE(fetch(query->Execute(call_))->Equals(*must(arrow::Table::FromRecordBatches({numbers(3, 2)})), false));
  arrow::ipc::DictionaryMemo memo;
  EXPECT_EQ(must(must(query->GetSchema(call_))->GetSchema(&memo))->num_fields(), 1);
  ASSERT_TRUE(query->Close(call_).ok());
}

TEST_F(ArrowClientTest, EndsTransactions) {
  must(client_->ExecuteUpdate(call_, "CREATE TABLE t(n BIGINT)"));
  const auto first = must(client_->BeginTransaction(call_));
  must(client_->ExecuteUpdate(call_, "INSERT INTO t VALUES (1)", first));
  ASSERT_TRUE(client_->Rollback(call_, first).ok());
  const auto second = must(client_->BeginTransaction(call_));
  must(client_->ExecuteUpdate(call_, "INSERT INTO t VALUES (2)", second));
  ASSERT_TRUE(client_->Commit(call_, second).ok());
  EXPECT_EQ(cell(fetch(client_->Execute(call_, "SELECT sum(n)::BIGINT FROM t")), 0), "2");
  EXPECT_TRUE(client_->Commit(call_, second).IsKeyError());
}

TEST_F(ArrowClientTest, ReadsBackAMillionRowsThatItIngested) {
  arrow::RecordBatchVector batches;
  for (int i = 0; i < 16; ++i) batches.push_back(numbers(i * 62'500, 62'500));
  const auto rows = must(arrow::RecordBatchReader::Make(batches));
  EXPECT_EQ(must(client_->ExecuteIngest(call_, rows,
                                        {fl::sql::TableDefinitionOptionsTableNotExistOption::kCreate,
                                         fl::sql::TableDefinitionOptionsTableExistsOption::kFail},
                                        "million", {}, {}, false)),
            1'000'000);
  const auto sent = must(must(arrow::Table::FromRecordBatches(batches))->CombineChunks());
  EXPECT_TRUE(fetch(client_->Execute(call_, "SELECT n FROM million ORDER BY n"))->Equals(*sent, false));
}

TEST_F(ArrowClientTest, CancelsALongQuery) {
  const auto info = must(client_->Execute(call_, "SELECT count(*) FROM range(1000000000) a, range(1000000) b"));
  arrow::Status ended;
  std::atomic<bool> reading = false;
  std::thread reader([&] {
    reading = true;
    auto stream = client_->DoGet(call_, info->endpoints()[0].ticket);
    ended = stream.ok() ? (*stream)->ToTable().status() : stream.status();
  });
  while (!reading) std::this_thread::sleep_for(1ms);
  std::this_thread::sleep_for(50ms);
  const auto cancelled =
      must(client_->CancelFlightInfo(call_, fl::CancelFlightInfoRequest(std::make_unique<fl::FlightInfo>(*info))));
  EXPECT_NE(cancelled.status, fl::CancelStatus::kNotCancellable);
  reader.join();
  EXPECT_FALSE(ended.ok());
  EXPECT_EQ(cell(fetch(client_->Execute(call_, "SELECT 1")), 0), "1");
}

TEST_F(ArrowClientTest, NeedsAKey) {
  const auto refused = client_->Execute(with_key("0000000000000000"), "SELECT 1").status();
  const auto detail = fl::FlightStatusDetail::UnwrapStatus(refused);
  ASSERT_NE(detail, nullptr) << refused.ToString();
  EXPECT_EQ(detail->code(), fl::FlightStatusCode::Unauthenticated);
  EXPECT_FALSE(client_->GetSqlInfo({}, {}).ok());
  const auto written = client_->ExecuteUpdate(with_key(kReadingKey), "CREATE TABLE t(a INTEGER)").status();
  ASSERT_NE(fl::FlightStatusDetail::UnwrapStatus(written), nullptr) << written.ToString();
  EXPECT_EQ(fl::FlightStatusDetail::UnwrapStatus(written)->code(), fl::FlightStatusCode::Unauthorized);
}

TEST_F(ArrowClientTest, LogsInWithUserAndPassword) {
  const auto plain =
      must(fl::FlightClient::Connect(must(fl::Location::ForGrpcTcp("127.0.0.1", loopback_.server->port()))));
  const auto header = must(plain->AuthenticateBasicToken({}, "root", kAdminKey));
  EXPECT_EQ(header.first, "authorization");
  EXPECT_EQ(header.second, std::string("Bearer ") + kAdminKey);
  EXPECT_FALSE(plain->AuthenticateBasicToken({}, "app", kAdminKey).ok());
  EXPECT_FALSE(plain->AuthenticateBasicToken({}, "root", "wrong").ok());
}

TEST_F(ArrowClientTest, TakesNewKeys) {
  loopback_.server->set_keys(*ApiKeys::parse("admin new aaaaaaaaaaaaaaaa", "keys"));
  EXPECT_FALSE(client_->Execute(call_, "SELECT 1").ok());
  EXPECT_TRUE(client_->Execute(with_key("aaaaaaaaaaaaaaaa"), "SELECT 1").ok());
}

}  // namespace
}  // namespace hyprstream

// Against a database in memory: what clients of the server get, without a network.
#include "flight/statement_service.hpp"

#include <thread>

#include "access/api_keys.hpp"
#include "fake_session.hpp"
#include "statement_service_fixture.hpp"

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

TEST_F(StatementServiceTest, RunsQueriesAndChanges) {
  change("CREATE TABLE t(a INTEGER)");
  EXPECT_EQ(change("INSERT INTO t VALUES (1), (2), (3)"), 3);
  EXPECT_EQ(query("SELECT sum(a)::INTEGER, count(*) FROM t"), "6,3");
  // A change that was planned as a query is done once it is fetched.
  EXPECT_EQ(query("DELETE FROM t WHERE a > 1"), "2");
  EXPECT_EQ(query("FROM t"), "1");
  EXPECT_EQ(query("CREATE TABLE u(a INTEGER)"), "");
}

TEST_F(StatementServiceTest, SaysTheSchemaBeforeItRuns) {
  const auto planned = service_->plan(caller(), "SELECT 1::BIGINT AS n, 'x' AS s, [1.5] AS l", {});
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->schema->ToString(false), "n: int64\ns: string\nl: list<l: decimal128(2, 1)>");
  EXPECT_EQ(planned->kind, StatementKind::kQuery);
}

TEST_F(StatementServiceTest, GivesTheRowsOfAPlannedQueryOnce) {
  const auto planned = service_->plan(caller(), "SELECT 1", {});
  ASSERT_TRUE(planned);
  EXPECT_EQ(text(service_->fetch(caller(), planned->handle)), "1");
  EXPECT_EQ(service_->fetch(caller(), planned->handle).error().code, ErrorCode::kNotFound);
}

TEST_F(StatementServiceTest, KnowsHandlesToTheirKeyAlone) {
  const auto planned = service_->plan(caller("ann"), "SELECT 1", {});
  ASSERT_TRUE(planned);
  EXPECT_EQ(service_->fetch(caller("bob"), planned->handle).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(service_->close(caller("bob"), planned->handle).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(service_->cancel(caller("bob"), planned->handle).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(text(service_->fetch(caller("ann"), planned->handle)), "1");
}

TEST_F(StatementServiceTest, LetsAKeyForInferenceOnlyRead) {
  change("CREATE TABLE t(a INTEGER)");
  for (const char* write : {"INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TABLE u(a INTEGER)",
                            "WITH x AS (SELECT 1) INSERT INTO t FROM x"})
    EXPECT_EQ(service_->update(caller("app", Scope::kInference), write, {}).error().code, ErrorCode::kPermissionDenied)
        << write;
  EXPECT_EQ(service_
                ->ingest(caller("app", Scope::kInference), {.name = {.catalog = {}, .schema = {}, .table = "t"}},
                         *rows_of(arrow::schema({arrow::field("a", arrow::int32())}), "[[1]]"))
                .error()
                .code,
            ErrorCode::kPermissionDenied);
  const auto planned = service_->plan(caller("app", Scope::kInference), "SELECT count(*) FROM t", {});
  ASSERT_TRUE(planned);
  EXPECT_EQ(text(service_->fetch(caller("app", Scope::kInference), planned->handle)), "0");
  EXPECT_EQ(service_->plan(caller("", Scope::kPublic), "SELECT 1", {}).error().code, ErrorCode::kPermissionDenied);
}

TEST_F(StatementServiceTest, KeepsASessionsTemporaryTables) {
  const auto session = service_->open_session(caller());
  ASSERT_TRUE(session);
  const auto in_session = [&] { return caller("root", Scope::kAdmin, *session); };
  ASSERT_TRUE(service_->update(in_session(), "CREATE TEMP TABLE mine(a INTEGER)", {}));
  ASSERT_TRUE(service_->update(in_session(), "BEGIN", {}));
  EXPECT_EQ(service_->update(in_session(), "INSERT INTO mine VALUES (1), (2)", {}), 2);
  ASSERT_TRUE(service_->update(in_session(), "ROLLBACK", {}));
  const auto planned = service_->plan(in_session(), "SELECT count(*) FROM mine", {});
  ASSERT_TRUE(planned) << planned.error().message;
  EXPECT_EQ(text(service_->fetch(in_session(), planned->handle)), "0");
  EXPECT_EQ(service_->plan(caller(), "FROM mine", {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(service_->plan(caller("bob", Scope::kAdmin, *session), "FROM mine", {}).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(service_->close_session(in_session()));
  EXPECT_EQ(service_->plan(in_session(), "SELECT 1", {}).error().code, ErrorCode::kNotFound);
}

TEST_F(StatementServiceTest, RefusesWhatIsTooLong) {
  start({.open_statements = 2, .share_of_key = 1, .statement_bytes = 100});
  EXPECT_EQ(service_->plan(caller(), "SELECT '" + std::string(100, 'x') + "'", {}).error().code,
            ErrorCode::kResourceExhausted);
  ASSERT_TRUE(service_->plan(caller(), "SELECT 1", {}));
  ASSERT_TRUE(service_->plan(caller(), "SELECT 1", {}));
  EXPECT_EQ(service_->plan(caller(), "SELECT 1", {}).error().code, ErrorCode::kUnavailable);
}

TEST_F(StatementServiceTest, CancelsWhatRunsAndWhatWaits) {
  const auto waiting = service_->plan(caller(), "SELECT 1", {});
  ASSERT_TRUE(waiting);
  EXPECT_EQ(service_->cancel(caller(), waiting->handle), false);
  EXPECT_EQ(service_->fetch(caller(), waiting->handle).error().code, ErrorCode::kNotFound);

  const auto running = service_->plan(caller(), "SELECT count(*) FROM range(1000000000000) a, range(1000000) b", {});
  ASSERT_TRUE(running) << running.error().message;
  std::thread reading([&] {
    const auto rows = service_->fetch(caller(), running->handle);
    if (!rows) {  // kNotFound: it was cancelled before it began
      EXPECT_TRUE(rows.error().code == ErrorCode::kCancelled || rows.error().code == ErrorCode::kNotFound)
          << rows.error().message;
      return;
    }
    const auto table = (*rows)->ToTable();
    EXPECT_FALSE(table.ok());
  });
  for (bool ran = false; !ran; std::this_thread::sleep_for(1ms)) {
    const auto cancelled = service_->cancel(caller(), running->handle);
    if (!cancelled) break;  // it came before the reader, who then finds nothing
    ran = *cancelled;
  }
  reading.join();
}

TEST_F(StatementServiceTest, ForgetsTheHandlesOfAKeyThatHasChanged) {
  const auto keys = [](std::string_view line) { return *ApiKeys::parse(line, "keys"); };
  const auto who = [&](const ApiKeys& all, std::string_view key) {
    auto made = caller();
    made.identity = *all.identify(key);
    return made;
  };
  const auto admin = keys("admin boss 0123456789abcdef");
  const auto reading = keys("inference boss 0123456789abcdef");
  const auto other = keys("admin boss fedcba9876543210");
  change("CREATE TABLE t(a INTEGER)");
  const auto prepared = service_->prepare(who(admin, "0123456789abcdef"), "INSERT INTO t VALUES (1)", {});
  const auto begun = service_->begin(who(admin, "0123456789abcdef"));
  const auto session = service_->open_session(who(admin, "0123456789abcdef"));
  ASSERT_TRUE(prepared && begun && session);
  for (auto* changed : {&reading, &other}) {
    const auto key = changed == &reading ? "0123456789abcdef" : "fedcba9876543210";
    EXPECT_EQ(service_->fetch(who(*changed, key), prepared->handle).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(service_->update(who(*changed, key), "INSERT INTO t VALUES (1)", *begun).error().code,
              ErrorCode::kNotFound);
    auto in_session = who(*changed, key);
    in_session.session = *session;
    EXPECT_EQ(service_->update(in_session, "INSERT INTO t VALUES (1)", {}).error().code, ErrorCode::kNotFound);
  }
  // As it was before the keys were read again, it goes on.
  EXPECT_TRUE(service_->fetch(who(keys("admin boss 0123456789abcdef"), "0123456789abcdef"), prepared->handle));
}

TEST_F(StatementServiceTest, HoldsSoMuchAndNoMore) {
  start({.share_of_key = 2, .held_bytes = 3000});
  const auto prepare = [&](const char* key, std::size_t length) {
    return service_->prepare(caller(key), "SELECT ? || '" + std::string(length, 'x') + "'", {});
  };
  const auto first = prepare("ann", 1000);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(prepare("ann", 1000).error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(prepare("bob", 1000));
  const auto parameter = [&](std::size_t length) {
    const std::string json = R"([[")" + std::string(length, 'y') + R"("]])";
    return service_->set_parameters(caller("ann"), first->handle,
                                    *rows_of(arrow::schema({arrow::field("1", arrow::utf8())}), json.c_str()));
  };
  EXPECT_TRUE(parameter(100));
  EXPECT_EQ(parameter(1000).error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(service_->close(caller("ann"), first->handle));
  EXPECT_TRUE(prepare("ann", 1000));
}

TEST_F(StatementServiceTest, BoundsWhatWorksAtOnce) {
  FakeCounts counts;
  const FakeScript script{.pieces = {numbers(0, 10), numbers(10, 10)}, .delay = 1ms};
  StatementService service([&](Scope) { return make_fake_session(script, counts); },
                           {.queries = {.running = 3, .waiting = 8}});
  std::atomic<int> served = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 32; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const auto planned = service.plan(caller(), "SELECT 1", {});
        const auto rows = planned ? service.fetch(caller(), planned->handle)
                                  : Result<std::shared_ptr<arrow::RecordBatchReader>>(std::unexpected(planned.error()));
        if (rows) {
          EXPECT_EQ((*rows)->ToTable().ValueOrDie()->num_rows(), 20);
          ++served;
        } else {
          EXPECT_EQ(rows.error().code, ErrorCode::kUnavailable) << rows.error().message;
          ++refused;
        }
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(served + refused, 640);
  EXPECT_GT(served, 0);
  EXPECT_LE(counts.most_working, 3);
  service.expire(std::chrono::steady_clock::now() + 1h);
  EXPECT_EQ(counts.alive, 0);
}

}  // namespace
}  // namespace hyprstream

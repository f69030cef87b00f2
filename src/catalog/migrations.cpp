#include "catalog/migrations.hpp"

#include <array>
#include <format>
#include <string>

#include "catalog/duckdb_error.hpp"

namespace hyprstream {
namespace {

constexpr std::array<std::string_view, 1> kMigrations{// A row for each request that the server has finished.
                                                      R"(CREATE TABLE generations (
         time TIMESTAMPTZ NOT NULL,
         kind VARCHAR NOT NULL,
         model VARCHAR NOT NULL,
         adapters VARCHAR[] NOT NULL,
         client VARCHAR,
         outcome VARCHAR NOT NULL,
         finish_reason VARCHAR,
         prompt VARCHAR,
         completion VARCHAR,
         prompt_tokens BIGINT NOT NULL,
         cached_tokens BIGINT NOT NULL,
         completion_tokens BIGINT NOT NULL,
         queue_seconds DOUBLE NOT NULL,
         prefill_seconds DOUBLE NOT NULL,
         first_token_seconds DOUBLE NOT NULL,
         decode_seconds DOUBLE NOT NULL))"};

Result<std::size_t> read_version(Connection& connection) {
  HYPRSTREAM_TRY(connection.run("CREATE TABLE IF NOT EXISTS hyprstream_version (version BIGINT NOT NULL)"));
  DuckResult result;
  constexpr const char* kSql = "SELECT coalesce(max(version), 0) FROM hyprstream_version";
  if (duckdb_query(connection.handle(), kSql, result.get()) != DuckDBSuccess)
    return std::unexpected(translate_duckdb_error(duckdb_result_error(result.get())));
  const DuckChunk chunk(duckdb_fetch_chunk(*result.get()));
  if (!chunk || duckdb_data_chunk_get_size(chunk.get()) != 1)
    return fail(ErrorCode::kCorrupt, "the database does not say which version its tables have");
  const auto version =
      *static_cast<const std::int64_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk.get(), 0)));
  if (version < 0) return fail(ErrorCode::kCorrupt, std::format("the database has tables of version {}", version));
  return static_cast<std::size_t>(version);
}

Result<void> step(Connection& connection, std::string_view sql, std::size_t version) {
  HYPRSTREAM_TRY(connection.begin());
  auto done = connection.run(std::string(sql).c_str()).and_then([&] {
    return connection.run(
        std::format("DELETE FROM hyprstream_version; INSERT INTO hyprstream_version VALUES ({})", version).c_str());
  });
  if (done) return connection.commit();
  static_cast<void>(connection.rollback());
  return done;
}

}  // namespace

std::span<const std::string_view> table_migrations() noexcept { return kMigrations; }

Result<void> migrate_tables(Connection& connection, std::span<const std::string_view> migrations) {
  HYPRSTREAM_ASSIGN(auto version, read_version(connection));
  if (version > migrations.size())
    return fail(ErrorCode::kUnsupported,
                std::format("the database has tables of version {}, and this hyprstream knows {}: update hyprstream",
                            version, migrations.size()));
  for (; version < migrations.size(); ++version) HYPRSTREAM_TRY(step(connection, migrations[version], version + 1));
  return {};
}

}  // namespace hyprstream

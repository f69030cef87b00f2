#include "catalog/duckdb_formatter.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <string_view>
#include <utility>

#include "catalog/arrow_file.hpp"
#include "catalog/arrow_schema.hpp"
#include "catalog/connection.hpp"
#include "catalog/duckdb_error.hpp"
#include "catalog/result_source.hpp"
#include "catalog/sql_text.hpp"

namespace hyprstream {
namespace {

bool is_number(std::string_view type) {
  static constexpr std::array<std::string_view, 13> kNumbers{"TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT",  "HUGEINT",
                                                             "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT",
                                                             "BIGNUM",   "FLOAT",     "DOUBLE"};
  return std::ranges::find(kNumbers, type) != kNumbers.end() || (type.starts_with("DECIMAL(") && type.ends_with(')'));
}

std::vector<TextColumn> columns_of(const ArrowSchema& schema) {
  std::vector<TextColumn> columns;
  for (std::int64_t i = 0; i < schema.n_children; ++i) {
    const auto& field = *schema.children[i];
    auto type = arrow_metadata(field, kTypeNameKey).value_or("");
    const bool number = is_number(type);
    columns.push_back({field.name, std::move(type), number});
  }
  return columns;
}

class DuckTextRows final : public TextRows {
 public:
  DuckTextRows(std::vector<TextColumn> columns, ResultSource& source) : columns_(std::move(columns)), source_(source) {}

  Result<void> run(duckdb_connection connection, const std::string& sql) {
    if (duckdb_prepare(connection, sql.c_str(), statement_.out()) != DuckDBSuccess)
      return std::unexpected(translate_duckdb_error(duckdb_prepare_error(statement_.get()), sql));
    if (duckdb_execute_prepared_streaming(statement_.get(), result_.get()) != DuckDBSuccess)
      return std::unexpected(error());
    return {};
  }

  std::span<const TextColumn> columns() const noexcept override { return columns_; }

  Result<std::span<const TextRow>> next() override {
    const DuckChunk chunk(duckdb_fetch_chunk(*result_.get()));
    const idx_t count = chunk ? duckdb_data_chunk_get_size(chunk.get()) : 0;
    const char* message = duckdb_result_error(result_.get());
    if (count == 0 && message != nullptr && *message != '\0') return std::unexpected(error());
    rows_.assign(count, TextRow(chunk ? duckdb_data_chunk_get_column_count(chunk.get()) : 0));
    for (idx_t column = 0; count > 0 && column < duckdb_data_chunk_get_column_count(chunk.get()); ++column) {
      auto* vector = duckdb_data_chunk_get_vector(chunk.get(), column);
      auto* validity = duckdb_vector_get_validity(vector);
      auto* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
      for (idx_t row = 0; row < count; ++row)
        if (validity == nullptr || duckdb_validity_row_is_valid(validity, row))
          rows_[row][column].emplace(duckdb_string_t_data(&texts[row]), duckdb_string_t_length(texts[row]));
    }
    return std::span<const TextRow>(rows_);
  }

 private:
  Error error() {
    if (auto failure = source_.failure()) return *std::move(failure);
    return translate_duckdb_error(duckdb_result_error(result_.get()));
  }

  std::vector<TextColumn> columns_;
  ResultSource& source_;
  DuckPrepared statement_;
  DuckResult result_;
  std::vector<TextRow> rows_;
};

class DuckFormatter final : public TextFormatter {
 public:
  DuckFormatter(std::shared_ptr<Connection> connection, std::unique_ptr<ResultSource> source)
      : connection_(std::move(connection)), source_(std::move(source)) {}

  Result<std::unique_ptr<TextRows>> as_text(ResultStream& stream) override {
    return rows(stream, columns_of(stream.schema()), "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM hyprstream_result()");
  }

  Result<std::unique_ptr<TextRows>> as_json(ResultStream& stream) override {
    return rows(stream, {{.name = "json", .type = "JSON"}},
                "SELECT CAST(to_json(r) AS VARCHAR) FROM hyprstream_result() r");
  }

  Result<std::int64_t> write_arrow(ResultStream& stream, const std::string& path) override {
    return write_arrow_file(stream, path);
  }

  Result<std::int64_t> write_parquet(ResultStream& stream, const std::string& path) override {
    HYPRSTREAM_TRY(source_->offer(stream));
    const auto sql = std::format("COPY (FROM hyprstream_result()) TO {} (FORMAT parquet)", sql_string(path));
    DuckResult result;
    if (duckdb_query(connection_->handle(), sql.c_str(), result.get()) != DuckDBSuccess) {
      if (auto failure = source_->failure()) return std::unexpected(*std::move(failure));
      return std::unexpected(translate_duckdb_error(duckdb_result_error(result.get())));
    }
    return static_cast<std::int64_t>(duckdb_rows_changed(result.get()));
  }

 private:
  Result<std::unique_ptr<TextRows>> rows(ResultStream& stream, std::vector<TextColumn> columns,
                                         const std::string& sql) {
    HYPRSTREAM_TRY(source_->offer(stream));
    auto rows = std::make_unique<DuckTextRows>(std::move(columns), *source_);
    HYPRSTREAM_TRY(rows->run(connection_->handle(), sql));
    return rows;
  }

  std::shared_ptr<Connection> connection_;
  std::unique_ptr<ResultSource> source_;
};

}  // namespace

Result<std::unique_ptr<TextFormatter>> make_duckdb_formatter(Database& database) {
  HYPRSTREAM_ASSIGN(auto connection, database.connection({}));
  HYPRSTREAM_ASSIGN(auto source, ResultSource::create(*connection));
  return std::make_unique<DuckFormatter>(std::move(connection), std::move(source));
}

}  // namespace hyprstream

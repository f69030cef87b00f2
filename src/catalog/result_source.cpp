#include "catalog/result_source.hpp"

#include <algorithm>
#include <array>
#include <format>
#include <set>
#include <utility>
#include <vector>

#include "catalog/arrow_file.hpp"
#include "catalog/arrow_schema.hpp"
#include "catalog/arrow_values.hpp"
#include "catalog/duckdb_error.hpp"

namespace hyprstream {

struct ResultSource::State {
  duckdb_connection connection = nullptr;
  ResultStream* stream = nullptr;
  DuckArrowTypes types;
  std::vector<std::string> names;
  DuckChunk chunk;  // being read; empty: the stream has ended
  idx_t row = 0;    // the first of it that was not read
  std::optional<Error> failure;

  Result<void> advance() {
    row = 0;
    chunk = DuckChunk();
    HYPRSTREAM_ASSIGN(auto rows, stream->next());
    if (!rows) {  // the columns have their types without them
      HYPRSTREAM_ASSIGN(rows, no_rows(stream->schema()));
    }
    HYPRSTREAM_ASSIGN(chunk, chunk_from_arrow(connection, types.get(), std::move(rows)));
    return {};
  }
};

namespace {

using State = ResultSource::State;

// A table's columns have different names, in DuckDB whatever their case.
std::vector<std::string> distinct_names(const ArrowSchema& schema) {
  const auto lower = [](std::string name) {
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return name;
  };
  std::set<std::string> taken;
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < schema.n_children; ++i) {
    const std::string wanted = schema.children[i]->name;
    auto name = wanted;
    for (int n = 1; !taken.insert(lower(name)).second; ++n) name = std::format("{}_{}", wanted, n);
    names.push_back(std::move(name));
  }
  return names;
}

void bind(duckdb_bind_info info) {
  const auto& state = *static_cast<const State*>(duckdb_bind_get_extra_info(info));
  for (std::size_t i = 0; i < state.names.size(); ++i) {
    const DuckType type(duckdb_vector_get_column_type(duckdb_data_chunk_get_vector(state.chunk.get(), i)));
    duckdb_bind_add_result_column(info, state.names[i].c_str(), type.get());
  }
}

void init(duckdb_init_info info) { duckdb_init_set_max_threads(info, 1); }

void read(duckdb_function_info info, duckdb_data_chunk out) {
  auto& state = *static_cast<State*>(duckdb_function_get_extra_info(info));
  if (!state.chunk) return duckdb_data_chunk_set_size(out, 0);  // after an error
  const idx_t size = duckdb_data_chunk_get_size(state.chunk.get());
  const idx_t count = std::min(size - state.row, duckdb_vector_size());
  if (count == 0) return duckdb_data_chunk_set_size(out, 0);
  refer_to_rows(out, state.chunk.get(), state.row, count);
  state.row += count;
  if (state.row < size) return;
  if (auto next = state.advance(); !next) {
    state.failure = std::move(next).error();
    duckdb_function_set_error(info, state.failure->message.c_str());
  }
}

}  // namespace

ResultSource::ResultSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
ResultSource::~ResultSource() = default;

Result<std::unique_ptr<ResultSource>> ResultSource::create(Connection& connection) {
  auto state = std::make_unique<State>();
  state->connection = connection.handle();
  const DuckTableFunction function(duckdb_create_table_function());
  duckdb_table_function_set_name(function.get(), "hyprstream_result");
  duckdb_table_function_set_extra_info(function.get(), state.get(), nullptr);
  duckdb_table_function_set_bind(function.get(), bind);
  duckdb_table_function_set_init(function.get(), init);
  duckdb_table_function_set_function(function.get(), read);
  if (duckdb_register_table_function(connection.handle(), function.get()) != DuckDBSuccess)
    return fail(ErrorCode::kInternal, "the database refuses a function for results");
  return std::unique_ptr<ResultSource>(new ResultSource(std::move(state)));
}

Result<void> ResultSource::offer(ResultStream& stream) {
  state_->stream = &stream;
  state_->failure.reset();
  state_->names = distinct_names(stream.schema());
  state_->types = DuckArrowTypes();
  auto schema = build_arrow_schema(read_arrow_schema(stream.schema()));  // DuckDB takes it as not const
  HYPRSTREAM_TRY(check_duckdb(duckdb_schema_from_arrow(state_->connection, schema.get(), state_->types.out())));
  return state_->advance();
}

std::optional<Error> ResultSource::failure() const { return state_->failure; }

}  // namespace hyprstream

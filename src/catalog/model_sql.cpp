#include "catalog/model_sql.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <format>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.hpp"
#include "catalog/duckdb_error.hpp"

namespace hyprstream {
namespace {

constexpr std::size_t kShownInput = 200;  // bytes of a row's input in sql_errors

// One column of a function's arguments.
class Argument {
 public:
  Argument(duckdb_data_chunk chunk, idx_t column) {
    auto* vector = duckdb_data_chunk_get_vector(chunk, column);
    data_ = duckdb_vector_get_data(vector);
    validity_ = duckdb_vector_get_validity(vector);
  }

  bool is_null(idx_t row) const { return validity_ != nullptr && !duckdb_validity_row_is_valid(validity_, row); }
  std::string text(idx_t row) const {
    if (is_null(row)) return {};
    auto value = static_cast<const duckdb_string_t*>(data_)[row];
    return {duckdb_string_t_data(&value), duckdb_string_t_length(value)};
  }
  template <typename T>
  std::optional<T> number(idx_t row) const {
    if (is_null(row)) return std::nullopt;
    return static_cast<const T*>(data_)[row];
  }

 private:
  void* data_;
  std::uint64_t* validity_;
};

// What a function sees while it runs.
struct Call {
  duckdb_function_info info;
  const ModelSql& context;
  Connection& connection;
  const char* name;
  duckdb_vector out;

  void set_null(idx_t row) const {
    duckdb_vector_ensure_validity_writable(out);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(out), row);
  }

  // Fails the statement.
  void refuse(const std::string& message) const { duckdb_scalar_function_set_error(info, message.c_str()); }

  void note(const Error& error, std::string_view input) const {
    std::string shown(input.substr(0, kShownInput));
    shown.resize(shown.size() - incomplete_utf8_suffix(shown));
    connection.add_error(
        {.time = std::chrono::system_clock::now(), .function = name, .message = error.message, .input = shown});
  }
};

// Rows of a call with equal ones only once: DuckDB may compute a function once where it was asked for more often, so we
// may too.
template <typename Row>
class DistinctRows {
 public:
  void add(idx_t row, std::string key, Row value) {
    const auto [place, is_new] = places_.emplace(std::move(key), values_.size());
    if (is_new) values_.push_back(std::move(value));
    rows_.emplace_back(row, place->second);
  }
  std::span<const Row> values() const noexcept { return values_; }
  // Pairs of a row of the call and its place in values().
  std::span<const std::pair<idx_t, std::size_t>> rows() const noexcept { return rows_; }

 private:
  std::map<std::string, std::size_t> places_;
  std::vector<Row> values_;
  std::vector<std::pair<idx_t, std::size_t>> rows_;
};

// Writes results; a row that failed is NULL and noted, or fails the statement.
template <typename Row, typename T, typename Write, typename Input>
void deliver(const Call& call, const DistinctRows<Row>& rows, const RowResults<T>& results, bool fail_rows,
             const Input& input_of, const Write& write) {
  if (!results) return call.refuse(results.error().message);
  for (std::size_t i = 0; i < results->size(); ++i) {
    if ((*results)[i]) continue;
    if (fail_rows) return call.refuse(std::format("{}(): {}", call.name, (*results)[i].error().message));
    call.note((*results)[i].error(), input_of(rows.values()[i]));
  }
  for (const auto& [row, place] : rows.rows()) {
    const auto& result = (*results)[place];
    if (result)
      write(row, *result);
    else
      call.set_null(row);
  }
}

Result<bool> read_on_error(const std::string& text) {
  if (text.empty() || text == "null") return false;
  if (text == "fail") return true;
  return fail(ErrorCode::kInvalidArgument, std::format("on_error must be 'null' or 'fail', not '{}'", text));
}

void write_text(const Call& call, idx_t row, const std::string& text) {
  duckdb_vector_assign_string_element_len(call.out, row, text.data(), text.size());
}

// Lists of numbers, one after another.
template <typename T>
class ListWriter {
 public:
  explicit ListWriter(duckdb_vector out) : out_(out) {}

  void write(idx_t row, std::span<const T> values) {
    const idx_t size = duckdb_list_vector_get_size(out_);
    duckdb_list_vector_reserve(out_, size + values.size());
    duckdb_list_vector_set_size(out_, size + values.size());
    auto* child = static_cast<T*>(duckdb_vector_get_data(duckdb_list_vector_get_child(out_)));
    if (!values.empty()) std::memcpy(child + size, values.data(), values.size_bytes());
    static_cast<duckdb_list_entry*>(duckdb_vector_get_data(out_))[row] = {size, values.size()};
  }

 private:
  duckdb_vector out_;
};

// ---- The functions, each for the rows of a chunk ----

void generate(const Call& call, duckdb_data_chunk in) {
  const Argument prompt(in, 0);
  const Argument adapter(in, 1);
  const Argument max_tokens(in, 2);
  const Argument temperature(in, 3);
  const Argument seed(in, 4);
  const Argument system(in, 5);
  const Argument on_error(in, 6);
  DistinctRows<GenerateCall> rows;
  bool fail_rows = false;
  for (idx_t row = 0; row < duckdb_data_chunk_get_size(in); ++row) {
    if (prompt.is_null(row)) {
      call.set_null(row);
      continue;
    }
    const auto mode = read_on_error(on_error.text(row));
    if (!mode) return call.refuse(mode.error().message);
    fail_rows = fail_rows || *mode;
    GenerateCall one{.prompt = prompt.text(row), .system = system.text(row), .adapter = adapter.text(row)};
    const auto tokens = max_tokens.number<std::int64_t>(row).value_or(one.max_tokens);
    if (tokens < 1 || tokens > std::numeric_limits<int>::max())
      return call.refuse(std::format("max_tokens must be 1 or more, not {}", tokens));
    one.max_tokens = static_cast<int>(tokens);
    const auto heat = temperature.number<double>(row).value_or(0);
    if (!(heat >= 0 && heat <= 100)) return call.refuse(std::format("temperature must be from 0 to 100, not {}", heat));
    one.temperature = static_cast<float>(heat);
    if (const auto number = seed.number<std::int64_t>(row)) {
      if (*number < 0 || *number > std::numeric_limits<std::uint32_t>::max())
        return call.refuse(std::format("seed must be from 0 to 4294967295, not {}", *number));
      one.seed = static_cast<std::uint32_t>(*number);
    }
    auto key = std::format("{}\n{}\n{}\n{}\n{}{}\n{}", one.max_tokens, one.temperature,
                           one.seed ? std::to_string(*one.seed) : "", one.adapter.size(), one.adapter,
                           one.system.size(), one.system) +
               one.prompt;
    rows.add(row, std::move(key), std::move(one));
  }
  if (rows.values().empty()) return;
  const auto results = call.context.model->generate(rows.values(), call.connection.call_limits());
  deliver(
      call, rows, results, fail_rows, [](const GenerateCall& one) -> std::string_view { return one.prompt; },
      [&](idx_t row, const std::string& text) { write_text(call, row, text); });
}

void perplexity(const Call& call, duckdb_data_chunk in) {
  const Argument text(in, 0);
  const Argument adapter(in, 1);
  const Argument on_error(in, 2);
  DistinctRows<PerplexityCall> rows;
  bool fail_rows = false;
  for (idx_t row = 0; row < duckdb_data_chunk_get_size(in); ++row) {
    if (text.is_null(row)) {
      call.set_null(row);
      continue;
    }
    const auto mode = read_on_error(on_error.text(row));
    if (!mode) return call.refuse(mode.error().message);
    fail_rows = fail_rows || *mode;
    PerplexityCall one{.text = text.text(row), .adapter = adapter.text(row)};
    auto key = std::format("{}\n{}", one.adapter.size(), one.adapter) + one.text;
    rows.add(row, std::move(key), std::move(one));
  }
  if (rows.values().empty()) return;
  const auto results = call.context.model->perplexity(rows.values(), call.connection.call_limits());
  auto* numbers = static_cast<double*>(duckdb_vector_get_data(call.out));
  deliver(
      call, rows, results, fail_rows, [](const PerplexityCall& one) -> std::string_view { return one.text; },
      [&](idx_t row, double value) { numbers[row] = value; });
}

DistinctRows<std::string> texts_of(const Call& call, duckdb_data_chunk in) {
  const Argument text(in, 0);
  DistinctRows<std::string> rows;
  for (idx_t row = 0; row < duckdb_data_chunk_get_size(in); ++row) {
    if (text.is_null(row))
      call.set_null(row);
    else
      rows.add(row, text.text(row), text.text(row));
  }
  return rows;
}

std::string_view itself(const std::string& text) { return text; }

void embed(const Call& call, duckdb_data_chunk in) {
  const auto rows = texts_of(call, in);
  if (rows.values().empty()) return;
  ListWriter<float> lists(call.out);
  deliver(call, rows, call.context.model->embed(rows.values(), call.connection.call_limits()), false, itself,
          [&](idx_t row, const std::vector<float>& vector) { lists.write(row, vector); });
}

void tokenize(const Call& call, duckdb_data_chunk in) {
  const auto rows = texts_of(call, in);
  if (rows.values().empty()) return;
  ListWriter<std::int32_t> lists(call.out);
  deliver(call, rows, call.context.model->tokenize(rows.values()), false, itself,
          [&](idx_t row, const std::vector<std::int32_t>& tokens) { lists.write(row, tokens); });
}

void count_tokens(const Call& call, duckdb_data_chunk in) {
  const auto rows = texts_of(call, in);
  if (rows.values().empty()) return;
  auto* counts = static_cast<std::int64_t*>(duckdb_vector_get_data(call.out));
  deliver(call, rows, call.context.model->tokenize(rows.values()), false, itself,
          [&](idx_t row, const std::vector<std::int32_t>& tokens) {
            counts[row] = static_cast<std::int64_t>(tokens.size());
          });
}

// ---- Telling DuckDB ----

constexpr auto kText = DUCKDB_TYPE_VARCHAR;
constexpr auto kInteger = DUCKDB_TYPE_BIGINT;
constexpr auto kReal = DUCKDB_TYPE_DOUBLE;

struct FunctionSpec {
  const char* name;                      // in SQL
  const char* said_as;                   // what messages call it
  std::array<duckdb_type, 7> arguments;  // up to the first invalid one
  duckdb_type result;
  duckdb_type list_of;  // where the result is a list
  void (*run)(const Call&, duckdb_data_chunk);
};

constexpr auto kNone = DUCKDB_TYPE_INVALID;
constexpr std::array<FunctionSpec, 6> kFunctions{{
    {"hyprstream_generate",
     "generate",
     {kText, kText, kInteger, kReal, kInteger, kText, kText},
     kText,
     kNone,
     generate},
    {"hyprstream_perplexity", "perplexity", {kText, kText, kText}, kReal, kNone, perplexity},
    {"embed", "embed", {kText}, DUCKDB_TYPE_LIST, DUCKDB_TYPE_FLOAT, embed},
    {"embedding", "embedding", {kText}, DUCKDB_TYPE_LIST, DUCKDB_TYPE_FLOAT, embed},
    {"tokenize", "tokenize", {kText}, DUCKDB_TYPE_LIST, DUCKDB_TYPE_INTEGER, tokenize},
    {"count_tokens", "count_tokens", {kText}, kInteger, kNone, count_tokens},
}};

using State = std::shared_ptr<Connection>;

struct Registered {
  const ModelSql& context;
  const FunctionSpec& spec;
};

// Finds the connection that the function runs in.
void init(duckdb_init_info info) {
  const auto& self = *static_cast<const Registered*>(duckdb_scalar_function_init_get_extra_info(info));
  duckdb_client_context context = nullptr;
  duckdb_scalar_function_init_get_client_context(info, &context);
  auto connection = self.context.connections->find(connection_id(context));
  if (connection == nullptr) return duckdb_scalar_function_init_set_error(info, "the session has ended");
  duckdb_scalar_function_init_set_state(info, new State(std::move(connection)),
                                        [](void* state) { delete static_cast<State*>(state); });
}

void run(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out) {
  const auto& self = *static_cast<const Registered*>(duckdb_scalar_function_get_extra_info(info));
  auto& connection = **static_cast<State*>(duckdb_scalar_function_get_state(info));
  const Call call{info, self.context, connection, self.spec.said_as, out};
  if (PreparingScope::refuse()) return call.refuse("the model is not asked while a statement is prepared");
  if (self.context.model == nullptr) return call.refuse("there is no model here that could be asked");
  if (const auto ok = connection.call_limits().check(); !ok) return call.refuse(ok.error().message);
  try {
    self.spec.run(call, in);
  } catch (const std::exception& error) {
    call.refuse(std::format("{}() has failed: {}", self.spec.said_as, error.what()));
  }
}

Result<void> register_function(Connection& connection, const ModelSql& context, const FunctionSpec& spec) {
  const DuckScalarFunction function(duckdb_create_scalar_function());
  duckdb_scalar_function_set_name(function.get(), spec.name);
  for (const auto type : spec.arguments) {
    if (type == kNone) break;
    const DuckType argument(duckdb_create_logical_type(type));
    duckdb_scalar_function_add_parameter(function.get(), argument.get());
  }
  if (spec.result == DUCKDB_TYPE_LIST) {
    const DuckType element(duckdb_create_logical_type(spec.list_of));
    const DuckType list(duckdb_create_list_type(element.get()));
    duckdb_scalar_function_set_return_type(function.get(), list.get());
  } else {
    const DuckType type(duckdb_create_logical_type(spec.result));
    duckdb_scalar_function_set_return_type(function.get(), type.get());
  }
  duckdb_scalar_function_set_extra_info(function.get(), new Registered{context, spec},
                                        [](void* self) { delete static_cast<Registered*>(self); });
  duckdb_scalar_function_set_special_handling(function.get());  // NULL in one argument is not NULL out
  duckdb_scalar_function_set_init(function.get(), init);
  duckdb_scalar_function_set_function(function.get(), run);
  if (duckdb_register_scalar_function(connection.handle(), function.get()) == DuckDBSuccess) return {};
  return fail(ErrorCode::kInternal, std::format("the database refuses the function {}", spec.name));
}

}  // namespace

Result<void> register_model_functions(Connection& connection, const ModelSql& context) {
  for (const auto& spec : kFunctions) HYPRSTREAM_TRY(register_function(connection, context, spec));
  return {};
}

std::string model_macros() {
  std::string macros;
  for (const auto* name : {"generate", "prompt"})
    macros += std::format(
        "CREATE TEMP MACRO {}(prompt, adapter := NULL, max_tokens := NULL, temperature := NULL, seed := NULL, "
        "system := NULL, on_error := NULL) AS "
        "hyprstream_generate(prompt, adapter, max_tokens, temperature, seed, system, on_error);",
        name);
  return macros +
         "CREATE TEMP MACRO perplexity(text, adapter := NULL, on_error := NULL) AS "
         "hyprstream_perplexity(text, adapter, on_error);";
}

}  // namespace hyprstream

#include "flight/sql_info.hpp"

#include <vector>

#include "flight/arrow_version.hpp"

namespace hyprstream {
namespace {

using Info = arrow::flight::sql::SqlInfoOptions;
using Texts = std::vector<std::string>;

// What the enumerations of FlightSql.proto call these.
constexpr std::int32_t kAllowedNames = 0b11;    // of SQL_*_SUPPORTED_ACTIONS: in commands, in privileges
constexpr std::int32_t kAllIsolation = 1 << 3;  // serializable
constexpr std::int32_t kSerializable = 4;
constexpr std::int32_t kGroupBy = 0b11;       // by what is not selected, and beyond
constexpr std::int32_t kGrammar = 0b11;       // minimum and core
constexpr std::int32_t kAnsi92 = 0b1;         // entry level
constexpr std::int32_t kOuterJoins = 0b111;   // limited, full, inner
constexpr std::int32_t kSubqueries = 0b1111;  // in comparisons, EXISTS, IN, quantified
constexpr std::int32_t kUnions = 0b11;        // UNION, UNION ALL
constexpr std::int32_t kForwardOnly = 1 << 1;

}  // namespace

arrow::flight::sql::SqlInfoResultMap sql_info(const StatementLimits& limits, const std::string& version) {
  return {
      {Info::FLIGHT_SQL_SERVER_NAME, std::string("hyprstream")},
      {Info::FLIGHT_SQL_SERVER_VERSION, version},
      {Info::FLIGHT_SQL_SERVER_ARROW_VERSION, std::string(arrow_runtime_version())},
      {Info::FLIGHT_SQL_SERVER_READ_ONLY, false},
      {Info::FLIGHT_SQL_SERVER_SQL, true},
      {Info::FLIGHT_SQL_SERVER_SUBSTRAIT, false},
      {Info::FLIGHT_SQL_SERVER_TRANSACTION, std::int32_t{Info::SQL_SUPPORTED_TRANSACTION_TRANSACTION}},
      {Info::FLIGHT_SQL_SERVER_CANCEL, true},
      {Info::FLIGHT_SQL_SERVER_BULK_INGESTION, true},
      {Info::FLIGHT_SQL_SERVER_INGEST_TRANSACTIONS_SUPPORTED, true},
      {Info::FLIGHT_SQL_SERVER_STATEMENT_TIMEOUT, static_cast<std::int32_t>(limits.statement_idle.count())},
      {Info::FLIGHT_SQL_SERVER_TRANSACTION_TIMEOUT, static_cast<std::int32_t>(limits.transaction_idle.count())},
      {Info::SQL_DDL_CATALOG, false},
      {Info::SQL_DDL_SCHEMA, true},
      {Info::SQL_DDL_TABLE, true},
      {Info::SQL_IDENTIFIER_CASE, std::int32_t{Info::SQL_CASE_SENSITIVITY_CASE_INSENSITIVE}},
      {Info::SQL_IDENTIFIER_QUOTE_CHAR, std::string("\"")},
      {Info::SQL_QUOTED_IDENTIFIER_CASE, std::int32_t{Info::SQL_CASE_SENSITIVITY_CASE_INSENSITIVE}},
      {Info::SQL_ALL_TABLES_ARE_SELECTABLE, true},
      {Info::SQL_NULL_ORDERING, std::int32_t{Info::SQL_NULLS_SORTED_AT_END}},
      {Info::SQL_NUMERIC_FUNCTIONS, Texts{"abs", "ceil", "exp", "floor", "ln", "log10", "mod", "pi", "pow", "random",
                                          "round", "sign", "sqrt", "trunc"}},
      {Info::SQL_STRING_FUNCTIONS,
       Texts{"concat", "contains", "left", "length", "lower", "lpad", "ltrim", "regexp_matches", "repeat", "replace",
             "reverse", "right", "rpad", "rtrim", "split", "substring", "trim", "upper"}},
      {Info::SQL_SYSTEM_FUNCTIONS,
       Texts{"coalesce", "ifnull", "nullif", "generate", "prompt", "embed", "count_tokens", "tokenize", "perplexity"}},
      {Info::SQL_DATETIME_FUNCTIONS, Texts{"current_date", "date_diff", "date_part", "date_trunc", "dayname", "epoch",
                                           "extract", "last_day", "now", "strftime", "strptime", "to_timestamp"}},
      {Info::SQL_SEARCH_STRING_ESCAPE, std::string("\\")},
      {Info::SQL_EXTRA_NAME_CHARACTERS, std::string("$")},
      {Info::SQL_SUPPORTS_COLUMN_ALIASING, true},
      {Info::SQL_NULL_PLUS_NULL_IS_NULL, true},
      {Info::SQL_SUPPORTS_TABLE_CORRELATION_NAMES, true},
      {Info::SQL_SUPPORTS_DIFFERENT_TABLE_CORRELATION_NAMES, false},
      {Info::SQL_SUPPORTS_EXPRESSIONS_IN_ORDER_BY, true},
      {Info::SQL_SUPPORTS_ORDER_BY_UNRELATED, true},
      {Info::SQL_SUPPORTED_GROUP_BY, kGroupBy},
      {Info::SQL_SUPPORTS_LIKE_ESCAPE_CLAUSE, true},
      {Info::SQL_SUPPORTS_NON_NULLABLE_COLUMNS, true},
      {Info::SQL_SUPPORTED_GRAMMAR, kGrammar},
      {Info::SQL_ANSI92_SUPPORTED_LEVEL, kAnsi92},
      {Info::SQL_SUPPORTS_INTEGRITY_ENHANCEMENT_FACILITY, true},
      {Info::SQL_OUTER_JOINS_SUPPORT_LEVEL, kOuterJoins},
      {Info::SQL_SCHEMA_TERM, std::string("schema")},
      {Info::SQL_PROCEDURE_TERM, std::string("macro")},
      {Info::SQL_CATALOG_TERM, std::string("catalog")},
      {Info::SQL_CATALOG_AT_START, true},
      {Info::SQL_SCHEMAS_SUPPORTED_ACTIONS, kAllowedNames},
      {Info::SQL_CATALOGS_SUPPORTED_ACTIONS, kAllowedNames},
      {Info::SQL_SELECT_FOR_UPDATE_SUPPORTED, false},
      {Info::SQL_STORED_PROCEDURES_SUPPORTED, false},
      {Info::SQL_SUPPORTED_SUBQUERIES, kSubqueries},
      {Info::SQL_CORRELATED_SUBQUERIES_SUPPORTED, true},
      {Info::SQL_SUPPORTED_UNIONS, kUnions},
      {Info::SQL_MAX_STATEMENT_LENGTH, static_cast<std::int64_t>(limits.statement_bytes)},
      {Info::SQL_MAX_STATEMENTS, static_cast<std::int64_t>(limits.open_statements)},
      {Info::SQL_DEFAULT_TRANSACTION_ISOLATION, kSerializable},
      {Info::SQL_TRANSACTIONS_SUPPORTED, true},
      {Info::SQL_SUPPORTED_TRANSACTIONS_ISOLATION_LEVELS, kAllIsolation},
      {Info::SQL_DATA_DEFINITION_CAUSES_TRANSACTION_COMMIT, false},
      {Info::SQL_DATA_DEFINITIONS_IN_TRANSACTIONS_IGNORED, false},
      {Info::SQL_SUPPORTED_RESULT_SET_TYPES, kForwardOnly},
      {Info::SQL_BATCH_UPDATES_SUPPORTED, true},
      {Info::SQL_SAVEPOINTS_SUPPORTED, false},
      {Info::SQL_NAMED_PARAMETERS_SUPPORTED, true},
      {Info::SQL_LOCATORS_UPDATE_COPY, false},
      {Info::SQL_STORED_FUNCTIONS_USING_CALL_SYNTAX_SUPPORTED, false},
  };
}

}  // namespace hyprstream

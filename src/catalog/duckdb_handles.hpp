// DuckDB's handles as owners. For the files of this folder only.
#pragma once

#include <duckdb.h>

#include <utility>

namespace hyprstream {

// Owns a handle whose destroy function takes its address. Not thread-safe.
template <typename T, auto Destroy>
class DuckHandle {
 public:
  DuckHandle() noexcept = default;
  explicit DuckHandle(T handle) noexcept : handle_(handle) {}
  DuckHandle(DuckHandle&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  DuckHandle& operator=(DuckHandle&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~DuckHandle() {
    if (handle_ != nullptr) Destroy(&handle_);
  }

  explicit operator bool() const noexcept { return handle_ != nullptr; }
  T get() const noexcept { return handle_; }
  // To be filled by a C function; empty before.
  T* out() noexcept { return &handle_; }

 private:
  T handle_ = nullptr;
};

using DuckDatabase = DuckHandle<duckdb_database, duckdb_close>;
using DuckConnection = DuckHandle<duckdb_connection, duckdb_disconnect>;
using DuckConfig = DuckHandle<duckdb_config, duckdb_destroy_config>;
using DuckContext = DuckHandle<duckdb_client_context, duckdb_destroy_client_context>;
using DuckPrepared = DuckHandle<duckdb_prepared_statement, duckdb_destroy_prepare>;
using DuckExtracted = DuckHandle<duckdb_extracted_statements, duckdb_destroy_extracted>;
using DuckChunk = DuckHandle<duckdb_data_chunk, duckdb_destroy_data_chunk>;
using DuckType = DuckHandle<duckdb_logical_type, duckdb_destroy_logical_type>;
using DuckValue = DuckHandle<duckdb_value, duckdb_destroy_value>;
using DuckAppender = DuckHandle<duckdb_appender, duckdb_appender_destroy>;
using DuckErrorData = DuckHandle<duckdb_error_data, duckdb_destroy_error_data>;
using DuckArrowOptions = DuckHandle<duckdb_arrow_options, duckdb_destroy_arrow_options>;
using DuckArrowTypes = DuckHandle<duckdb_arrow_converted_schema, duckdb_destroy_arrow_converted_schema>;
using DuckScalarFunction = DuckHandle<duckdb_scalar_function, duckdb_destroy_scalar_function>;
using DuckTableFunction = DuckHandle<duckdb_table_function, duckdb_destroy_table_function>;

// A duckdb_result, which is a structure and not a handle.
class DuckResult {
 public:
  DuckResult() noexcept = default;
  DuckResult(const DuckResult&) = delete;
  DuckResult& operator=(const DuckResult&) = delete;
  ~DuckResult() { duckdb_destroy_result(&result_); }

  duckdb_result* get() noexcept { return &result_; }

 private:
  duckdb_result result_{};
};

// Text that DuckDB has allocated.
class DuckText {
 public:
  explicit DuckText(char* text) noexcept : text_(text) {}
  DuckText(const DuckText&) = delete;
  DuckText& operator=(const DuckText&) = delete;
  ~DuckText() { duckdb_free(text_); }

  const char* get() const noexcept { return text_ == nullptr ? "" : text_; }

 private:
  char* text_;
};

}  // namespace hyprstream

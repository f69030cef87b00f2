// The model's functions in SQL. For the files of this folder only.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "catalog/connection.hpp"
#include "catalog/model_functions.hpp"

namespace hyprstream {

// What the functions of one database share.
struct ModelSql {
  std::shared_ptr<ModelFunctions> model;  // none: the functions fail
  std::shared_ptr<const ConnectionRegistry> connections;
};

// Puts the functions into the connection's database, where they are for all connections and in no file: embed(),
// count_tokens(), tokenize(), and what the macros call. `context` must outlive the database.
//
// None of them is VOLATILE. DuckDB then computes equal expressions once, and those behind ORDER BY ... LIMIT only for
// the rows that are left; what is constant it would compute while preparing, which PreparingScope prevents.
Result<void> register_model_functions(Connection& connection, const ModelSql& context);

// The statements that make a connection's own macros, generate(), prompt() and perplexity(): a macro's arguments have
// names.
std::string model_macros();

}  // namespace hyprstream

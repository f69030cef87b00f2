#include <arrow/array.h>
#include <arrow/scalar.h>

#include <string>
#include <utility>
#include <variant>

#include "catalog/sql_text.hpp"
#include "flight/arrow_bridge.hpp"
#include "flight/flight_handlers.hpp"
#include "flight/flight_status.hpp"
#include "flight/run_sql.hpp"
#include "flight/session_cookie.hpp"

namespace hyprstream {
namespace {

namespace fl = arrow::flight;
using OptionError = fl::SetSessionOptionErrorValue;

// The option's value: what the session is in now.
Result<std::string> current(Session& session, const char* function) {
  HYPRSTREAM_ASSIGN(const auto rows, query_rows(session, std::string("SELECT ") + function + "()", {}));
  if (rows.empty()) return std::string();
  HYPRSTREAM_ASSIGN(const auto value, from_flight(rows.front()->column(0)->GetScalar(0)));
  return value->ToString();
}

}  // namespace

// The first call makes the session; its cookie belongs to the client from then on.
arrow::Result<fl::SetSessionOptionsResult> FlightHandlers::SetSessionOptions(
    const Context& context, const fl::SetSessionOptionsRequest& request) {
  auto who = caller(context);
  if (who.session.empty()) {
    ARROW_ASSIGN_OR_RAISE(who.session, to_flight(statements_.open_session(who)));
    context.AddHeader("set-cookie", session_cookie(who.session));
  }
  fl::SetSessionOptionsResult answer;
  const auto set_all = [&](Session& session) -> Result<void> {
    for (const char* name : {"catalog", "schema"}) {
      const auto option = request.session_options.find(name);
      if (option == request.session_options.end()) continue;
      const auto* value = std::get_if<std::string>(&option->second);
      if (value == nullptr || !run_sql(session, "USE " + sql_identifier(*value)))
        answer.errors[name] = {OptionError::kInvalidValue};
    }
    return {};
  };
  for (const auto& [name, value] : request.session_options)
    if (name != "catalog" && name != "schema") answer.errors[name] = {OptionError::kInvalidName};
  ARROW_RETURN_NOT_OK(to_flight(statements_.with_session(who, set_all)));
  return answer;
}

arrow::Result<fl::GetSessionOptionsResult> FlightHandlers::GetSessionOptions(
    const Context& context, const fl::GetSessionOptionsRequest& /*request*/) {
  const auto who = caller(context);
  if (who.session.empty()) return fl::GetSessionOptionsResult();
  fl::GetSessionOptionsResult answer;
  const auto get_all = [&](Session& session) -> Result<void> {
    HYPRSTREAM_ASSIGN(answer.session_options["catalog"], current(session, "current_database"));
    HYPRSTREAM_ASSIGN(answer.session_options["schema"], current(session, "current_schema"));
    return {};
  };
  ARROW_RETURN_NOT_OK(to_flight(statements_.with_session(who, get_all)));
  return answer;
}

arrow::Result<fl::CloseSessionResult> FlightHandlers::CloseSession(const Context& context,
                                                                   const fl::CloseSessionRequest& /*request*/) {
  ARROW_RETURN_NOT_OK(to_flight(statements_.close_session(caller(context))));
  context.AddHeader("set-cookie", session_cookie(""));
  return fl::CloseSessionResult(fl::CloseSessionStatus::kClosed);
}

}  // namespace hyprstream

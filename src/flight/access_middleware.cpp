#include "flight/access_middleware.hpp"

#include <iterator>

#include "flight/flight_status.hpp"

namespace hyprstream {

namespace fl = arrow::flight;

std::optional<Identity> identify(const ApiKeys& keys, std::string_view authorization) {
  if (const auto token = bearer_token(authorization)) return keys.identify(*token);
  const auto basic = basic_credentials(authorization);
  if (!basic) return std::nullopt;
  auto identity = keys.identify(basic->password);
  if (identity && !basic->user.empty() && basic->user != identity->key_id) return std::nullopt;
  return identity;
}

arrow::Status AccessMiddlewareFactory::StartCall(const fl::CallInfo& info, const fl::ServerCallContext& context,
                                                 std::shared_ptr<fl::ServerMiddleware>* middleware) {
  const auto keys = keys_();
  if (keys->empty()) {
    *middleware = std::make_shared<AccessMiddleware>(Identity{}, std::string());
    return arrow::Status::OK();
  }
  const auto [first, last] = context.incoming_headers().equal_range("authorization");
  if (std::distance(first, last) != 1)
    return unauthenticated(
        "this server wants a key: send 'Authorization: Bearer KEY', or log in with the key as password");
  auto identity = identify(*keys, first->second);
  if (!identity) return unauthenticated("the key is not one of this server's");
  std::string answer;
  if (const auto basic = basic_credentials(first->second); basic && info.method == fl::FlightMethod::Handshake)
    answer = "Bearer " + basic->password;
  *middleware = std::make_shared<AccessMiddleware>(std::move(*identity), std::move(answer));
  return arrow::Status::OK();
}

}  // namespace hyprstream

// Keys in front of every call.
#pragma once

#include <arrow/flight/server.h>
#include <arrow/flight/server_middleware.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "access/api_keys.hpp"

namespace hyprstream {

// Who shows this Authorization header: "Bearer KEY", or "Basic ..." with the key as the password and its name, or
// nothing, as the user. Nothing: nobody that is known.
std::optional<Identity> identify(const ApiKeys& keys, std::string_view authorization);

// The identity behind one call. Immutable.
class AccessMiddleware final : public arrow::flight::ServerMiddleware {
 public:
  static constexpr const char* kName = "access";

  // `answer`: what a client that logs in is to send from now on; empty: it does not log in.
  AccessMiddleware(Identity identity, std::string answer)
      : identity_(std::move(identity)), answer_(std::move(answer)) {}

  const Identity& identity() const noexcept { return identity_; }

  std::string name() const override { return kName; }
  void SendingHeaders(arrow::flight::AddCallHeaders* headers) override {
    if (!answer_.empty()) headers->AddHeader("authorization", answer_);
  }
  void CallCompleted(const arrow::Status& /*status*/) override {}

 private:
  const Identity identity_;
  const std::string answer_;
};

// Refuses calls without a valid key; the others have an AccessMiddleware, under its name. Thread-safe.
class AccessMiddlewareFactory final : public arrow::flight::ServerMiddlewareFactory {
 public:
  using Keys = std::function<std::shared_ptr<const ApiKeys>()>;

  // `keys`: those that are valid now.
  explicit AccessMiddlewareFactory(Keys keys) : keys_(std::move(keys)) {}

  arrow::Status StartCall(const arrow::flight::CallInfo& info, const arrow::flight::ServerCallContext& context,
                          std::shared_ptr<arrow::flight::ServerMiddleware>* middleware) override;

 private:
  const Keys keys_;
};

}  // namespace hyprstream

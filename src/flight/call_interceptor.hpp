// The call of gRPC's that a thread answers, which Arrow's own context does not show.
#pragma once

#include <grpcpp/server_builder.h>

#include <functional>

namespace hyprstream {

// Has the server's calls known to the function below.
void follow_calls(grpc::ServerBuilder& builder);

// Ends the call that this thread answers, even while it waits for a client that does not read. May be called from any
// thread until the call has been answered; empty where no call of such a server is answered.
std::function<void()> hang_up_of_this_call();

}  // namespace hyprstream

#include "flight/call_interceptor.hpp"

#include <grpcpp/support/server_interceptor.h>

#include <memory>
#include <utility>
#include <vector>

namespace hyprstream {
namespace {

namespace gx = grpc::experimental;

thread_local grpc::ServerContextBase* answered = nullptr;

// gRPC runs it on the thread that then answers the call.
class CallInterceptor final : public gx::Interceptor {
 public:
  explicit CallInterceptor(grpc::ServerContextBase* context) noexcept : context_(context) {}
  ~CallInterceptor() override {
    if (answered == context_) answered = nullptr;
  }

  void Intercept(gx::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(gx::InterceptionHookPoints::POST_RECV_INITIAL_METADATA))
      answered = context_;
    methods->Proceed();
  }

 private:
  grpc::ServerContextBase* context_;
};

class CallInterceptorFactory final : public gx::ServerInterceptorFactoryInterface {
 public:
  gx::Interceptor* CreateServerInterceptor(gx::ServerRpcInfo* info) override {
    return new CallInterceptor(info->server_context());
  }
};

}  // namespace

void follow_calls(grpc::ServerBuilder& builder) {
  std::vector<std::unique_ptr<gx::ServerInterceptorFactoryInterface>> creators;
  creators.push_back(std::make_unique<CallInterceptorFactory>());
  builder.experimental().SetInterceptorCreators(std::move(creators));
}

std::function<void()> hang_up_of_this_call() {
  if (answered == nullptr) return {};
  return [context = answered] { context->TryCancel(); };
}

}  // namespace hyprstream

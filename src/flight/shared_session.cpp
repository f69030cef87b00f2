#include "flight/shared_session.hpp"

#include <chrono>

namespace hyprstream {
namespace {

using namespace std::chrono_literals;

constexpr auto kWait = 5s;

}  // namespace

SharedSession::Lease::Lease(std::shared_ptr<SharedSession> session, std::shared_ptr<ActiveCall> call)
    : session_(std::move(session)), call_(std::move(call)) {
  call_->set_working(session_->session_.get());
}

SharedSession::Lease::~Lease() {
  if (session_ == nullptr) return;
  call_->set_working(nullptr);
  {
    const std::scoped_lock lock(session_->mutex_);
    session_->busy_ = false;
  }
  session_->free_again_.notify_one();
}

Result<SharedSession::Lease> SharedSession::lease(const std::shared_ptr<ActiveCall>& call) {
  HYPRSTREAM_TRY(call->require_wanted());
  std::unique_lock lock(mutex_);
  if (!free_again_.wait_for(lock, kWait, [&] { return !busy_ || call->cancelled(); }) || busy_) {
    HYPRSTREAM_TRY(call->require_wanted());
    return fail(ErrorCode::kUnavailable,
                "another statement runs in this session: read its result to the end first, or use another transaction");
  }
  if (ended_) {
    lock.unlock();
    free_again_.notify_one();  // for the next that waits
    return fail(ErrorCode::kNotFound, "the transaction, or session, of this statement has ended: prepare it again");
  }
  busy_ = true;
  return Lease(shared_from_this(), call);
}

void SharedSession::end() {
  const std::scoped_lock lock(mutex_);
  ended_ = true;
}

bool SharedSession::busy() const {
  const std::scoped_lock lock(mutex_);
  return busy_;
}

void SharedSession::abandon() {
  {
    const std::scoped_lock lock(mutex_);
    if (busy_) return;
    busy_ = ended_ = true;
  }
  static_cast<void>(session_->rollback());
  const std::scoped_lock lock(mutex_);
  busy_ = false;
}

}  // namespace hyprstream

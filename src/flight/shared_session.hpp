// A session that several calls of a client use: the statements of one transaction. It runs one at a time.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "base/error.hpp"
#include "catalog/session.hpp"
#include "flight/active_call.hpp"

namespace hyprstream {

// Thread-safe.
class SharedSession : public std::enable_shared_from_this<SharedSession> {
 public:
  // The session, for one call alone; interrupted if that call is cancelled. Not thread-safe.
  class Lease {
   public:
    Lease(Lease&& other) noexcept = default;  // leaves `other` without a session
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    Session& operator*() const noexcept { return *session_->session_; }
    Session* operator->() const noexcept { return session_->session_.get(); }

   private:
    friend class SharedSession;
    Lease(std::shared_ptr<SharedSession> session, std::shared_ptr<ActiveCall> call);

    std::shared_ptr<SharedSession> session_;
    std::shared_ptr<ActiveCall> call_;
  };

  explicit SharedSession(std::unique_ptr<Session> session) : session_(std::move(session)) {}

  // Waits a little: a client may ask for the next thing before the end of the last one has reached us.
  // Errors: kUnavailable (another statement runs in it), kCancelled, kNotFound (its transaction has ended).
  Result<Lease> lease(const std::shared_ptr<ActiveCall>& call);
  // No more leases: what was prepared in a transaction does not run outside of it.
  void end();
  bool busy() const;
  // Undoes what a transaction has done that nobody will end any more, and ends.
  void abandon();

 private:
  const std::unique_ptr<Session> session_;
  mutable std::mutex mutex_;
  std::condition_variable free_again_;
  bool busy_ = false;   // under mutex_
  bool ended_ = false;  // under mutex_
};

}  // namespace hyprstream

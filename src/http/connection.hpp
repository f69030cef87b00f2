// One client's connection, with or without TLS, as httplib reads and writes it. Internal to http.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "access/tls.hpp"
#include "base/file_descriptor.hpp"
#include "http/request_head.hpp"

struct ssl_st;  // OpenSSL's SSL

namespace hyprstream {

// Unlike httplib's own stream it takes in a request's head without waiting for it, and has a deadline for a request as
// a whole, however its bytes trickle in. Belongs to one thread at a time, but for what says that it is thread-safe.
class Connection final : public httplib::Stream {
 public:
  using Clock = std::chrono::steady_clock;

  // The socket is made non-blocking. `tls`: null for plain HTTP.
  Connection(FileDescriptor socket, std::shared_ptr<const TlsContext> tls, std::chrono::milliseconds write_timeout);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // A request may come, until the deadline.
  void expect_request(Clock::time_point deadline);
  enum class Arrival : std::uint8_t { kWaiting, kComplete, kRefused, kEnded };
  // Takes in what is there of a request's head, after the TLS handshake, and never waits for more. Once something of it
  // has come, all of the request must within `patience`. kRefused: head_state() says why.
  Arrival take_in(Clock::duration patience);
  HeadState head_state() const noexcept { return head_state_; }
  // Until when what is expected must have come.
  Clock::time_point deadline() const noexcept { return deadline_; }
  // What kWaiting waits for: EPOLLIN or EPOLLOUT.
  std::uint32_t awaited_events() const noexcept;

  // Nothing more of the request is wanted: reading fails soon.
  void expect_end();
  // The request is too late, whatever its deadline. Thread-safe.
  void hurry() noexcept { hurried_ = true; }
  // A client that has closed its side may be asked whether it still reads: with an interim answer (RFC 9110, section
  // 15.2), which its protocol must allow.
  void may_ask() noexcept { may_ask_ = true; }

  bool is_late() const noexcept { return late_; }            // a read has met the deadline
  bool has_begun() const noexcept { return received_ > 0; }  // something of the request has come
  bool was_answered() const noexcept { return sent_ > 0; }

  // Says that nothing more comes, and takes in what is still under way, briefly: closing at once would throw away
  // what the client has not read yet.
  void finish();
  // Makes every read and write fail. Thread-safe.
  void end() noexcept;

  // ---- httplib::Stream ----
  bool is_readable() const override { return has_buffered(); }
  bool wait_readable() const override;
  bool wait_writable() const override;
  // Thread-safe. Over plain TCP a client that has only closed its own side is alive.
  bool is_peer_alive() const override;
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_.get(); }
  time_t duration() const override { return 0; }

 private:
  enum class Wait { kRead, kWrite, kFailed };

  bool has_buffered() const noexcept { return begin_ != end_; }
  bool handshake(Wait& wait);  // false: wait for what `wait` says
  ssize_t fill(Wait& wait);    // as receive(), to the buffer's end
  void ask_whether_alive() const;
  // -1: wait for what `wait` says; 0: the end.
  ssize_t receive(char* to, size_t size, Wait& wait);
  ssize_t send(const char* from, size_t size, Wait& wait);
  Wait tls_wait(int result) const;
  bool wait_for(Wait wait, Clock::time_point deadline) const;

  FileDescriptor socket_;
  std::shared_ptr<const TlsContext> tls_;  // kept as long as the session
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> session_;
  bool shaken_hands_ = false;
  std::chrono::milliseconds write_timeout_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool late_ = false;
  std::atomic<bool> hurried_ = false;
  std::size_t received_ = 0;
  std::size_t sent_ = 0;
  HeadScan head_;
  HeadState head_state_ = HeadState::kIncomplete;
  Wait awaited_ = Wait::kRead;
  mutable std::mutex ask_mutex_;
  mutable bool asked_ = false;  // or it is too late for that: an answer has begun
  std::atomic<bool> may_ask_ = false;
  std::vector<char> buffer_;  // what has come and was not read yet, from begin_ to end_; httplib reads byte by byte
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace hyprstream

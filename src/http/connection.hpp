// One client's connection, with or without TLS, as httplib reads and writes it. Internal to http.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "access/tls.hpp"
#include "base/file_descriptor.hpp"

struct ssl_st;  // OpenSSL's SSL

namespace hyprstream {

// Unlike httplib's own stream it has a deadline for a request as a whole, however its bytes trickle in. Belongs to one
// thread at a time, but for is_peer_alive() and end().
class Connection final : public httplib::Stream {
 public:
  using Clock = std::chrono::steady_clock;

  // The socket is made non-blocking. `tls`: null for plain HTTP.
  Connection(FileDescriptor socket, std::shared_ptr<const TlsContext> tls, std::chrono::milliseconds write_timeout);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Reading fails from then on, until the next call.
  void begin_request(Clock::time_point deadline);
  // Nothing more of the request is wanted: reading fails soon.
  void expect_end();
  // The TLS handshake, if there is one to be made; false: it failed.
  bool handshake();

  bool is_late() const noexcept { return late_; }            // a read has met the deadline
  bool has_begun() const noexcept { return received_ > 0; }  // something of the request has come
  bool was_answered() const noexcept { return sent_ > 0; }
  bool has_buffered() const noexcept { return begin_ != end_; }

  // Says that nothing more comes, and takes in what is still under way, briefly: closing at once would throw away
  // what the client has not read yet.
  void finish();
  // Makes every read and write fail. Thread-safe.
  void end() noexcept;

  // ---- httplib::Stream ----
  bool is_readable() const override { return has_buffered(); }
  bool wait_readable() const override;
  bool wait_writable() const override;
  bool is_peer_alive() const override;
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_.get(); }
  time_t duration() const override { return 0; }

 private:
  enum class Wait { kRead, kWrite, kFailed };

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
  std::size_t received_ = 0;
  std::size_t sent_ = 0;
  std::array<char, 16384> buffer_;  // httplib reads headers byte by byte
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace hyprstream

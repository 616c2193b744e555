// SPDX-License-Identifier: Apache-2.0
// The server end of one HTTP/1.1 connection: a `stream_socket` that feeds an `http_conversation`, and one
// timer for all of its timeouts. Knows no paths and no pushes: it asks its `http_events`. Owned by them,
// confined to its loop.
#pragma once

#include "net/http/http_conversation.hpp"
#include "net/stream_socket.hpp"

#include <string_view>

namespace stentor::net {

class http_socket final : public stream_socket, private http_transport {
public:
  /// Takes over `fd` (connected, non-blocking); `open` must follow. `events` and `service` outlive it.
  http_socket(event_loop &loop, int fd, http_events &events, http_service &service);

  /// Registers with the loop and starts to wait for a request. False where epoll refuses: then it is closed.
  [[nodiscard]] bool open();

  // -- answers: see `http_conversation`. Each may end in `on_http_end` and with it in this object's end ----
  void respond(int status, std::string_view content_type, std::string_view body,
               std::string_view headers = {}) {
    conversation_.respond(status, content_type, body, headers);
  }
  void respond(const http_problem &problem, std::string_view headers = {}) {
    conversation_.respond(problem, headers);
  }
  void begin_stream(int status, std::string_view content_type, std::string_view headers = {}) {
    conversation_.begin_stream(status, content_type, headers);
  }
  void write_chunk(std::string_view bytes) { conversation_.write_chunk(bytes); }
  void end_stream() { conversation_.end_stream(); }
  bool owes_answer() const noexcept { return conversation_.owes_answer(); }
  bool is_streaming() const noexcept { return conversation_.is_streaming(); }
  void resume() { conversation_.resume(); }
  void finish() { conversation_.finish(); }

protected:
  void on_bytes(std::span<char> bytes) override;
  void on_marks(size_t) override {}
  void on_drained() override;
  void on_end(socket_end reason, size_t lost_marks) override;

private:
  void http_write(std::string_view head, std::string_view body) override;
  bool http_is_full() override { return unsent_bytes() > limits_.max_unsent_answers; }
  void http_read(bool on) override;
  void http_waits(http_wait what) override;
  void http_close() override;
  time_point http_now() override;

  void wait_until(time_point when);
  void arm();
  bool takes_answers(time_point now);
  void on_timer();

  http_events &events_;
  const limits &limits_;
  http_conversation conversation_;
  http_service &service_;
  time_point deadline_ = time_point::max();
  time_point armed_for_ = time_point::max();
  http_wait wait_ = http_wait::request;
  bool closing_ = false;
  // Whether the peer takes its answers: looked at while some are unsent.
  time_point look_at_ = time_point::max();
  size_t written_ = 0;       ///< since the answers last were all sent
  size_t taken_at_look_ = 0; ///< of these, at the look before
  timer_for<http_socket, &http_socket::on_timer> timer_{this};
};

} // namespace stentor::net

// SPDX-License-Identifier: Apache-2.0
// The server end of one device's WebSocket: the HTTP upgrade (net/websocket/upgrade.hpp, memory freed after
// it), frames in, frames out, pings, the close handshake. Knows no tokens, no envelopes and no actors: it
// asks its `device_events`. Confined to its loop.
#pragma once

#include "cluster/envelope.hpp"
#include "cluster/limits.hpp"
#include "net/stream_socket.hpp"
#include "net/websocket/upgrade.hpp"
#include "net/websocket/ws_frame.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace stentor::net {

/// How a device's connection ended, for logs, `/metrics` and the resume.
struct device_end {
  socket_end how = socket_end::peer_closed;
  close_code code = close_code::none; ///< what we closed with, or what the peer sent
  const char *reason = ""; ///< a static word for metrics: `closed`, `reset`, `dead`, `slow`, `protocol`, ...
  bool handshaken = false; ///< a close frame went each way
  size_t lost_marks = 0;   ///< waited-for frames the kernel did not wholly take
};

/// Implemented by the `connection` actor. Called on the loop's thread; may destroy the socket only in
/// `on_device_end`.
class device_events {
public:
  virtual ~device_events() = default;
  virtual upgrade_answer on_upgrade(const upgrade_request &request) = 0;
  virtual void on_open() = 0;
  /// A whole message (text or binary as the subprotocol demands; anything else was closed with 1003). May be
  /// changed in place; `event_loop::read_slack` readable bytes follow.
  virtual void on_message(std::span<char> body) = 0;
  virtual void on_frames_written(size_t waited_for) = 0;
  virtual void on_device_end(const device_end &end) = 0;
};

class device_socket final : public stream_socket, private frame_sink {
public:
  device_socket(event_loop &loop, int fd, device_events &events, const limits &lim);
  ~device_socket() override;

  /// Sends one whole message in the connection's format. False before the upgrade and once closing: nothing
  /// was taken.
  bool send(std::string_view body, bool waited_for);
  /// The same with the header in place already: `frame` is a whole unmasked frame (broadcast encodes once).
  bool send_encoded(std::string_view frame, bool waited_for);

  void ping();
  /// Starts the close handshake: what is corked leaves first, then the close frame. Messages are still
  /// delivered until the peer's close frame, for at most `close_linger`; then the orderly end, at most
  /// `close_linger` again. `reason` is the static word for metrics, `text` goes to the device. Before the
  /// upgrade the device gets an HTTP status instead.
  void close(close_code code, const char *reason, std::string_view text);

  format encoding() const noexcept { return encoding_; }
  bool is_upgraded() const noexcept { return upgraded_; }
  /// A close frame was sent: nothing more can be.
  bool is_closing() const noexcept { return close_sent_; }
  /// When the last byte came.
  time_point last_heard() const noexcept { return last_heard_; }
  /// A message of the device has begun and not ended; at most `max_frame_bytes` are held for it.
  bool is_inside_message() const noexcept { return reader_.is_inside_message(); }

  /// Takes text and binary messages whatever the subprotocol (the echo server); `last_kind` tells which the
  /// latest was.
  void accept_any_type() noexcept { any_type_ = true; }
  opcode last_kind() const noexcept { return last_kind_; }

protected:
  void on_bytes(std::span<char> bytes) override;
  void on_marks(size_t count) override;
  void on_deadline() override;
  void on_end(socket_end reason, size_t lost_marks) override;

private:
  bool on_message(opcode kind, std::span<char> body) override;
  bool on_control(opcode kind, std::span<char> body) override;

  void read_head(std::span<char> bytes);
  void open(std::string_view head, std::span<char> rest);
  void refuse(const upgrade_answer &answer, const char *reason);
  void read_frames(std::span<char> bytes);
  void write_close(close_code code, std::string_view text);
  void fail(const frame_error &error);

  device_events &events_;
  const limits &limits_;
  std::unique_ptr<std::string> head_; ///< a request head that came in pieces, until it is whole
  frame_reader reader_;
  time_point last_heard_;
  const char *close_reason_ = nullptr;
  close_code close_code_ = close_code::none;
  format encoding_ = format::json;
  opcode last_kind_ = opcode::text;
  bool upgraded_ = false;
  bool any_type_ = false;
  bool close_sent_ = false;
  bool close_received_ = false;
};

} // namespace stentor::net

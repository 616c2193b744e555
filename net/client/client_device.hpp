// SPDX-License-Identifier: Apache-2.0
// The device's end of one WebSocket: connects, upgrades, delivers frames, answers pings, closes orderly. All
// sends of one turn leave in one system call. It does not reconnect (`reconnecting_device` does) and keeps
// nothing. Confined to its loop; one `client_events` may serve any number of devices.
#pragma once

#include "net/client/endpoint.hpp"
#include "net/client/response_reader.hpp"
#include "net/codec/protocol.hpp"
#include "net/stream_socket.hpp"
#include "net/websocket/ws_frame.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stentor::net::client {

/// How to connect. Not kept after `connect`.
struct device_options {
  socket_address at;
  std::string host;                  ///< the Host header, `host:port`
  std::string path = "/v1/connect";  ///< may carry a query of its own
  format encoding = format::msgpack; ///< offered as subprotocol
  std::string token;                 ///< sent as bearer; empty where the first frame is `auth`
  std::string device, account;       ///< development: named in the query
  std::string resume;                ///< the `session` of an earlier welcome
  std::vector<std::pair<std::string, std::string>> headers;
  std::string source; ///< see `connect_to`
  size_t max_message_bytes = 1024 * 1024;
  std::chrono::milliseconds handshake_timeout{10000};
};

/// How a device's connection ended.
struct client_end {
  enum class kind : uint8_t {
    unreachable, ///< no HTTP answer came: nothing listens there, or not in time
    refused,     ///< answered with `http_status` instead of the upgrade
    closed,      ///< a close frame came; `code` says why
    lost,        ///< ended without a close frame from the server
  };
  kind how = kind::unreachable;
  close_code code = close_code::none; ///< the server's, or ours where `how` is `lost`
  int http_status = 0;
  uint32_t retry_after_s = 0;
  std::string reason; ///< the server's text: of the close frame or the HTTP body; may be empty
};

class client_device;

/// Called on the loop's thread. A device may be destroyed in its `on_end` only.
class client_events {
public:
  virtual ~client_events() = default;
  /// Upgraded: frames may be sent. The server's `welcome` comes next.
  virtual void on_open(client_device &) {}
  /// One whole frame, raw; may be changed in place. By default it is decoded for `on_server_frame`, and the
  /// connection closed where it cannot be.
  virtual void on_frame(client_device &who, std::span<char> body);
  virtual void on_server_frame(client_device &, server_frame &&) {}
  /// Called once, last, never inside `connect`.
  virtual void on_end(client_device &who, const client_end &end) = 0;
};

class client_device final : public stream_socket, private frame_sink {
public:
  /// Starts to connect; never waits. `errc::io` where there is no socket, `errc::config` for options that
  /// cannot be sent.
  [[nodiscard]] static caf::expected<std::unique_ptr<client_device>>
  connect(event_loop &loop, const device_options &options, client_events &events);
  ~client_device() override;

  /// Unsent bytes past which `send_frame` refuses: the server does not read.
  static constexpr size_t max_unsent_bytes = size_t{16} * 1024 * 1024;
  /// Unsent bytes past which a ping is not answered; a later one will be (RFC 6455 section 5.5.3).
  static constexpr size_t max_unsent_for_pong = size_t{64} * 1024;

  /// One frame in the connection's format. False, and nothing is sent, before `on_open`, once closing, and
  /// while more than `max_unsent_bytes` wait.
  bool send_frame(std::string_view body);
  bool send(const client_frame &frame);
  void ping(std::string_view body);

  /// Starts the close handshake; frames still arrive until the server's part comes, at most 2 s.
  void close(close_code code = close_code::normal, std::string_view text = {});
  /// Ends it now, without a word. Inside `on_frame` it takes effect right after.
  void drop();

  bool is_upgraded() const noexcept { return handshake_ == nullptr; }
  format encoding() const noexcept { return encoding_; }

  /// Pings that were not answered because the server did not read.
  uint64_t skipped_pongs() const noexcept { return skipped_pongs_; }
  /// When the last byte came; pings count.
  time_point last_heard() const noexcept { return last_heard_; }

  /// For the owner: what this device is among many.
  uint64_t tag = 0;

private:
  struct handshake; ///< until the upgrade is done
  client_device(event_loop &loop, int fd, client_events &events, const device_options &options);

  void on_bytes(std::span<char> bytes) override;
  void on_marks(size_t) override {}
  void on_deadline() override;
  void on_end(socket_end reason, size_t lost_marks) override;
  bool on_message(opcode kind, std::span<char> body) override;
  bool on_control(opcode kind, std::span<char> body) override;

  void read_answer(std::span<char> bytes);
  void read_frames(std::span<char> bytes);
  void write_control(opcode kind, std::string_view body);
  client_end &end();

  client_events &events_;
  std::unique_ptr<handshake> handshake_;
  std::unique_ptr<client_end> end_; ///< from the first sign of it
  frame_reader reader_;
  time_point last_heard_;
  format encoding_;
  uint64_t skipped_pongs_ = 0;
  bool close_sent_ = false;
  bool reading_frames_ = false;
  bool drop_asked_ = false;
};

} // namespace stentor::net::client

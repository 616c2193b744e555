// SPDX-License-Identifier: Apache-2.0
// The client for programs that do one thing at a time: the CLI and system tests. Each object drives an event
// loop of its own, and only while a call waits: pings go unanswered in between. Every wait has a limit.
#pragma once

#include "net/client/client_device.hpp"
#include "net/client/http_client.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace stentor::net::client {

class blocking_http {
public:
  /// Fails with `errc::io` where the process is out of descriptors.
  [[nodiscard]] static caf::expected<std::unique_ptr<blocking_http>> make(http_options options);

  /// Errors as `http_client::answer` and `http_client::send`.
  caf::expected<http_response> request(const http_request &what);
  caf::expected<http_response> get(std::string target) { return request({"GET", std::move(target), {}, {}}); }
  caf::expected<http_response> post(std::string target, std::string body) {
    return request({"POST", std::move(target), std::move(body), {}});
  }

private:
  blocking_http(std::unique_ptr<event_loop> loop, http_options options);
  std::unique_ptr<event_loop> loop_;
  http_client client_;
};

class blocking_device final : private client_events {
public:
  /// Frames kept for `next`, and their bytes; past either the socket is not read until half were taken.
  static constexpr size_t max_waiting_frames = 65536;
  static constexpr size_t max_waiting_bytes = size_t{64} * 1024 * 1024;

  /// Connects and upgrades. `errc::unavailable` where nothing answers, `errc::token_refused` for a 401,
  /// `errc::io` for any other refusal; `end`, where given, then says how it ended.
  [[nodiscard]] static caf::expected<std::unique_ptr<blocking_device>> connect(const device_options &options,
                                                                               client_end *end = nullptr);
  ~blocking_device() override;

  /// Queues a frame and lets it go out. False once the connection ended or closes.
  bool send(const client_frame &frame);
  bool send_frame(std::string_view body);

  /// The next frame. `errc::timed_out` where none came, `errc::io` once the connection ended and all were
  /// taken, `errc::malformed` for a frame that is not of this protocol.
  caf::expected<server_frame> next(std::chrono::milliseconds most);
  caf::expected<std::string> next_raw(std::chrono::milliseconds most);
  /// The next frame of that kind; others are dropped on the way.
  caf::expected<server_frame> next(server_frame::kind kind, std::chrono::milliseconds most);

  /// Closes and waits for the end, at most 5 s.
  const client_end &close(close_code code = close_code::normal);
  /// Ends it without a word, as a lost network would.
  void drop();
  /// Waits for the end; nothing where it did not come.
  const client_end *wait_end(std::chrono::milliseconds most);

  bool is_open() const noexcept { return device_ != nullptr; }
  const std::optional<client_end> &end() const noexcept { return end_; }
  format encoding() const noexcept { return encoding_; }

  /// Turns of the loop until a frame comes, the connection ends, or `fd` (where not -1) is readable: true for
  /// that.
  bool run(std::chrono::milliseconds most, int fd = -1);
  /// For tests of slow devices: nothing is read any more, and the kernel's buffers fill.
  void pause_reading();
  void resume_reading();

private:
  explicit blocking_device(std::unique_ptr<event_loop> loop, format encoding);
  void on_open(client_device &who) override;
  void on_frame(client_device &who, std::span<char> body) override;
  void on_end(client_device &who, const client_end &end) override;
  /// Turns until `done()` or the time is over.
  template <class Done>
  bool turn_until(std::chrono::milliseconds most, Done done);

  std::unique_ptr<event_loop> loop_;
  std::unique_ptr<client_device> device_;
  std::deque<std::string> frames_;
  bool paused_ = false;      ///< by the owner
  size_t waiting_bytes_ = 0; ///< in `frames_`
  std::optional<client_end> end_;
  format encoding_;
  bool open_ = false;
};

} // namespace stentor::net::client

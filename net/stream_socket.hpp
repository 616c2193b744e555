// SPDX-License-Identifier: Apache-2.0
// A connected TCP socket with a cork: everything written in one turn leaves in one system call, and the owner
// of a marked position is notified when the kernel took its last byte. Knows no protocol; `device_socket`,
// `http_socket` and the client derive from it. Owned by its user, confined to its event loop.
#pragma once

#include "net/cork.hpp"
#include "net/event_loop.hpp"

#include <span>
#include <string_view>

namespace stentor::net {

/// Why a socket ended.
enum class socket_end : uint8_t {
  peer_closed,   ///< the peer sent FIN
  peer_reset,    ///< the peer sent RST, or the network gave up (ETIMEDOUT, EHOSTUNREACH)
  orderly,       ///< we closed, and the peer's FIN came or the linger time ran out
  local_failure, ///< a system call failed here
};

class stream_socket : public pollable, public flushable {
public:
  /// Takes over `fd` (connected, non-blocking). `start` must follow.
  stream_socket(event_loop &loop, int fd) noexcept;
  /// Closes the descriptor at once, without linger: call `close_orderly` first where bytes must arrive. Does
  /// not call `on_end`.
  ~stream_socket() override;
  stream_socket(const stream_socket &) = delete;
  stream_socket &operator=(const stream_socket &) = delete;

  /// Registers with the loop for reading. False where epoll refuses: then the socket is closed, without
  /// `on_end`.
  [[nodiscard]] bool start();

  // -- writing ----
  /// Appends one whole frame (`head` then `body`) to the cork and asks for a flush this turn. Where
  /// `waited_for`, `on_marks` counts it once the kernel took its last byte. Dropped without a trace once
  /// `is_open()` is false.
  void write_frame(std::string_view head, std::string_view body, bool waited_for);
  /// One frame without a mark.
  void write(std::string_view bytes) { write_frame(bytes, {}, false); }
  /// Nothing leaves until `release_writes`: for what belongs into one system call but is not known yet.
  void hold_writes();
  void release_writes();
  size_t unsent_bytes() const noexcept { return cork_.size(); }
  size_t unsent_marks() const noexcept { return cork_.marks(); }
  /// Since when the kernel has taken no byte of a non-empty cork; `time_point::max()` while nothing waits.
  time_point stalled_since() const noexcept { return stalled_since_; }

  /// Drops every waited-for frame of the cork of which the kernel has not taken a byte yet; all others stay,
  /// in order. Returns the number of frames dropped (their marks were the latest).
  size_t drop_unstarted();

  // -- reading ----
  // While paused neither bytes nor the peer's FIN are noticed, only a reset.
  void pause_reading();
  void resume_reading();
  bool is_reading() const noexcept { return reading_; }

  // -- the end ----
  bool is_open() const noexcept { return state_ == state::open; }
  /// Flushes, shuts down our side, reads and discards until the peer's FIN or `linger`, then closes and calls
  /// `on_end(orderly)`. Marks are still reported while it flushes. A peer that takes no byte gets `linger`
  /// for the flush as well. Never calls `on_end` by itself.
  void close_orderly(std::chrono::milliseconds linger);
  /// Closes now, RST if there is unread input; calls `on_end(reason)`.
  void abort(socket_end reason);

  event_loop &loop() noexcept { return loop_; }
  int fd() const noexcept { return fd_; }

  void on_ready(uint32_t events) final;
  void on_flush() final;

protected:
  /// Bytes from the peer, in the loop's read buffer with `event_loop::read_slack` readable bytes behind them;
  /// may be changed in place; valid during the call. The socket may be destroyed inside the call.
  virtual void on_bytes(std::span<char> bytes) = 0;
  /// The kernel took everything up to the next `count` marks, oldest first. The socket may be destroyed.
  virtual void on_marks(size_t count) = 0;
  /// The cork became empty after it had been partly refused, or had stopped the reading. The socket may be
  /// destroyed.
  virtual void on_drained() {}
  /// The time of `call_later` has come.
  virtual void on_deadline() {}
  /// Called once, last. `lost_marks` marks will never be reported: their frames were not wholly taken.
  /// `unsent_bytes` still says how much was not taken.
  virtual void on_end(socket_end reason, size_t lost_marks) = 0;

  /// One call of `on_deadline` while the socket is open; it shares the timer of `close_orderly`.
  void call_later(std::chrono::milliseconds delay);
  /// Not read past this many unsent bytes, until all of them are sent: answers to what the peer sends
  /// (pings, requests) cannot pile up. No limit by default.
  void stop_reading_past(size_t unsent_bytes) noexcept { read_limit_ = unsent_bytes; }

private:
  enum class state : uint8_t { open, flushing, lingering, closed };
  void receive();
  void ask_for_flush();
  void all_sent(size_t completed);
  void arm();
  bool wants_input() const noexcept;
  void shut_down_writing();
  void finish(socket_end reason);
  void time_over();

  event_loop &loop_;
  int fd_;
  state state_ = state::open;
  bool started_ : 1 = false;
  bool reading_ : 1 = true;    ///< what the owner wants
  bool throttled_ : 1 = false; ///< more than `read_limit_` is unsent
  bool blocked_ : 1 = false;   ///< the kernel's buffer is full
  bool held_ : 1 = false;      ///< the owner collects
  bool queued_ : 1 = false;    ///< in the loop's list of sockets to flush
  bool peer_done_ : 1 = false; ///< FIN came while we were closing
  uint32_t armed_ = 0;         ///< what epoll watches for
  uint32_t linger_ms_ = 0;
  cork cork_;
  size_t read_limit_ = SIZE_MAX;
  time_point stalled_since_ = time_point::max();
  timer_for<stream_socket, &stream_socket::time_over> timer_{this};
};

/// Tells after a callback whether its socket outlived it. On the stack only.
class lifeline {
public:
  explicit lifeline(stream_socket &who) noexcept;
  ~lifeline();
  lifeline(const lifeline &) = delete;
  lifeline &operator=(const lifeline &) = delete;

  bool holds() const noexcept { return who_ != nullptr; }

private:
  friend class stream_socket;
  event_loop &loop_;
  stream_socket *who_;
  lifeline *outer_;
};

} // namespace stentor::net

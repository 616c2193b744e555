// SPDX-License-Identifier: Apache-2.0
// The server's side of one HTTP connection as a pure class: bytes in, requests to a handler, responses out.
// One request at a time: pipelined ones wait, so responses come in order. No socket and no clock:
// `http_socket` provides both, tests use strings. Loop-confined.
#pragma once

#include "cluster/limits.hpp"
#include "net/http/chunk_decoder.hpp"
#include "net/http/http_message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace stentor::net {

/// Counts, for `/metrics`.
class http_observer {
public:
  virtual ~http_observer() = default;
  /// An answer was begun.
  virtual void on_answer(int status) = 0;
  /// The connection refused a request by itself, before or instead of its handler.
  virtual void on_refusal(const http_problem &why) = 0;
};

/// What all HTTP connections of one loop share. Outlives them.
struct http_service {
  explicit http_service(const limits &lim, http_date::wall_clock clock = &http_date::system_clock)
      : lim{lim}, date{clock} {}

  const limits &lim;
  http_date date;
  std::string scratch;               ///< the head of the answer being written
  http_observer *observer = nullptr; ///< may be null
};

/// Whom a conversation waits for.
enum class http_wait : uint8_t {
  request, ///< idle: the peer may stay silent for long
  head,
  body,
  answer, ///< our own handler, or its pause: the peer is not to blame
};

/// What a conversation needs of its connection. Called inside the conversation's own methods; must not call
/// back into it.
class http_transport {
public:
  virtual ~http_transport() = default;
  virtual void http_write(std::string_view head, std::string_view body) = 0;
  /// Whether so much of the answers is unsent that no request may be begun. `http_conversation::drained` must
  /// follow once all of it has left.
  virtual bool http_is_full() = 0;
  /// Whether to read from the peer. Bytes that come all the same are kept.
  virtual void http_read(bool on) = 0;
  /// The wait changed, or started anew.
  virtual void http_waits(http_wait what) = 0;
  /// Closes in order, after everything written has left. The last call; it may destroy the conversation.
  virtual void http_close() = 0;
  /// The time now, for the `Date` header.
  virtual time_point http_now() = 0;
};

class http_conversation {
public:
  /// Bytes behind an input that must be readable, as many as `event_loop::read_slack`.
  static constexpr size_t slack = 64;

  http_conversation(http_events &events, http_transport &transport, http_service &service) noexcept
      : events_{events}, transport_{transport}, service_{service} {}
  ~http_conversation();
  http_conversation(const http_conversation &) = delete;
  http_conversation &operator=(const http_conversation &) = delete;

  /// Bytes from the peer, `slack` readable bytes behind them.
  void receive(std::string_view bytes);
  /// The peer let the time for the current wait pass.
  void time_out();

  // -- the answer to the request under way; ignored where none is owed ----
  /// One whole answer. `headers`: more lines, each with its CRLF.
  void respond(int status, std::string_view content_type, std::string_view body,
               std::string_view headers = {});
  void respond(const http_problem &problem, std::string_view headers = {});
  /// Starts an answer of unknown length: `write_chunk` any number of times, then `end_stream`.
  void begin_stream(int status, std::string_view content_type, std::string_view headers = {});
  void write_chunk(std::string_view bytes);
  void end_stream();
  bool owes_answer() const noexcept { return answer_ != answer::none; }
  bool is_streaming() const noexcept { return answer_ == answer::streaming; }

  /// All that was written has left: requests that waited for it are begun.
  void drained();
  /// Shows the handler again what its `on_body` did not take, and what came meanwhile.
  void resume();
  /// Closes once the request under way, if any, is answered.
  void finish();

private:
  enum class phase : uint8_t { head, sized_whole, chunked_whole, sized_stream, chunked_stream, complete };
  enum class answer : uint8_t { none, owed, streaming };
  /// What a reading step came to.
  enum class step : uint8_t { again, wait, gone };

  template <class Work>
  void guarded(Work &&work);
  void settle();
  bool work_on(std::string_view bytes, size_t &used);
  void work_on_kept();
  void keep(std::string_view bytes);
  size_t kept() const noexcept { return in_.size() - in_at_; }

  // -- reading (http_reading.cpp): each adds the bytes it is done with to `used` ----
  step read(std::string_view bytes, size_t &used);
  step read_head(std::string_view bytes, size_t &used);
  step begin_request(std::string_view head_bytes, size_t &used);
  step read_sized_whole(std::string_view bytes, size_t &used);
  step read_chunked_whole(std::string_view bytes, size_t &used);
  step read_sized_stream(std::string_view bytes, size_t &used);
  step read_chunked_stream(std::string_view bytes, size_t &used);
  step offer(std::string_view piece, size_t &taken);
  step deliver(const char *head_bytes, std::string_view body);
  step end_body(const http_problem *why);
  step refuse(const http_problem &problem);

  void append_head(int status, std::string_view content_type, std::string_view headers);
  void answered();
  http_wait waits() const noexcept;

  http_events &events_;
  http_transport &transport_;
  http_service &service_;
  http_head head_;
  std::string in_;         ///< [in_at_, size) came and is not done with
  std::string whole_;      ///< a chunked body as far as decoded, behind its head
  size_t in_at_ = 0;       ///< bytes of `in_` that are done with
  size_t head_size_ = 0;   ///< of the head in front of the body under way
  size_t scanned_ = 0;     ///< bytes known not to hold the head's end
  size_t room_ = 0;        ///< decoded bytes of the body still allowed
  uint64_t left_ = 0;      ///< bytes of a sized body still to come (whole: all of it)
  size_t since_fresh_ = 0; ///< streamed bytes since the wait started anew
  chunk_decoder chunks_;
  phase phase_ = phase::head;
  answer answer_ = answer::none;
  http_wait told_wait_ = http_wait::request;
  bool fresh_wait_ = true;   ///< the wait started anew
  bool close_after_ = false; ///< the answer under way is the last one
  bool finishing_ = false;
  bool closed_ = false; ///< nothing is read or written any more
  bool close_told_ = false;
  bool working_ = false; ///< inside `guarded`
  bool stalled_ = false; ///< the handler took less than it was shown
  bool full_ = false;    ///< too much of the answers is unsent to begin another request
  bool resumed_ = false; ///< `resume` was called inside `on_body`
  bool reading_ = true;
  bool chunked_answer_ = false;
  bool *gone_ = nullptr; ///< told when the conversation is destroyed inside a callback
};

} // namespace stentor::net

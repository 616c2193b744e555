// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over one keep-alive connection: one request in flight, the others wait their turn. Connects when
// it has something to send. Never repeats a request by itself: whether a push arrived is for its sender to
// decide. Confined to its loop.
#pragma once

#include "net/client/endpoint.hpp"
#include "net/client/response_reader.hpp"
#include "net/event_loop.hpp"
#include "net/timer_wheel.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace stentor::net::client {

struct http_request {
  std::string method = "GET";
  std::string target = "/"; ///< path and query, percent-encoded by the caller
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

struct http_options {
  socket_address at;
  std::string host;                         ///< the Host header, `host:port`
  std::string api_key;                      ///< sent as bearer where not empty
  std::string source;                       ///< see `connect_to`
  std::chrono::milliseconds timeout{10000}; ///< from `send` to the end of the answer
  size_t max_header_bytes = 64 * 1024;
  size_t max_body_bytes = 64 * 1024 * 1024; ///< of an answer
  size_t max_waiting = 1024;
};

class http_client {
public:
  /// Called once a request, on the loop. Errors: `errc::unavailable`, certainly not wholly sent;
  /// `errc::timed_out`, outcome unknown (no answer in time, or the connection ended first);
  /// `errc::malformed`, the answer is not HTTP or too large. May destroy the client.
  using answer = std::function<void(caf::expected<http_response>)>;

  http_client(event_loop &loop, http_options options);
  /// Drops what waits without a call.
  ~http_client();

  /// `errc::overloaded` where too many wait, `errc::config` for a request that cannot be written,
  /// `errc::unavailable` where there is no socket; then `tell` is never called. Else it is, later.
  [[nodiscard]] caf::error send(http_request request, answer tell);

  size_t waiting() const noexcept { return queue_.size(); }
  /// Connections made so far.
  uint64_t connects() const noexcept { return connects_; }

private:
  class connection;
  struct job {
    http_request request;
    answer tell;
    time_point deadline;
  };

  caf::error begin_next();
  void settle(caf::expected<http_response> result);
  void on_timer();
  std::string text_of(const http_request &request) const;

  event_loop &loop_;
  http_options options_;
  std::deque<job> queue_; ///< the first one is under way
  std::unique_ptr<connection> connection_;
  uint64_t connects_ = 0;
  timer_for<http_client, &http_client::on_timer> timer_{this};
};

} // namespace stentor::net::client

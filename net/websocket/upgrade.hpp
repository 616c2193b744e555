// SPDX-License-Identifier: Apache-2.0
// The HTTP side of opening a WebSocket (RFC 6455 section 4.2): judges an upgrade request, read by the one
// reader of request heads (net/http/http_parser.hpp), and writes the response. Pure: complete request heads
// in, strings out; which devices may connect is decided elsewhere.
#pragma once

#include "cluster/envelope.hpp"
#include "net/http/http_message.hpp"
#include "net/http/query.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace stentor::net {

/// What a device asked for in its upgrade request. Views are valid during the call.
struct upgrade_request {
  std::string_view path;          ///< without the query
  std::string_view query;         ///< still percent-encoded; `query_value` reads it
  std::string_view authorization; ///< the header, empty where absent
  std::string_view origin;        ///< the header, empty where absent (no browser)
  std::optional<format> wanted;   ///< from the subprotocols offered; nothing where none of ours was
  bool offered_subprotocols = false;
};

/// How to answer an upgrade request.
struct upgrade_answer {
  int status = 101;             ///< anything else refuses: the body is `reason`, the connection closes
  std::string_view reason;      ///< a static sentence
  format chosen = format::json; ///< named as subprotocol where the client offered it
  uint32_t retry_after_s = 0;   ///< as `Retry-After` where not 0
};

/// A request head that was read, once per object. Everything in it points into the bytes it was read from.
class upgrade_head {
public:
  /// Reads `bytes`, everything up to and with the empty line; they outlive this. Status 101 if it is a good
  /// WebSocket upgrade, else the refusal: 400, 405, 426, 431 or 503.
  upgrade_answer parse(std::string_view bytes);

  /// After a good `parse`.
  const upgrade_request &request() const noexcept { return request_; }
  /// The 101 answer, naming `chosen` where it was offered.
  std::string accept(format chosen) const;

private:
  bool lists(std::string_view lower_name, std::string_view lower) const;
  upgrade_answer parse_fields();
  void read_offer(std::string_view list);

  http_head head_;
  std::string_view bytes_;
  upgrade_request request_;
  std::string_view key_;
  bool offered_[2] = {false, false}; ///< by format
};

/// The `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (RFC 6455 4.2.2).
std::string upgrade_accept(std::string_view key);

/// The answer that refuses: plain text, connection closed.
std::string refusal(const upgrade_answer &answer);

} // namespace stentor::net

// SPDX-License-Identifier: Apache-2.0
// The HTTP side of a WebSocket's birth (RFC 6455 4.2): reads the upgrade request with Beast's parser and
// writes the answer. Pure: complete request heads in, strings out; who may connect is decided elsewhere.
#pragma once

#include "cluster/envelope.hpp"

#include <memory>
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

/// A request head that was read: owns what `request()` points into.
class upgrade_head {
public:
  upgrade_head();
  ~upgrade_head();
  upgrade_head(const upgrade_head &) = delete;
  upgrade_head &operator=(const upgrade_head &) = delete;

  /// Reads `head`, everything up to and with the empty line. Status 101 where it is a good WebSocket upgrade,
  /// else the refusal: 400, 405 or 426.
  upgrade_answer parse(std::string_view head);

  /// After a good `parse`.
  const upgrade_request &request() const noexcept { return request_; }
  /// The 101 answer, naming `chosen` where it was offered.
  std::string accept(format chosen) const;

private:
  upgrade_answer parse_fields();

  struct fields;
  std::unique_ptr<fields> fields_;
  upgrade_request request_;
  std::string_view key_;
  bool offered_[2] = {false, false}; ///< by format
};

/// The answer that refuses: plain text, connection closed.
std::string refusal(const upgrade_answer &answer);

/// The decoded value of `name` in a query string; nothing where absent or badly encoded.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

} // namespace stentor::net

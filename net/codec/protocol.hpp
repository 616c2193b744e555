// SPDX-License-Identifier: Apache-2.0
// The frames of the client protocol as structs, and their JSON and MessagePack forms. docs/protocol.md is the
// normative text, tests/net/codec/vectors/ binds it to this code. Pure; a `codec` belongs to one loop (it
// owns the memory of strings with escapes).
#pragma once

#include "cluster/envelope.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stentor::net {

/// Maps and arrays inside each other, in a payload or an ignored field; a scalar has depth 0.
inline constexpr size_t max_depth = 32;
inline constexpr size_t max_client_id_bytes = 64; ///< a sender's own id of its message
inline constexpr size_t max_key_bytes = 128;      ///< an idempotency key
inline constexpr size_t max_token_bytes = 8192;   ///< as much as a handshake may carry
inline constexpr size_t max_resume_bytes = 128;   ///< the `session` of a welcome

/// A frame from a client. Views point into the input or into the codec, valid until its next call.
struct client_frame {
  enum class kind : uint8_t { send, ack, devices, watch, unwatch, auth };
  kind type = kind::send;
  std::string_view id;        ///< send: the sender's id; ack: the message's id. Empty where absent
  std::string_view to_device; ///< send: one of `to_device`, `to_account`
  std::string_view to_account;
  bool except_me = false;
  std::string_view data; ///< send: one encoded value, verbatim, well-formed, at most `max_depth` deep
  want wants = want::written;
  std::optional<uint32_t> ttl_ms;
  std::optional<uint32_t> timeout_ms;
  std::string_view key;
  std::string_view token;  ///< auth
  std::string_view resume; ///< auth: the `session` of an earlier welcome; empty where absent
};

/// Why a frame was refused; `id` is the frame's own where it could be read, so that the sender knows which it
/// was.
struct frame_refusal {
  errc code = errc::malformed;
  std::string message; ///< one sentence that names the field
  std::string id;
  bool has_id = false;
  bool unparsable = false; ///< not even well-formed: the client needs mending, nothing in it was readable
};

/// The word for `code` in `error` frames and HTTP error bodies: `malformed`, `invalid_id`, ...
std::string_view code_name(errc code) noexcept;

// -- frames to a client; views are copied into the output ----

struct welcome_frame {
  std::string_view device, account, session;
  bool resumed = false;
  uint32_t heartbeat_ms = 0;
  uint32_t max_frame_bytes = 0;
  double rate_per_s = 0;
  double burst = 0;
  uint32_t max_timeout_ms = 0;
};
struct msg_frame {
  std::string_view id;
  std::string_view from; ///< empty: left out (a back end)
  std::string_view data; ///< one encoded value in the output's format
  bool ack = false;      ///< left out where false
};
/// One device's part of the verdict of an account message.
struct device_verdict {
  std::string_view device;
  outcome result;
};
struct verdict_frame {
  std::string_view id;
  outcome result;
  uint32_t total_us = 0;
  uint32_t target_us = 0;
  std::span<const device_verdict> devices; ///< account messages: one entry a device
  bool to_account = false;                 ///< writes `devices` even where it is empty: nobody was online
};
struct event_frame {
  enum class kind : uint8_t { online, offline, resync };
  kind type = kind::online;
  std::string_view device; ///< empty for resync
  epoch ep = 0;
  std::span<const std::string_view> devices; ///< resync: the full list
};
struct goaway_frame {
  uint32_t reconnect_in_ms = 0;
  std::string_view reason; ///< recycle, drain, token
};
struct error_frame {
  std::string_view code;
  std::string_view message;
  std::string_view id; ///< empty: left out
};

class codec {
public:
  codec();
  ~codec();
  codec(const codec &) = delete;
  codec &operator=(const codec &) = delete;

  /// Reads one client frame; nothing behind `bytes` is touched. Unknown fields are ignored; a known field of
  /// a wrong type or twice, a missing one and a bad id refuse the frame.
  bool decode(format f, std::span<const char> bytes, client_frame &out, frame_refusal &why);

  /// Checks that `bytes` is exactly one well-formed value, at most `max_depth` deep.
  caf::error check(format f, std::span<const char> bytes);

private:
  struct state;
  std::unique_ptr<state> state_;
};

// -- encoding: appends one frame's body to `out` ----
void encode(format f, std::string &out, const welcome_frame &x);
void encode(format f, std::string &out, const msg_frame &x);
void encode(format f, std::string &out, const verdict_frame &x);
void encode(format f, std::string &out, const event_frame &x);
void encode(format f, std::string &out, const goaway_frame &x);
void encode(format f, std::string &out, const error_frame &x);
/// The answer to `devices {}`.
void encode_devices(format f, std::string &out, std::span<const std::string_view> devices);
/// A client's frame, for the client library: members of `x` that hold their default are left out.
void encode(format f, std::string &out, const client_frame &x);

/// A frame from the server as the client library reads it; everything owned. `data` is verbatim.
struct server_frame {
  enum class kind : uint8_t { welcome, msg, verdict, devices, event, goaway, error };
  kind type = kind::error;
  std::string id, device, account, session, from, data, reason, code, message, detail;
  bool resumed = false, ack = false;
  uint32_t heartbeat_ms = 0, reconnect_in_ms = 0, max_frame_bytes = 0, max_timeout_ms = 0;
  double rate_per_s = 0, burst = 0;
  std::optional<verdict> result;
  std::optional<verdict> first;
  std::string at;
  via by;
  uint32_t total_us = 0, target_us = 0;
  std::string event_kind;
  epoch ep = 0;
  std::vector<std::string> devices;
  std::vector<std::pair<std::string, verdict>> device_verdicts;
};
caf::expected<server_frame> decode_server_frame(format f, std::string_view bytes);

/// `value` in the other format, by the table in docs/protocol.md#payloads; `errc::not_representable` where it
/// has no image, `errc::too_deep` or `errc::malformed` where it is not a well-formed value.
caf::expected<std::string> transcode(format from, format to, std::string_view value);

} // namespace stentor::net

// SPDX-License-Identifier: Apache-2.0
// What must hold for any bytes taken as a frame or a payload, in either format. Aborts where it does not.
#pragma once

#include "net/codec/protocol.hpp"

#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

namespace stentor::net::test {

inline void must(bool x) {
  if (!x)
    std::abort();
}

inline bool same(const client_frame &x, const client_frame &y) {
  return x.type == y.type && x.id == y.id && x.to_device == y.to_device && x.to_account == y.to_account &&
         x.except_me == y.except_me && x.data == y.data && x.wants == y.wants && x.ttl_ms == y.ttl_ms &&
         x.timeout_ms == y.timeout_ms && x.key == y.key && x.token == y.token && x.resume == y.resume;
}

/// A frame that was taken keeps its promises, and means the same after we write it.
inline void fuzz_frame(format f, std::string_view input) {
  static codec reader, second_reader;
  client_frame frame;
  frame_refusal why;
  if (!reader.decode(f, input, frame, why)) {
    must(why.code != errc::none && !why.message.empty() && (!why.has_id || !why.id.empty()));
    return;
  }
  must(frame.id.size() <= max_client_id_bytes && frame.key.size() <= max_key_bytes);
  must(frame.to_device.empty() || is_valid_id(frame.to_device));
  must(frame.to_account.empty() || is_valid_id(frame.to_account));
  must(frame.data.empty() || !second_reader.check(f, frame.data));
  if (frame.type == client_frame::kind::send)
    must(!frame.data.empty() && frame.to_device.empty() != frame.to_account.empty() &&
         (!frame.id.empty() || frame.wants == want::none));
  std::string written;
  encode(f, written, frame);
  client_frame again;
  must(second_reader.decode(f, written, again, why));
  must(same(frame, again));
}

/// A value that passes the check has an image or a reason, and an image has the value as its image.
inline void fuzz_payload(format f, std::string_view input) {
  static codec reader;
  auto other = f == format::json ? format::msgpack : format::json;
  auto is_good = !reader.check(f, input);
  auto image = transcode(f, other, input);
  if (!image) {
    must(!is_good || image.error() == errc::not_representable);
    return;
  }
  must(is_good);
  must(!reader.check(other, *image));
  auto back = transcode(other, f, *image);
  must(static_cast<bool>(back));
  auto again = transcode(f, other, *back);
  must(again && *again == *image);
}

inline void fuzz_envelope(format f, std::string_view input) {
  fuzz_frame(f, input);
  fuzz_payload(f, input);
  (void)decode_server_frame(f, input);
}

} // namespace stentor::net::test

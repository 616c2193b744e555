// SPDX-License-Identifier: Apache-2.0
// How the generator speaks as devices: the upgrade, masked WebSocket frames whose bodies are encoded once and
// patched (target, id, payload), and a reader of the frames the server sends. Bodies come from net/'s own
// encoder, so they are what the client library sends. One object a format; the generator's thread.
#pragma once

#include "net/codec/protocol.hpp"
#include "net/websocket/ws_frame.hpp"
#include "tests/bench/fleet.hpp"

#include <optional>
#include <string>
#include <vector>

namespace stentor::bench {

struct device_dialect_options {
  format encoding = format::msgpack;
  char prefix = 'm';       ///< of device and account names, so that fleets do not take over each other
  want wants = want::none; ///< of every message; `set_want` changes it
  std::vector<std::string> tokens; ///< by index; empty: development authentication
};

class device_dialect final : public dialect {
public:
  explicit device_dialect(device_dialect_options options);

  /// `m000123`: the device with that index. Indexes of a pair (2k, 2k+1) share the account.
  std::string device_name(uint32_t index) const;
  std::string account_name(uint32_t index) const;
  void set_want(want wants);

  bool greet(connection &c, std::string &out) override;
  size_t consume(fleet &f, connection &c, std::string_view bytes) override;
  void append_message(std::string &out, const payload_fields &fields) override;

private:
  void encode_template();
  void take_upgrade_answer(fleet &f, connection &c, std::string_view head);
  void take_frame(fleet &f, connection &c, net::opcode kind, std::string_view body);
  template <class Reader>
  void take_message(fleet &f, connection &c, Reader reader);

  device_dialect_options options_;
  std::string template_; ///< a `send` frame's body
  size_t id_at_ = 0, target_at_ = 0, payload_at_ = 0;
  std::string scratch_;
};

} // namespace stentor::bench

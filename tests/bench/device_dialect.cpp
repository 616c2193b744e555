// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/device_dialect.hpp"

#include "net/client/response_reader.hpp"
#include "net/client/upgrade_text.hpp"
#include "net/codec/json_reader.hpp"
#include "net/codec/msgpack_reader.hpp"
#include "net/websocket/upgrade.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace stentor::bench {

namespace {

using net::opcode;

enum state : uint8_t { awaits_upgrade, awaits_welcome, talks };

// Constants, so that the generator spends nothing on them: the server has to unmask and answer all the same.
constexpr uint32_t mask = 0x693c175a;
constexpr std::string_view handshake_key = "dGhlIHNhbXBsZSBub25jZQ==";

/// Reads the header of an unmasked frame. False where it is not complete yet.
bool read_head(std::string_view bytes, size_t &head_bytes, uint64_t &size) noexcept {
  if (bytes.size() < 2)
    return false;
  auto octet = [&](size_t i) { return uint64_t{static_cast<unsigned char>(bytes[i])}; };
  auto declared = octet(1) & 0x7f;
  auto extended = declared < 126 ? 0u : declared == 126 ? 2u : 8u;
  head_bytes = 2 + extended;
  if (bytes.size() < head_bytes)
    return false;
  size = extended ? 0 : declared;
  for (size_t i = 0; i < extended; ++i)
    size = size << 8 | octet(2 + i);
  return true;
}

} // namespace

device_dialect::device_dialect(device_dialect_options options) : options_(std::move(options)) {
  encode_template();
}

void device_dialect::set_want(want wants) {
  options_.wants = wants;
  encode_template();
}

std::string device_dialect::device_name(uint32_t index) const {
  char name[16];
  std::snprintf(name, sizeof name, "%c%06u", options_.prefix, index);
  return name;
}

std::string device_dialect::account_name(uint32_t index) const {
  return "a-" + device_name(index & ~1u);
}

void device_dialect::encode_template() {
  // Stand-ins that occur nowhere else in the body, to find the places to patch.
  std::string id(message_id_bytes, 'I');
  std::string target(device_name(0).size(), 'T');
  std::string payload(payload_bytes, 'P');
  auto data = options_.encoding == format::json
                  ? '"' + payload + '"'
                  : std::string{'\xd9', static_cast<char>(payload_bytes)} + payload; // str 8
  net::client_frame frame;
  frame.id = id;
  frame.to_device = target;
  frame.wants = options_.wants;
  frame.data = data;
  template_.clear();
  net::encode(options_.encoding, template_, frame);
  id_at_ = template_.find(id);
  target_at_ = template_.find(target);
  payload_at_ = template_.find(payload);
}

void device_dialect::append_message(std::string &out, const payload_fields &fields) {
  write_message_id(template_.data() + id_at_, fields.stream, fields.number);
  auto digit = template_.data() + target_at_ + 7;
  for (auto [i, left] = std::pair{0, fields.target}; i < 6; ++i, left /= 10)
    *--digit = static_cast<char>('0' + left % 10);
  *--digit = options_.prefix;
  write_payload(template_.data() + payload_at_, fields);
  net::append_masked_frame(out, options_.encoding == format::json ? opcode::text : opcode::binary, template_,
                           mask);
}

bool device_dialect::greet(connection &c, std::string &out) {
  net::client::device_options who;
  who.host = "localhost";
  who.encoding = options_.encoding;
  if (options_.tokens.empty()) {
    who.device = device_name(c.index);
    who.account = account_name(c.index);
  } else {
    who.token = options_.tokens[c.index];
  }
  if (auto request = net::client::upgrade_text(who, handshake_key))
    out += *request;
  c.dialect_state = awaits_upgrade;
  return false;
}

size_t device_dialect::consume(fleet &f, connection &c, std::string_view bytes) {
  size_t taken = 0;
  if (c.dialect_state == awaits_upgrade) {
    auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos)
      return 0;
    taken = end + 4;
    take_upgrade_answer(f, c, bytes.substr(0, taken));
  }
  size_t head = 0;
  uint64_t size = 0;
  while (c.fd >= 0 && read_head(bytes.substr(taken), head, size) && size <= bytes.size() - taken - head) {
    auto first = static_cast<unsigned char>(bytes[taken]);
    if ((first & 0xf0) != 0x80 || (static_cast<unsigned char>(bytes[taken + 1]) & 0x80) != 0) {
      f.lose(c, "a frame that is fragmented, masked or uses an extension");
      break;
    }
    take_frame(f, c, static_cast<opcode>(first & 15), bytes.substr(taken + head, size));
    taken += head + size;
  }
  return taken;
}

void device_dialect::take_upgrade_answer(fleet &f, connection &c, std::string_view head) {
  static const auto accept = net::upgrade_accept(handshake_key);
  if (!head.starts_with("HTTP/1.1 101") || head.find(accept) == std::string_view::npos) {
    // Without its body: it may not be here yet, and nobody reads it.
    net::client::response_reader reader{head.size() + 1, 0, true};
    if (reader.feed(head) == net::client::response_reader::progress::done) {
      auto answer = reader.take();
      c.said.http_status = answer.status;
      c.said.retry_after_s = answer.retry_after_s();
    }
    f.lose(c, "upgrade answered with " + std::string{head.substr(0, head.find('\r'))});
    return;
  }
  c.dialect_state = awaits_welcome;
}

void device_dialect::take_frame(fleet &f, connection &c, opcode kind, std::string_view body) {
  if (kind == opcode::text && options_.encoding == format::json) {
    take_message(f, c, net::json_reader{body, scratch_});
  } else if (kind == opcode::binary && options_.encoding == format::msgpack) {
    take_message(f, c, net::msgpack_reader{body});
  } else if (kind == opcode::ping) {
    net::append_masked_frame(f.cork(c), opcode::pong, body, mask);
  } else if (kind == opcode::close) {
    auto code = static_cast<uint16_t>(net::parse_close(body));
    c.said.close_code = code;
    f.lose(c, "close " + std::to_string(code) + ' ' +
                  std::string{body.substr(std::min<size_t>(2, body.size()))});
  } else if (kind != opcode::pong) {
    f.lose(c, "a frame with opcode " + std::to_string(static_cast<unsigned>(kind)));
  }
}

template <class Reader>
void device_dialect::take_message(fleet &f, connection &c, Reader reader) {
  typename Reader::map members;
  std::string_view key, type, id, verdict, data, skipped;
  if (reader.enter(members))
    while (reader.next(members, key)) {
      if (key == "t")
        reader.read(type);
      else if (key == "id")
        reader.read(id);
      else if (key == "verdict")
        reader.read(verdict);
      else if (key == "data" && reader.peek() == net::value_kind::string)
        reader.read(data);
      else if (key == "code" || key == "reason")
        reader.read(verdict);
      else
        reader.skip(skipped);
    }
  if (!reader.finish()) {
    f.lose(c, "a frame that does not parse");
  } else if (type == "msg") {
    f.events().on_message(c, data);
  } else if (type == "verdict") {
    uint32_t stream = UINT32_MAX;
    uint64_t number = 0;
    read_message_id(id, stream, number);
    f.events().on_verdict(c, stream, number, verdict);
  } else if (type == "welcome") {
    c.dialect_state = talks;
    f.ready(c);
  } else if (type == "error" || type == "goaway") {
    f.lose(c, std::string{type}.append(" ").append(verdict));
  }
}

} // namespace stentor::bench

// SPDX-License-Identifier: Apache-2.0
#include "net/client/command_text.hpp"

#include "cluster/errc.hpp"
#include "net/event_loop.hpp"

#include <nlohmann/json.hpp>

namespace stentor::net::client {

namespace {

constexpr std::string_view help_text =
    "lines are: DEVICE TEXT..., a {\"t\":...} frame, /devices, /watch, /unwatch, /ack ID, /quit";

std::string join(const std::vector<std::string> &names) {
  std::string out;
  for (auto &x : names)
    out += (out.empty() ? "" : " ") + x;
  return out.empty() ? "none" : out;
}

std::string describe_verdict(const server_frame &x) {
  auto text = std::string{x.result ? to_string(*x.result) : "nothing"};
  if (!x.at.empty())
    text += " at " + x.at;
  if (x.first)
    text += ", the first was " + std::string{to_string(*x.first)};
  if (x.by.ep != 0)
    text += " via " + x.by.node.str();
  text += " (" + std::to_string(x.total_us) + " us)";
  for (auto &[device, verdict] : x.device_verdicts)
    text += "; " + device + ": " + std::string{to_string(verdict)};
  return text;
}

std::string describe_message(format f, const server_frame &x) {
  auto data = f == format::json ? caf::expected<std::string>{x.data} : transcode(f, format::json, x.data);
  auto text = (x.from.empty() ? std::string{"(back end)"} : x.from) + ": ";
  text += data ? *data : "(" + std::to_string(x.data.size()) + " bytes that JSON cannot show)";
  if (x.ack)
    text += "   /ack " + x.id;
  return text;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

} // namespace

std::string printable(std::string_view text) {
  std::string out{text};
  for (size_t i = 0; i < out.size(); ++i) {
    auto byte = static_cast<unsigned char>(out[i]);
    auto next = i + 1 < out.size() ? static_cast<unsigned char>(out[i + 1]) : 0u;
    if (byte < 0x20 || byte == 0x7f) {
      out[i] = ' ';
    } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) { // U+0080 to U+009F
      out[i] = ' ';
      out.erase(i + 1, 1);
    }
  }
  return out;
}

std::string payload_of(std::string_view text, bool is_text) {
  if (!is_text) {
    // By the reader that nodes use: what they would take, or refuse for more than its form, is not changed
    // here.
    auto bytes = std::string{text} + std::string(event_loop::read_slack, '\0');
    auto failure = codec{}.check(format::json, {bytes.data(), text.size()});
    if (!failure || failure != errc::malformed)
      return std::string{text};
  }
  using nlohmann::json;
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

exit_code exit_code_of(verdict v) noexcept {
  if (v == verdict::unreachable)
    return exit_code::unknown;
  return is_certain_loss(v) ? exit_code::not_delivered : exit_code::good;
}

std::string describe(format f, const server_frame &x) {
  std::string text;
  switch (x.type) {
  case server_frame::kind::welcome:
    text = "connected as " + x.device + ", account " + x.account + (x.resumed ? ", resumed" : "");
    break;
  case server_frame::kind::msg:
    text = describe_message(f, x);
    break;
  case server_frame::kind::verdict:
    text = x.id + ": " + describe_verdict(x);
    break;
  case server_frame::kind::devices:
    text = "connected: " + join(x.devices);
    break;
  case server_frame::kind::event:
    text = x.event_kind == "resync" ? "connected now: " + join(x.devices) : x.device + " is " + x.event_kind;
    break;
  case server_frame::kind::goaway:
    text = "the node asks to reconnect in " + std::to_string(x.reconnect_in_ms) + " ms: " + x.reason;
    break;
  case server_frame::kind::error:
    text = (x.id.empty() ? "error: " : x.id + ": error: ") + x.message + " (" + x.code + ")";
    break;
  }
  return printable(text);
}

typed_line read_typed(std::string_view line) {
  auto text = trimmed(line);
  if (text.empty())
    return {};
  if (text[0] == '{')
    return {typed_line::kind::raw, {}, std::string{text}};
  auto first = text.substr(0, text.find_first_of(" \t"));
  auto rest = trimmed(text.substr(first.size()));
  if (text[0] != '/') {
    if (!is_valid_id(first))
      return {typed_line::kind::wrong,
              {},
              '"' + printable(first) + "\" is not a device id; " + std::string{help_text}};
    if (rest.empty())
      return {typed_line::kind::wrong, {}, "nothing to send; " + std::string{help_text}};
    return {typed_line::kind::send, std::string{first}, std::string{rest}};
  }
  auto alone = rest.empty();
  if (first == "/ack" && !alone)
    return {typed_line::kind::ack, std::string{rest}, {}};
  if (first == "/devices" && alone)
    return {typed_line::kind::devices, {}, {}};
  if (first == "/watch" && alone)
    return {typed_line::kind::watch, {}, {}};
  if (first == "/unwatch" && alone)
    return {typed_line::kind::unwatch, {}, {}};
  if (first == "/quit" && alone)
    return {typed_line::kind::quit, {}, {}};
  return {typed_line::kind::wrong, {}, std::string{help_text}};
}

} // namespace stentor::net::client

// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/link_filter.hpp"

#include <caf/atom.hpp>

#include <algorithm>
#include <utility>

namespace stentor::actors {

namespace {

// BASP's operations, by their number on the wire.
enum operation : uint8_t {
  server_handshake,
  client_handshake,
  direct_message,
  routed_message,
  monitor_message,
  down_message,
  heartbeat,
};
constexpr uint8_t named_receiver_flag = 1, select_connection_flag = 2;

// The message id in a header's data: two flags, two bits of category, the request's number.
constexpr uint64_t answer_bit = uint64_t{1} << 63, answered_bit = uint64_t{1} << 62;
constexpr uint64_t category_bits = uint64_t{3} << 60, normal_category = uint64_t{1} << 60;
constexpr uint64_t request_bits = normal_category - 1;

// A handshake names a node, an actor and its interface, and the application's identifiers.
constexpr size_t max_handshake_bytes = 4096;
// A down message: two nodes and an error. An error may hold a message that holds an error, and CAF reads
// these by recursion: this many bytes are some 200 of them.
constexpr size_t max_error_bytes = 4096;
// An empty forwarding stack, a type number of 0 and the length of the types' names.
constexpr size_t prefix_bytes = 4;
// CAF as a client sends its handshake when it has connected, and again after the server's.
constexpr uint8_t most_handshakes = 2;

enum class receiver : uint8_t { port, inbox, router, asker };

struct allowed_message {
  receiver to;
  std::string_view types;
  caf::atom_value word{}; ///< where the first type is an atom
};

using caf::atom;
constexpr std::string_view word_prefix = "@<>+@atom";
constexpr std::string_view hello_types = "@<>+@atom+stentor::actors::link_hello";
constexpr std::string_view hello_answer_types = "@<>+stentor::actors::hello_answer";
constexpr std::string_view error_types = "@<>+@error";

// The list of docs/cluster-protocol.md, as CAF writes types.
constexpr allowed_message allowed_messages[] = {
    {receiver::port, hello_types, atom("hello")},
    {receiver::port, "@<>+@atom", atom("ping")},
    {receiver::port, "@<>+@atom", atom("poll")},
    {receiver::inbox, "@<>+@atom+stentor::actors::link_batch", atom("batch")},
    {receiver::inbox, "@<>+@atom+std::vector<stentor::storage::record>", atom("repair")},
    {receiver::inbox, "@<>+@atom+std::vector<stentor::device_id>", atom("repair")},
    {receiver::inbox, "@<>+@atom+stentor::actors::admin_question", atom("ask")},
    {receiver::inbox, "@<>+@atom+stentor::device_id", atom("sessions")},
    {receiver::inbox, "@<>+@atom", atom("count")},
    {receiver::router, "@<>+@atom+std::vector<stentor::storage::bind_request>", atom("bind")},
    {receiver::router, "@<>+@atom+std::vector<stentor::storage::unbind_request>", atom("unbind")},
    {receiver::router, "@<>+@atom+std::vector<stentor::device_id>", atom("lookup")},
    {receiver::asker, hello_answer_types},
    {receiver::asker, "@<>+@atom", atom("pong")},
    {receiver::asker, "@<>+@u8"},
    {receiver::asker, "@<>+bool"},
    {receiver::asker, "@<>+std::vector<stentor::actors::bind_answer>"},
    {receiver::asker, "@<>+std::vector<stentor::actors::lookup_answer>"},
    {receiver::asker, "@<>+stentor::actors::loop_info"},
    {receiver::asker, "@<>+std::vector<stentor::actors::session_info>"},
    {receiver::asker, "@<>+stentor::actors::admin_page"},
    {receiver::asker, error_types},
};

template <class T>
T number_at(std::string_view bytes, size_t at) {
  T x = 0;
  for (auto byte : bytes.substr(at, sizeof(T)))
    x = static_cast<T>(x << 8 | static_cast<uint8_t>(byte));
  return x;
}

std::string in_caf_form(uint64_t x) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes += static_cast<char>(x >> shift);
  return bytes;
}

/// What CAF's own broker sends first: a question for the node's actor factory.
const std::string &spawn_question() {
  using namespace std::string_literals;
  static const auto bytes = "\0\0\0\x14@<>+@atom+@atom+@str"s + in_caf_form(caf::atom_uint("sys")) +
                            in_caf_form(caf::atom_uint("get")) + "\4info";
  return bytes;
}

} // namespace

link_filter::link_filter(const link_receivers &receivers, std::string own_node, link_bounds bounds,
                         bool dialled)
    : receivers_{&receivers}, own_node_{std::move(own_node)}, bounds_{bounds}, dialled_{dialled} {}

// -- headers ----

link_filter::verdict link_filter::header(std::span<const char> bytes) {
  if (bytes.size() != header_bytes)
    return say(verdict::malformed, "not a BASP header");
  std::string_view text{bytes.data(), bytes.size()};
  now_ = {static_cast<uint8_t>(text[0]), static_cast<uint8_t>(text[3]), number_at<uint32_t>(text, 4),
          number_at<uint64_t>(text, 8),  number_at<uint64_t>(text, 16), number_at<uint64_t>(text, 24)};
  switch (now_.operation) {
  case server_handshake:
  case client_handshake:
    return handshake();
  case direct_message:
    return greeted_ ? message() : say(verdict::malformed, "message before the handshake");
  case monitor_message:
  case down_message:
    return greeted_ ? notice() : say(verdict::malformed, "message before the handshake");
  case routed_message:
    return say(verdict::forbidden, "routed message"); // every link is direct
  case heartbeat:
    return say(verdict::forbidden, "heartbeat"); // our pings do that
  default:
    return say(verdict::malformed, "unknown operation");
  }
}

link_filter::verdict link_filter::within(size_t least, size_t most) {
  if (now_.length < least)
    return say(verdict::malformed, "message too short");
  return now_.length <= most ? verdict::pass : say(verdict::malformed, "message too long");
}

link_filter::verdict link_filter::handshake() {
  // CAF 0.17 follows a null pointer if a handshake has no payload.
  if (now_.length == 0)
    return say(verdict::malformed, "empty handshake");
  // The node that dialled speaks as a client, and the other as a server.
  if (dialled_ != (now_.operation == server_handshake))
    return say(verdict::malformed, "handshake of the wrong side");
  if (++handshakes_ > (dialled_ ? 1 : most_handshakes))
    return say(verdict::malformed, "another handshake");
  if (dialled_)
    return within(node_bytes, max_handshake_bytes);
  if ((now_.flags & ~select_connection_flag) != 0)
    return say(verdict::forbidden, "unknown flags");
  return within(node_bytes, node_bytes);
}

link_filter::verdict link_filter::named_message() {
  // Nothing of ours has a name, and CAF's services command the node. That one question is what earlier
  // versions of this node send first; it is not passed on.
  if (now_.flags == named_receiver_flag && now_.data == normal_category &&
      now_.to == caf::atom_uint("SpawnServ") && now_.length == spawn_question().size())
    return verdict::pass;
  return say(verdict::forbidden, "a named receiver");
}

link_filter::verdict link_filter::message() {
  if (now_.flags != 0)
    return named_message();
  // CAF takes streams' categories for what they say: a message of another type is then a null pointer.
  if ((now_.data & category_bits) != normal_category)
    return say(verdict::forbidden, "message category");
  if ((now_.data & answered_bit) != 0)
    return say(verdict::forbidden, "message id");
  if ((now_.data & answer_bit) != 0) {
    if (!is_open() || (now_.data & request_bits) == 0)
      return say(verdict::forbidden, "a response without a request");
    return within(prefix_bytes, bounds_.max_message_bytes);
  }
  if (is_open() ? !receivers_->ports.contains(now_.to) && !receivers_->inboxes.contains(now_.to) &&
                      !receivers_->routers.contains(now_.to)
                : !receivers_->ports.contains(now_.to))
    return say(verdict::forbidden, "a receiver that is not open to peers");
  return within(prefix_bytes, is_open() ? bounds_.max_message_bytes : bounds_.max_first_bytes);
}

link_filter::verdict link_filter::notice() {
  if (now_.flags != 0)
    return say(verdict::forbidden, "unknown flags");
  if (now_.operation == down_message) {
    if (!is_open() && !hello_seen_)
      return say(verdict::forbidden, "down message before a hello");
    return within(2 * node_bytes, max_error_bytes);
  }
  if (!is_open() && !receivers_->ports.contains(now_.to))
    return say(verdict::forbidden, "a receiver that is not open to peers");
  return within(2 * node_bytes, 2 * node_bytes);
}

// -- payloads ----

link_filter::verdict link_filter::payload(std::span<const char> bytes) {
  std::string_view text{bytes.data(), bytes.size()};
  if (text.size() != now_.length)
    return say(verdict::malformed, "payload of another length");
  switch (now_.operation) {
  case server_handshake:
  case client_handshake:
    return handshake_payload(text);
  case monitor_message:
  case down_message:
    return notice_payload(text);
  case direct_message:
    if (now_.flags == 0)
      return message_payload(text);
    return text == spawn_question() ? say(verdict::drop, "a request to spawn an actor")
                                    : say(verdict::forbidden, "a named receiver");
  default:
    return say(verdict::malformed, "payload without a header");
  }
}

link_filter::verdict link_filter::handshake_payload(std::string_view bytes) {
  auto node = bytes.substr(0, node_bytes);
  // The kind of id, in the first eight bytes, is the same on every node of ours.
  if (node.size() != node_bytes || !node.starts_with(std::string_view{own_node_}.substr(0, 8)))
    return say(verdict::malformed, "not a node's id");
  // Our own address, dialled: CAF notices that, and says so to who dialled.
  if (!dialled_ && node == own_node_)
    return say(verdict::forbidden, "this node's own id");
  if (!their_node_.empty() && node != their_node_)
    return say(verdict::forbidden, "another node's id");
  their_node_ = node;
  return verdict::pass;
}

link_filter::verdict link_filter::notice_payload(std::string_view bytes) {
  if (bytes.substr(0, node_bytes) != their_node_ || bytes.substr(node_bytes, node_bytes) != own_node_)
    return say(verdict::forbidden, "a notice in another node's name");
  return verdict::pass;
}

link_filter::verdict link_filter::message_payload(std::string_view bytes) {
  if (bytes.size() < prefix_bytes)
    return say(verdict::malformed, "message too short");
  if (bytes[0] != 0)
    return say(verdict::forbidden, "a forwarding stack");
  auto length = static_cast<uint8_t>(bytes[3]); // below 128 in one byte, which all of ours are
  if (number_at<uint16_t>(bytes, 1) != 0 || length > 127 || bytes.size() < prefix_bytes + length)
    return say(verdict::forbidden, "message type");
  auto types = bytes.substr(prefix_bytes, length);
  auto rest = bytes.substr(prefix_bytes + length);
  caf::atom_value word{};
  if (types.starts_with(word_prefix)) {
    if (rest.size() < sizeof word)
      return say(verdict::malformed, "message too short");
    word = static_cast<caf::atom_value>(number_at<uint64_t>(rest, 0));
  }
  auto is_answer = (now_.data & answer_bit) != 0;
  auto is_to = [&](receiver who) {
    switch (who) {
    case receiver::port:
      return !is_answer && receivers_->ports.contains(now_.to);
    case receiver::inbox:
      return !is_answer && receivers_->inboxes.contains(now_.to);
    case receiver::router:
      return !is_answer && receivers_->routers.contains(now_.to);
    case receiver::asker:
      return is_answer;
    }
    return false;
  };
  auto is_allowed = [&](const allowed_message &x) {
    return x.types == types && x.word == word && is_to(x.to);
  };
  if (!std::ranges::any_of(allowed_messages, is_allowed))
    return say(verdict::forbidden, "message type");
  if (is_answer) {
    if (types == error_types && bytes.size() > max_error_bytes)
      return say(verdict::malformed, "message too long");
    if (types == hello_answer_types && bytes.size() > bounds_.max_first_bytes)
      return say(verdict::malformed, "message too long");
    // A link that was replaced may still bring the answer to a question of the one before.
    return askers_.contains(now_.to) ? verdict::pass : say(verdict::drop, "a response that nobody waits for");
  }
  if (types == hello_types) {
    // One per connection, and only from the side that connects.
    if (dialled_ || std::exchange(hello_seen_, true))
      return say(verdict::forbidden, "another hello");
  } else if (!is_open()) {
    return say(verdict::forbidden, "message before a hello");
  }
  return verdict::pass;
}

} // namespace stentor::actors

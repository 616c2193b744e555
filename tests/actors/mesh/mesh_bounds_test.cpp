// SPDX-License-Identifier: Apache-2.0
// What may come from a node that has not said hello: from one that dialled us a short message, and from one
// that we dialled whatever a linked peer may send, for that may come before we have read its hello.
#include "actors/mesh/link_broker.hpp"

#include "tests/actors/mesh/mesh_fixture.hpp"

#include "actors/core/mesh_types.hpp"

#include <caf/binary_serializer.hpp>
#include <caf/io/basp/header.hpp>
#include <caf/io/basp/version.hpp>
#include <gtest/gtest.h>

#include <set>

namespace stentor::actors::test {

namespace {

using namespace std::chrono_literals;
namespace basp = caf::io::basp;

template <class... Ts>
std::string serialized(const Ts &...xs) {
  std::vector<char> bytes;
  caf::binary_serializer sink{nullptr, bytes};
  EXPECT_FALSE(sink(xs...));
  return {bytes.begin(), bytes.end()};
}

std::string header(basp::message_type what, size_t payload, uint64_t data, uint64_t from, uint64_t to) {
  return serialized(basp::header{what, 0, static_cast<uint32_t>(payload), data, from, to});
}

class mesh_bounds : public testing::Test {
protected:
  static constexpr size_t longest = 1024 * 1024;
  static transport_limits limits() {
    transport_limits lim;
    lim.max_message_bytes = longest;
    lim.hello_timeout = 60s; // not what ends a connection here
    return lim;
  }
  /// What a node of our cluster says first.
  std::string handshake(basp::message_type side) {
    auto self = caf::make_node_id(4711, "0123456789abcdef0123456789abcdef01234567");
    auto apps = caf::get_or(a.system().config(), "middleman.app-identifiers", std::vector<std::string>{});
    EXPECT_FALSE(apps.empty());
    auto is_server = side == basp::message_type::server_handshake;
    auto payload = serialized(*self);
    if (is_server) // and what it speaks, and who stands at its peer port
      payload += serialized(apps, caf::actor_id{7}, std::set<std::string>{});
    return header(side, payload.size(), is_server ? basp::version : 0, 0, 0) + payload;
  }
  static std::string message(size_t length, uint64_t whom) {
    return header(basp::message_type::direct_message, length, caf::message_id::default_async_value, 0, whom);
  }
  std::string written(const caf::message &what) {
    std::vector<char> bytes;
    caf::binary_serializer sink{a.system(), bytes};
    EXPECT_FALSE(sink(std::vector<caf::strong_actor_ptr>{}, what));
    return {bytes.begin(), bytes.end()};
  }
  uint64_t refused(peer_refusal why = peer_refusal::malformed) {
    return a.counters().refused[static_cast<size_t>(why)];
  }

  mesh_node a{{.name = "a", .inc = 1, .lim = limits()}};
};

TEST_F(mesh_bounds, whom_we_dialled_may_send_long_messages_at_once) {
  stranger_listener listener;
  a.view({a.lease(), {node_id::trusted("b"), 2, 0, listener.address(), false}});
  stranger who{listener};
  ASSERT_TRUE(who.is_connected());
  who.send(handshake(basp::message_type::server_handshake) + message(longest, a.sink().id()) +
           std::string(longest / 2, 'x'));
  EXPECT_FALSE(who.is_closed(300ms)) << "it is read, and the rest waited for";
  EXPECT_EQ(refused(), 0);
}

TEST_F(mesh_bounds, whom_we_dialled_is_cut_off_for_a_message_that_is_too_long) {
  stranger_listener listener;
  a.view({a.lease(), {node_id::trusted("b"), 2, 0, listener.address(), false}});
  stranger who{listener};
  ASSERT_TRUE(who.is_connected());
  who.send(handshake(basp::message_type::server_handshake) + message(longest + 1, a.sink().id()));
  EXPECT_TRUE(who.is_closed(5s)) << "before a hello is missed";
  EXPECT_EQ(refused(), 1);
}

TEST_F(mesh_bounds, who_dialled_us_may_send_a_hello) {
  stranger who{a.port()};
  auto port = who.read_port_actor();
  who.send(handshake(basp::message_type::client_handshake) + message(limits().max_stranger_bytes, port));
  EXPECT_FALSE(who.is_closed(300ms));
  EXPECT_EQ(refused(), 0);
}

TEST_F(mesh_bounds, who_dialled_us_is_cut_off_for_more_than_a_hello) {
  stranger who{a.port()};
  auto port = who.read_port_actor();
  who.send(handshake(basp::message_type::client_handshake) + message(limits().max_stranger_bytes + 1, port));
  EXPECT_TRUE(who.is_closed(900ms));
  EXPECT_EQ(refused(), 1);
}

TEST_F(mesh_bounds, whom_we_dialled_ends_no_actor_of_ours) {
  auto kill = written(caf::make_message(caf::exit_msg{caf::actor_addr{}, caf::exit_reason::kill}));
  for (auto category : {uint64_t{0}, caf::message_id::default_async_value}) {
    stranger_listener listener;
    a.view({a.lease(), {node_id::trusted("b"), 2 + category, 0, listener.address(), false}});
    stranger who{listener};
    ASSERT_TRUE(who.is_connected());
    auto head = header(basp::message_type::direct_message, kill.size(), category, 0, a.sink().id());
    who.send(handshake(basp::message_type::server_handshake) + head + kill);
    EXPECT_TRUE(who.is_closed(5s));
    EXPECT_FALSE(a.sink().is_stopped());
  }
  EXPECT_EQ(refused(peer_refusal::forbidden), 2);
}

// Each of them would be an entry in CAF's tables forever.
TEST_F(mesh_bounds, a_hello_that_names_actors_of_unknown_nodes_is_cut_off) {
  auto made_up = serialized(*caf::make_node_id(99, "00000000000000000000000000000000000000ff"));
  link_hello hello;
  hello.inboxes.assign(20, caf::strong_actor_ptr{a.sink().ctrl()});
  auto bytes = written(caf::make_message(hello_atom_v, hello));
  auto own = serialized(a.system().node());
  auto named = 0;
  for (auto at = bytes.find(own); at != std::string::npos; at = bytes.find(own), ++named)
    bytes.replace(at, own.size(), made_up);
  ASSERT_EQ(named, 20);
  stranger who{a.port()};
  auto port = who.read_port_actor();
  who.send(handshake(basp::message_type::client_handshake) + message(bytes.size(), port) + bytes);
  EXPECT_TRUE(who.is_closed(900ms));
  EXPECT_EQ(refused(peer_refusal::forbidden), 1);
}

} // namespace

} // namespace stentor::actors::test

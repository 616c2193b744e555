// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/link_broker.hpp"

#include "tests/actors/mesh/mesh_fixture.hpp"

#include <caf/binary_serializer.hpp>
#include <caf/io/basp/header.hpp>
#include <gtest/gtest.h>

#include <random>

namespace stentor::actors::test {

namespace {

using namespace std::chrono_literals;
namespace basp = caf::io::basp;

/// Two linked nodes, and strangers at the listener of one; whatever they send, the link must stay as it is.
class mesh_hostile : public testing::Test {
protected:
  void SetUp() override {
    introduce({&a, &b});
    ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
  }
  void TearDown() override {
    link_batch batch;
    a.send(b, batch);
    EXPECT_TRUE(b.sink().batches.wait([](auto &all) { return !all.empty(); })) << "the link is not usable";
    EXPECT_EQ(b.news_of(a).size(), 1) << "the link ended";
  }
  static transport_limits limits() {
    transport_limits lim;
    lim.max_strangers = 16;
    lim.hello_timeout = 300ms;
    return lim;
  }
  std::string header(basp::message_type what, uint32_t payload, uint64_t data = 0, uint64_t from = 0,
                     uint64_t to = 0) {
    basp::header hdr{what, 0, payload, data, from, to};
    std::vector<char> bytes;
    caf::binary_serializer sink{nullptr, bytes};
    EXPECT_FALSE(sink(hdr));
    return {bytes.begin(), bytes.end()};
  }
  uint64_t refused(peer_refusal why) const { return b.counters().refused[static_cast<size_t>(why)]; }

  mesh_node a{{.name = "a", .inc = 1}};
  mesh_node b{{.name = "b", .inc = 2, .lim = limits()}};
};

TEST_F(mesh_hostile, garbage_is_cut_off) {
  std::mt19937 random{4711};
  for (int i = 0; i < 50; ++i) {
    stranger who{b.port()};
    std::string bytes(64, 0);
    for (auto &x : bytes)
      x = static_cast<char>(random());
    who.send(bytes);
    EXPECT_TRUE(who.is_closed()) << i;
  }
  EXPECT_EQ(refused(peer_refusal::malformed), 50);
}

// CAF 0.17.6 follows a null pointer here: these 32 bytes end a process that uses its broker.
TEST_F(mesh_hostile, an_empty_handshake_is_cut_off) {
  for (auto what : {basp::message_type::client_handshake, basp::message_type::server_handshake}) {
    stranger who{b.port()};
    who.send(header(what, 0, what == basp::message_type::server_handshake ? 3 : 0));
    EXPECT_TRUE(who.is_closed());
  }
  EXPECT_EQ(refused(peer_refusal::malformed), 2);
}

TEST_F(mesh_hostile, a_header_that_promises_gigabytes_allocates_nothing) {
  auto before = resident_bytes();
  for (auto what : {basp::message_type::client_handshake, basp::message_type::direct_message,
                    basp::message_type::monitor_message, basp::message_type::routed_message}) {
    stranger who{b.port()};
    who.send(header(what, 0xffffffff, 0, 0, what == basp::message_type::client_handshake ? 0 : 1));
    EXPECT_TRUE(who.is_closed());
  }
  EXPECT_LT(resident_bytes(), before + 8 * 1024 * 1024);
}

TEST_F(mesh_hostile, a_message_before_the_handshake_reaches_nobody) {
  stranger who{b.port()};
  who.send(header(basp::message_type::direct_message, 100, 0, 0, b.sink().id()) + std::string(100, 0));
  EXPECT_TRUE(who.is_closed());
}

TEST_F(mesh_hostile, a_handshake_that_does_not_parse_is_cut_off) {
  stranger who{b.port()};
  who.send(header(basp::message_type::client_handshake, 200) + std::string(200, '\xff'));
  EXPECT_TRUE(who.is_closed());
}

// CAF 0.17.6 reads the category in a message's number as it comes: a stream's, of a message that is none,
// ended the process, and an exit message ended the actor at the port.
TEST_F(mesh_hostile, a_message_that_no_node_sends_ends_its_connection_alone) {
  auto node = header(basp::message_type::client_handshake, 32) +
              std::string("\0\0\x3e\x9a\xab\x9b\xac\x79", 8) + std::string(24, 'x');
  auto empty = std::string("\0\0\0\3@<>", 7);
  uint64_t tried = 0;
  for (uint64_t category : {0, 1, 2, 3}) {
    stranger who{b.port()};
    auto port = who.read_port_actor();
    ASSERT_NE(port, 0);
    who.send(node + header(basp::message_type::direct_message, 7, category << 60, 5, port) + empty);
    EXPECT_TRUE(who.is_closed()) << category;
    EXPECT_EQ(refused(peer_refusal::forbidden), ++tried);
  }
}

TEST_F(mesh_hostile, a_named_service_of_cafs_is_not_reached) {
  auto node = header(basp::message_type::client_handshake, 32) +
              std::string("\0\0\x3e\x9a\xab\x9b\xac\x79", 8) + std::string(24, 'x');
  for (auto name : {caf::atom("ConfigServ"), caf::atom("SpawnServ")}) {
    stranger who{b.port()};
    auto put = header(basp::message_type::direct_message, 40, uint64_t{1} << 60, 5, caf::atom_uint(name));
    put[3] = 1; // the receiver is a name
    who.send(node + put + std::string(40, 0));
    EXPECT_TRUE(who.is_closed());
  }
  EXPECT_EQ(refused(peer_refusal::forbidden), 2);
}

TEST_F(mesh_hostile, a_stranger_that_says_nothing_is_cut_off_in_time) {
  stranger silent{b.port()};
  stranger half{b.port()};
  half.send(header(basp::message_type::client_handshake, 50).substr(0, 7));
  EXPECT_TRUE(silent.is_closed(3s));
  EXPECT_TRUE(half.is_closed(3s));
  EXPECT_EQ(refused(peer_refusal::silent), 2);
}

TEST_F(mesh_hostile, a_flood_of_half_open_connections_is_bounded) {
  std::vector<std::unique_ptr<stranger>> flood;
  for (int i = 0; i < 100; ++i)
    flood.push_back(std::make_unique<stranger>(b.port()));
  for (auto &who : flood)
    EXPECT_TRUE(!who->is_connected() || who->is_closed(4s));
  EXPECT_GE(refused(peer_refusal::crowded), 50);
}

} // namespace

} // namespace stentor::actors::test

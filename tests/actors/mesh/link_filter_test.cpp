// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/link_filter.hpp"

#include "actors/core/interfaces.hpp"
#include "actors/core/mesh_types.hpp"

#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <caf/io/basp/header.hpp>

namespace stentor::actors::test {

namespace {

namespace basp = caf::io::basp;
using caf::make_message;
using verdict = link_filter::verdict;

constexpr uint64_t normal = caf::message_id::default_async_value;
constexpr uint64_t answer = normal | caf::message_id::response_flag_mask | 7;
constexpr uint64_t port = 16, inbox = 6, router = 9, asker = 19, other = 77;
constexpr size_t longest = 1024 * 1024, longest_first = 64 * 1024;

/// Messages as CAF writes them, for a filter on an accepted connection.
class link_filter_test : public testing::Test {
protected:
  link_filter_test() : sys_{configure(settings_)} {}

  static caf::actor_system_config &configure(caf::actor_system_config &cfg) {
    cfg.add_message_types<caf::id_block::stentor>();
    cfg.add_message_types<caf::id_block::stentor_mesh>();
    cfg.set("scheduler.max-threads", size_t{1});
    return cfg;
  }
  template <class... Ts>
  std::string bytes_of(const Ts &...xs) {
    std::vector<char> bytes;
    caf::binary_serializer sink{sys_, bytes};
    EXPECT_FALSE(sink(xs...));
    return {bytes.begin(), bytes.end()};
  }
  std::string node(char number) { return bytes_of(*caf::make_node_id(number, std::string(40, 'a'))); }

  verdict send(link_filter &to, basp::header hdr, const std::string &payload) {
    hdr.payload_len = static_cast<uint32_t>(payload.size());
    auto head = bytes_of(hdr);
    auto said = to.header(head);
    return said == verdict::pass && !payload.empty() ? to.payload(payload) : said;
  }
  verdict message(link_filter &to, uint64_t whom, uint64_t id, const caf::message &what) {
    std::vector<caf::strong_actor_ptr> no_stages;
    return send(to, {basp::message_type::direct_message, 0, 0, id, asker, whom}, bytes_of(no_stages, what));
  }
  verdict notice(link_filter &to, basp::message_type what, uint64_t from, uint64_t whom,
                 const std::string &payload) {
    return send(to, {what, 0, 0, 0, from, whom}, payload);
  }
  verdict greet(link_filter &who, const std::string &as) {
    auto side =
        who.is_dialled() ? basp::message_type::server_handshake : basp::message_type::client_handshake;
    auto said = send(who, {side, 0, 0, 0, 0, 0}, as);
    if (said == verdict::pass)
      who.greet();
    return said;
  }
  link_filter fresh(bool dialled = false) { return {receivers_, node(1), {longest, longest_first}, dialled}; }
  link_filter greeted(bool dialled = false) {
    auto filter = fresh(dialled);
    EXPECT_EQ(greet(filter, node(2)), verdict::pass);
    return filter;
  }
  link_filter adopted() {
    auto filter = greeted();
    EXPECT_EQ(message(filter, port, normal | 1, make_message(hello_atom_v, link_hello{})), verdict::pass);
    filter.adopt();
    filter.expect_answer_for(asker);
    return filter;
  }

  caf::actor_system_config settings_;
  caf::actor_system sys_;
  link_receivers receivers_{{port}, {inbox}, {router}};
};

TEST_F(link_filter_test, takes_every_request_of_the_protocol_from_a_linked_peer) {
  auto peer = adopted();
  auto takes = [&](uint64_t whom, const caf::message &what) {
    EXPECT_EQ(message(peer, whom, normal | 1, what), verdict::pass) << to_string(what) << ": " << peer.why();
  };
  takes(port, make_message(caf::ping_atom_v));
  takes(port, make_message(poll_atom_v));
  takes(inbox, make_message(batch_atom_v, link_batch{}));
  takes(inbox, make_message(repair_atom_v, std::vector<storage::record>{}));
  takes(inbox, make_message(repair_atom_v, std::vector<device_id>{}));
  takes(inbox, make_message(ask_atom_v, admin_question{}));
  takes(inbox, make_message(sessions_atom_v, device_id::trusted("d")));
  takes(inbox, make_message(count_atom_v));
  takes(router, make_message(bind_atom_v, std::vector<storage::bind_request>{}));
  takes(router, make_message(unbind_atom_v, std::vector<storage::unbind_request>{}));
  takes(router, make_message(lookup_atom_v, std::vector<device_id>{}));
}

TEST_F(link_filter_test, takes_every_answer_of_the_protocol_and_drops_it_if_nobody_asked) {
  auto peer = adopted();
  auto takes = [&](const caf::message &what) {
    EXPECT_EQ(message(peer, asker, answer, what), verdict::pass) << to_string(what) << ": " << peer.why();
    EXPECT_EQ(message(peer, other, answer, what), verdict::drop) << to_string(what);
  };
  takes(make_message(hello_answer{}));
  takes(make_message(caf::pong_atom_v));
  takes(make_message(uint8_t{2}));
  takes(make_message(true));
  takes(make_message(std::vector<bind_answer>{}));
  takes(make_message(std::vector<lookup_answer>{}));
  takes(make_message(loop_info{}));
  takes(make_message(std::vector<session_info>{}));
  takes(make_message(admin_page{}));
  takes(make_message(caf::make_error(caf::sec::request_timeout)));
}

TEST_F(link_filter_test, takes_no_system_message_at_any_time) {
  auto address = caf::actor_addr{};
  const caf::message system_messages[] = {
      make_message(caf::exit_msg{address, caf::exit_reason::kill}),
      make_message(caf::down_msg{address, caf::exit_reason::kill}),
      make_message(caf::link_atom_v, caf::strong_actor_ptr{}),
      make_message(caf::unlink_atom_v, caf::strong_actor_ptr{}),
      make_message(caf::sys_atom_v, caf::get_atom_v, std::string{"info"}),
      make_message(caf::timeout_msg{}),
      make_message(caf::group_down_msg{}),
      make_message(caf::error{}),
      make_message(),
  };
  for (auto &what : system_messages)
    for (auto whom : {port, inbox, router, asker}) {
      auto first = greeted(), later = adopted(), dialled = greeted(true);
      for (auto *filter : {&first, &later, &dialled}) {
        EXPECT_EQ(message(*filter, whom, normal, what), verdict::forbidden) << to_string(what) << whom;
        EXPECT_EQ(message(*filter, whom, normal | 1, what), verdict::forbidden) << to_string(what) << whom;
      }
    }
}

// CAF 0.17.6 reads a message of a stream's category as a stream's, and follows a null pointer.
TEST_F(link_filter_test, takes_no_message_category_but_the_normal_one) {
  for (uint64_t category : {0, 2, 3}) {
    auto id = caf::message_id{normal | 1}.with_category(category).integer_value();
    auto first = greeted(), later = adopted();
    EXPECT_EQ(message(first, port, id, make_message(hello_atom_v, link_hello{})), verdict::forbidden);
    EXPECT_EQ(message(later, port, id, make_message(caf::ping_atom_v)), verdict::forbidden);
    EXPECT_EQ(message(later, asker, id | caf::message_id::response_flag_mask, make_message(true)),
              verdict::forbidden);
  }
  auto later = adopted();
  EXPECT_EQ(
      message(later, port, normal | 1 | caf::message_id::answered_flag_mask, make_message(caf::ping_atom_v)),
      verdict::forbidden);
}

TEST_F(link_filter_test, takes_a_single_hello_first_and_nothing_else) {
  auto filter = greeted();
  auto hello = make_message(hello_atom_v, link_hello{});
  EXPECT_EQ(message(filter, inbox, normal | 1, hello), verdict::forbidden);
  EXPECT_EQ(message(filter, port, normal | 1, make_message(caf::ping_atom_v)), verdict::forbidden);
  EXPECT_EQ(message(filter, inbox, normal, make_message(batch_atom_v, link_batch{})), verdict::forbidden);
  EXPECT_EQ(message(filter, asker, answer, make_message(true)), verdict::forbidden);
  EXPECT_EQ(message(filter, port, normal | 1, hello), verdict::pass);
  EXPECT_EQ(message(filter, port, normal | 1, hello), verdict::forbidden);
  filter.adopt();
  EXPECT_EQ(message(filter, port, normal | 1, hello), verdict::forbidden);
}

TEST_F(link_filter_test, takes_a_message_for_the_actors_it_is_meant_for_only) {
  auto peer = adopted();
  EXPECT_EQ(message(peer, router, normal, make_message(batch_atom_v, link_batch{})), verdict::forbidden);
  EXPECT_EQ(message(peer, inbox, normal, make_message(caf::ping_atom_v)), verdict::forbidden);
  EXPECT_EQ(message(peer, other, normal, make_message(batch_atom_v, link_batch{})), verdict::forbidden);
  EXPECT_EQ(message(peer, inbox, normal | 1, make_message(drain_atom_v)), verdict::forbidden);
  EXPECT_EQ(message(peer, inbox, normal, make_message(link_atom_v, link_news{})), verdict::forbidden);
  EXPECT_EQ(message(peer, inbox, answer, make_message(batch_atom_v, link_batch{})), verdict::forbidden);
}

TEST_F(link_filter_test, takes_no_named_receiver_and_drops_the_one_question_of_earlier_versions) {
  std::vector<caf::strong_actor_ptr> no_stages;
  auto question = bytes_of(no_stages, make_message(caf::sys_atom_v, caf::get_atom_v, std::string{"info"}));
  auto named = [&](link_filter &to, const char *name, const std::string &payload) {
    return send(
        to,
        {basp::message_type::direct_message, 1, 0, normal, 20, caf::atom_uint(caf::atom_from_string(name))},
        payload);
  };
  for (auto filter : {greeted(), adopted(), greeted(true)}) {
    EXPECT_EQ(named(filter, "SpawnServ", question), verdict::drop) << filter.why();
    EXPECT_EQ(named(filter, "ConfigServ", question), verdict::forbidden);
    EXPECT_EQ(named(filter, "SpawnServ", question + "x"), verdict::forbidden);
    question.back() = 'x';
    EXPECT_EQ(named(filter, "SpawnServ", question), verdict::forbidden);
    question.back() = 'o';
  }
}

TEST_F(link_filter_test, takes_no_forwarding_stack) {
  auto peer = adopted();
  auto payload = std::string{1} + node(2) + std::string(8, '\1') + bytes_of(make_message(caf::ping_atom_v));
  EXPECT_EQ(send(peer, {basp::message_type::direct_message, 0, 0, normal | 1, asker, port}, payload),
            verdict::forbidden);
}

TEST_F(link_filter_test, takes_neither_routed_messages_nor_heartbeats) {
  auto peer = adopted();
  EXPECT_EQ(send(peer, {basp::message_type::routed_message, 0, 0, normal, asker, port}, std::string(100, 0)),
            verdict::forbidden);
  EXPECT_EQ(send(peer, {basp::message_type::heartbeat, 0, 0, 0, 0, 0}, {}), verdict::forbidden);
}

TEST_F(link_filter_test, takes_notices_in_the_nodes_own_name_only) {
  auto monitor = basp::message_type::monitor_message, down = basp::message_type::down_message;
  auto reason = bytes_of(caf::make_error(caf::exit_reason::normal));
  auto first = greeted(), peer = adopted();
  EXPECT_EQ(notice(first, monitor, 0, port, node(2) + node(1)), verdict::pass);
  EXPECT_EQ(notice(first, monitor, 0, inbox, node(2) + node(1)), verdict::forbidden);
  EXPECT_EQ(notice(first, down, asker, 0, node(2) + node(1) + reason), verdict::forbidden);
  EXPECT_EQ(notice(peer, monitor, 0, other, node(2) + node(1)), verdict::pass);
  EXPECT_EQ(notice(peer, down, asker, 0, node(2) + node(1) + reason), verdict::pass);
  EXPECT_EQ(notice(peer, monitor, 0, inbox, node(3) + node(1)), verdict::forbidden);
  EXPECT_EQ(notice(peer, monitor, 0, inbox, node(2) + node(3)), verdict::forbidden);
  EXPECT_EQ(notice(peer, down, asker, 0, node(3) + node(1) + reason), verdict::forbidden);
  EXPECT_EQ(notice(peer, down, asker, 0, node(2) + node(1) + std::string(4096, 0)), verdict::malformed);
}

TEST_F(link_filter_test, takes_the_handshake_of_one_node_that_is_not_this_one) {
  auto filter = fresh();
  EXPECT_EQ(greet(filter, node(1)), verdict::forbidden) << "our own";
  filter = fresh();
  EXPECT_EQ(greet(filter, node(2)), verdict::pass);
  EXPECT_EQ(greet(filter, node(3)), verdict::forbidden);
  filter = greeted();
  EXPECT_EQ(greet(filter, node(2)), verdict::pass) << "CAF sends it twice";
  EXPECT_EQ(greet(filter, node(2)), verdict::malformed) << "but no more";
  filter = fresh();
  EXPECT_EQ(greet(filter, node(2) + "x"), verdict::malformed);
  filter = fresh(true);
  EXPECT_EQ(send(filter, {basp::message_type::client_handshake, 0, 0, 0, 0, 0}, node(2)), verdict::malformed);
  filter = fresh();
  EXPECT_EQ(message(filter, port, normal | 1, make_message(hello_atom_v, link_hello{})), verdict::malformed);
}

TEST_F(link_filter_test, bounds_a_message_by_what_the_connection_has_shown) {
  auto length = [&](link_filter &to, uint64_t whom, size_t size) {
    return to.header(bytes_of(
        basp::header{basp::message_type::direct_message, 0, static_cast<uint32_t>(size), normal, 0, whom}));
  };
  auto first = greeted(), peer = adopted();
  EXPECT_EQ(length(first, port, longest_first), verdict::pass);
  EXPECT_EQ(length(first, port, longest_first + 1), verdict::malformed);
  EXPECT_EQ(length(peer, inbox, longest), verdict::pass);
  EXPECT_EQ(length(peer, inbox, longest + 1), verdict::malformed);
  EXPECT_EQ(length(peer, inbox, 0), verdict::malformed);
}

// CAF reads an error's context by recursion: one that is long enough would end the process.
TEST_F(link_filter_test, bounds_an_error_that_holds_an_error) {
  auto peer = adopted();
  auto nested = caf::make_error(caf::sec::runtime_error);
  for (int i = 0; i < 300; ++i)
    nested = caf::make_error(caf::sec::runtime_error, nested);
  EXPECT_EQ(message(peer, asker, answer, make_message(nested)), verdict::malformed);
}

} // namespace

} // namespace stentor::actors::test

// SPDX-License-Identifier: Apache-2.0
#include "net/client/commands.hpp"

#include "net/client/blocking.hpp"
#include "tests/net/client/node_thread.hpp"

namespace stentor::net::client {
namespace {

class device_commands : public commands_fixture {};

TEST_F(device_commands, send_exits_by_the_verdict) {
  EXPECT_EQ(run_send(io_, who(), to("e")), exit_code::good);
  EXPECT_EQ(said(), "m1: written (7 us)\n");
  EXPECT_EQ(run_send(io_, who(), to("gone")), exit_code::not_delivered);
  EXPECT_EQ(said(), "m1: offline (7 us)\n");
  EXPECT_EQ(run_send(io_, who(), to("lost")), exit_code::unknown);
  EXPECT_EQ(run_send(io_, who(), to("wrong")), exit_code::not_delivered);
  EXPECT_EQ(run_send(io_, who(), to("drop")), exit_code::unknown);
}

TEST_F(device_commands, send_prints_json_for_machines_in_both_formats) {
  io_.json = true;
  for (auto f : {format::json, format::msgpack}) {
    auto as = who();
    as.encoding = f;
    EXPECT_EQ(run_send(io_, as, to("e", R"({"n":1})")), exit_code::good);
    EXPECT_EQ(
        said(),
        "{\"t\":\"verdict\",\"id\":\"m1\",\"verdict\":\"written\",\"us\":{\"total\":7,\"target\":0}}\n");
  }
}

TEST_F(device_commands, send_tells_what_is_wrong_before_it_connects) {
  EXPECT_EQ(run_send(io_, who(), to("a b")), exit_code::usage);
  auto message = to("e");
  message.want = "everything";
  EXPECT_EQ(run_send(io_, who(), message), exit_code::usage);
  auto as = who();
  as.device.clear();
  EXPECT_EQ(run_send(io_, as, to("e")), exit_code::usage);
  as = who();
  as.url = "wss://secure";
  EXPECT_EQ(run_send(io_, as, to("e")), exit_code::usage);
  EXPECT_NE(complained().find("TLS"), std::string::npos);
  as = who();
  as.encoding = format::msgpack;
  EXPECT_EQ(run_send(io_, as, to("e", "1e999")), exit_code::usage) << "has no image in MessagePack";
}

TEST_F(device_commands, send_tells_where_it_cannot_connect) {
  auto loop = std::move(*event_loop::make());
  auto as = who();
  as.url = "ws://" + to_string(closed_address(*loop));
  EXPECT_EQ(run_send(io_, as, to("e")), exit_code::cannot_connect);
}

TEST_F(device_commands, send_counts_a_refused_token_as_not_delivered) {
  node_.set_upgrade({401, "the token was refused"});
  EXPECT_EQ(run_send(io_, who(), to("e")), exit_code::not_delivered);
  EXPECT_NE(complained().find("the token was refused"), std::string::npos);
}

TEST_F(device_commands, connect_sends_lines_and_waits_for_what_is_owed) {
  for (auto f : {format::json, format::msgpack}) {
    auto as = who();
    as.encoding = f;
    EXPECT_EQ(typed("e hello\n\n/devices\ngone "
                    "x\n{\"t\":\"send\",\"id\":\"r\",\"to\":\"e\",\"data\":1}\n/nonsense\necho 42",
                    as),
              exit_code::good);
    EXPECT_EQ(said(), "connected as d, account a\nm1: written (7 us)\nconnected: d e\nm2: offline (7 us)\n"
                      "r: written (7 us)\necho: 42\nm3: written (7 us)\n");
    EXPECT_NE(complained().find("lines are:"), std::string::npos);
  }
}

TEST_F(device_commands, connect_stops_at_quit) {
  EXPECT_EQ(typed("/quit\ne hello\n", who()), exit_code::good);
  EXPECT_EQ(said().find("m1"), std::string::npos);
}

TEST_F(device_commands, connect_tells_how_the_node_ended_it) {
  node_.set_on_open([](auto &peer) {
    peer.welcome("s");
    peer.socket->close(close_code::superseded, "superseded", "newer \x1b[31m");
  });
  EXPECT_EQ(typed("", who()), exit_code::unknown);
  EXPECT_EQ(complained(), "stentorctl: the connection ended, code 4100: newer  [31m\n");
}

// -- blocking clients ----

class blocking_test : public commands_fixture {
protected:
  std::unique_ptr<blocking_device> open() {
    device_options options;
    auto url = *parse_url(node_.device_url(), "ws", 1);
    options.at = *resolve(url.host, url.port);
    options.host = url.authority();
    auto made = blocking_device::connect(options);
    EXPECT_TRUE(made) << render(made.error());
    return made ? std::move(*made) : nullptr;
  }
};

TEST_F(blocking_test, waits_for_the_kind_of_frame_that_is_wanted) {
  auto device = open();
  client_frame ask;
  ask.type = client_frame::kind::devices;
  ASSERT_TRUE(device->send(ask));
  auto frame = device->next(server_frame::kind::devices, std::chrono::seconds{10});
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->devices, (std::vector<std::string>{"d", "e"}));
  auto none = device->next(std::chrono::milliseconds{0});
  EXPECT_EQ(none.error(), errc::timed_out);
  EXPECT_EQ(device->close().how, client_end::kind::closed);
  EXPECT_FALSE(device->send(ask));
  EXPECT_EQ(device->next(std::chrono::milliseconds{0}).error(), errc::io);
}

TEST_F(blocking_test, keeps_the_frames_that_came_before_the_end) {
  node_.set_on_open([](auto &peer) {
    peer.welcome("one");
    peer.welcome("two");
    peer.socket->close(close_code::recycled, "recycled", "");
  });
  auto device = open();
  auto end = device->wait_end(std::chrono::seconds{10});
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(end->code, close_code::recycled);
  EXPECT_EQ(device->next(std::chrono::milliseconds{0})->session, "one");
  EXPECT_EQ(device->next(std::chrono::milliseconds{0})->session, "two");
  EXPECT_EQ(device->next(std::chrono::milliseconds{0}).error(), errc::io);
}

} // namespace
} // namespace stentor::net::client

// SPDX-License-Identifier: Apache-2.0
#include "net/client/commands.hpp"

#include "tests/net/client/node_thread.hpp"

namespace stentor::net::client {
namespace {

class cluster_commands : public commands_fixture {};

TEST_F(cluster_commands, device_puts_the_record_beside_the_sessions) {
  auto run = [this] { return run_device(io_, api(), "d"); };
  auto start = "GET /v1/admin/devices/d HTTP/1.1\r\n";
  auto session = R"({"node":"n","session":"0.1.2","epoch":18,"state":"live","age_ms":35040,"heard_ms":2000,)"
                 R"("unsent":1,"unacked":2,"owed":3})";
  auto record = R"("record":{"node":"n","account":"a","epoch":18})";
  auto body = std::string{R"({"device":"d","word":"match",)"} + record + R"(,"sessions":[)" + session + "]}";
  EXPECT_EQ(with_page(start, page(200, body), run), exit_code::good);
  EXPECT_EQ(said(),
            "d: match, connected to n, account a, epoch 18\n"
            "  session 0.1.2 on n: live, epoch 18, since 35 s, heard 2 s ago, 1 unsent, 2 unacked, 3 owed\n");
  EXPECT_EQ(with_page(start, page(200, R"({"word":"absent","sessions":[],"silent":[]})"), run),
            exit_code::not_delivered);
  EXPECT_EQ(said(), "d: not connected\n");
  body = std::string{R"({"word":"unknown",)"} + record + R"(,"silent":["n",7]})";
  EXPECT_EQ(with_page(start, page(200, body), run), exit_code::unknown);
  EXPECT_EQ(said(), "d: unknown, the record names n, account a, epoch 18\n  no answer from n\n");
  EXPECT_EQ(with_page(start, page(200, R"({"word":"orphan"})"), run), exit_code::unknown);
  EXPECT_EQ(said(), "d: orphan, no record\n");
  EXPECT_EQ(with_page(start, page(503, R"({"error":{"message":"away"}})"), run), exit_code::not_delivered);
  EXPECT_EQ(with_page(start, page(200, std::string(5000, '[')), run), exit_code::unknown);
}

TEST_F(cluster_commands, nodes_are_a_table_with_the_view_of_the_asked_one) {
  node_.set_pages(
      {{"GET /v1/admin/nodes ",
        page(200,
             R"({"node":"a","ready":false,"why":"draining","outage":true,"fenced":false,"nodes":[)"
             R"({"node":"a","state":"draining","lease_left_ms":4200,"link":"self","slots":0,"answered":true,)"
             R"("connections":7},{"node":"b","state":"late","lease_left_ms":-300,"link":"up","link_epoch":2,)"
             R"("round_trip_us":350,"slots":4096,"answered":false}]})")}});
  EXPECT_EQ(run_nodes(io_, api()), exit_code::good);
  auto text = said();
  EXPECT_NE(text.find("a                draining     4.2 s   self      -           -      0        7\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("2      350 us   4096   silent\n"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("as a sees it; not ready: draining; the directory is unreachable\n")) << text;
}

TEST_F(cluster_commands, slots_ask_for_what_was_meant) {
  node_.set_pages(
      {{"GET /v1/admin/slots?slot=7 ", page(200, R"({"slot":7,"node":"b"})")},
       {"GET /v1/admin/slots?device=a%2Fb ", page(400, R"({"error":{"message":"bad id"}})")},
       {"GET /v1/admin/slots?without=b ",
        page(200, R"({"without":"b","moves":2000,"to":[{"node":"a","slots":2000,"self":true}]})")},
       {"GET /v1/admin/slots ", page(200, R"({"owners":[{"node":"a","slots":4096,"self":true}]})")}});
  EXPECT_EQ(run_slots(io_, api(), {.number = 7, .device = {}, .without = {}}), exit_code::good);
  EXPECT_EQ(said(), "slot 7: b\n");
  EXPECT_EQ(run_slots(io_, api(), {.number = {}, .device = "a/b", .without = {}}), exit_code::not_delivered);
  EXPECT_EQ(said(), "");
  EXPECT_EQ(run_slots(io_, api(), {.number = {}, .device = {}, .without = "b"}), exit_code::good);
  EXPECT_EQ(said(), "without b 2000 of 4096 slots move\na                 2000  (asked)\n");
  EXPECT_EQ(run_slots(io_, api(), {}), exit_code::good);
  EXPECT_EQ(said(), "a                 4096  (asked)\n");
}

TEST_F(cluster_commands, drain_names_the_node_and_the_time) {
  auto run = [this] { return run_drain(io_, api(), "b", "30s"); };
  auto start = "POST /v1/admin/drain?node=b&over=30s HTTP/1.1\r\n";
  EXPECT_EQ(with_page(start, page(202, R"({"node":"b","draining":true})"), run), exit_code::good);
  EXPECT_EQ(said(), "b: draining; it will stop by itself\n");
  EXPECT_EQ(with_page(start, page(404, R"({"error":{"message":"no link"}})"), run), exit_code::not_delivered);
  EXPECT_EQ(complained(), "stentorctl: status 404: no link\n");
  EXPECT_EQ(with_page(start, page(504, R"({"error":{"message":"late"}})"), run), exit_code::unknown);
}

} // namespace
} // namespace stentor::net::client

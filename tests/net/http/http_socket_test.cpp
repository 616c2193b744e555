// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_socket.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

namespace stentor::net {
namespace {

using namespace std::chrono_literals;

// Ahead of every timer wheel, which starts at the real time; from there only `pass` moves it.
time_point at = std::chrono::steady_clock::now() + std::chrono::hours{24};
time_point test_clock() {
  return at;
}

/// One HTTP connection over a socket pair, on a loop the test drives by hand.
struct rig final : http_events, http_observer {
  limits lim;
  http_service service{lim};
  std::unique_ptr<event_loop> loop = std::move(*event_loop::make());
  int peer = -1;
  std::unique_ptr<http_socket> socket;
  std::string log;
  std::vector<int> refusals;
  size_t answers = 0;

  rig() {
    service.observer = this;
    loop->set_clock(&test_clock);
    turn();
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    peer = fds[0];
    socket = std::make_unique<http_socket>(*loop, fds[1], *this, service);
    EXPECT_TRUE(socket->open());
  }
  ~rig() override {
    socket.reset();
    if (peer >= 0)
      close(peer);
  }

  void on_answer(int) override { ++answers; }
  void on_refusal(const http_problem &why) override { refusals.push_back(why.status); }
  http_plan on_headers(const http_request &) override { return http_plan::whole(1000); }
  void on_request(const http_request &request) override {
    log += std::string{request.path()} + "[" + std::string{request.body()} + "]";
    if (request.path() == "/now")
      socket->respond(200, "text/plain", "done");
    if (request.path() == "/large")
      socket->respond(200, "text/plain", std::string(10000, 'x'));
  }
  size_t on_body(std::string_view piece) override { return piece.size(); }
  void on_body_end(const http_problem *) override {}
  void on_http_end(bool answering) override {
    log += answering ? "end while answering" : "end";
    socket.reset();
  }

  void send(std::string_view bytes) {
    EXPECT_EQ(::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    turn();
  }
  void turn() {
    for (int i = 0; i < 3; ++i)
      loop->run_turn(0ms);
  }
  /// Pipelines as much as the node takes, without reading an answer; the bytes that went in.
  size_t flood(std::string_view request) {
    std::string block;
    while (block.size() < 60000)
      block += request;
    size_t sent = 0;
    for (int idle = 0; idle < 3; turn()) {
      auto n = ::send(peer, block.data() + sent % request.size(), block.size() - sent % request.size(),
                      MSG_NOSIGNAL);
      idle = n > 0 ? 0 : idle + 1;
      sent += n > 0 ? static_cast<size_t>(n) : 0;
      if (sent > size_t{64} << 20)
        return sent;
    }
    return sent;
  }
  /// Lets time pass, in turns as a loop would.
  void pass(std::chrono::milliseconds time) {
    for (auto end = at + time; at < end;) {
      at += std::min<duration>(500ms, end - at);
      turn();
    }
  }

  /// What the peer got: everything there is now, with "<eof>" where the stream ended.
  std::string received() {
    std::string all;
    char buffer[4096];
    for (;;) {
      auto n = recv(peer, buffer, sizeof buffer, 0);
      if (n == 0)
        return all + "<eof>";
      if (n < 0)
        return all;
      all.append(buffer, static_cast<size_t>(n));
    }
  }
};

TEST(http_socket, answers_over_a_kept_connection) {
  rig r;
  r.send("POST /now HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
  auto first = r.received();
  EXPECT_TRUE(first.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << first;
  EXPECT_TRUE(first.ends_with("Content-Length: 4\r\n\r\ndone")) << first;
  r.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(r.received().ends_with("done"));
  EXPECT_EQ(r.log, "/now[hi]/now[]");
}

TEST(http_socket, answers_pipelined_requests_in_one_send) {
  rig r;
  r.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\nGET /now HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(r.loop->counters().sends, 1u);
  EXPECT_EQ(r.log, "/now[]/now[]");
}

TEST(http_socket, gives_a_slow_head_ten_seconds_then_408) {
  rig r;
  r.send("GET /now");
  r.pass(9s);
  r.send(" HTTP/1.1\r\n"); // a byte now and then buys no time
  EXPECT_EQ(r.received(), "");
  r.pass(2s);
  auto got = r.received();
  EXPECT_TRUE(got.starts_with("HTTP/1.1 408 ")) << got;
  EXPECT_TRUE(got.ends_with("<eof>")) << got;
}

TEST(http_socket, gives_a_slow_body_thirty_seconds_then_408) {
  rig r;
  r.send("POST /now HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nh");
  r.pass(29s);
  EXPECT_EQ(r.received(), "");
  r.pass(2s);
  EXPECT_TRUE(r.received().starts_with("HTTP/1.1 408 "));
}

TEST(http_socket, closes_an_idle_connection_silently) {
  rig r;
  r.pass(74s);
  EXPECT_EQ(r.received(), "");
  r.pass(2s);
  EXPECT_EQ(r.received(), "<eof>");
}

TEST(http_socket, waits_for_its_handler_without_a_limit_of_its_own) {
  rig r;
  r.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  r.pass(300s);
  EXPECT_EQ(r.received(), "");
  r.socket->respond(200, "text/plain", "late");
  r.turn();
  EXPECT_TRUE(r.received().ends_with("late"));
}

TEST(http_socket, tells_whether_an_answer_was_lost_with_the_peer) {
  rig busy;
  busy.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  close(busy.peer);
  busy.peer = -1;
  busy.turn();
  EXPECT_EQ(busy.log, "/later[]end while answering");
  rig idle;
  close(idle.peer);
  idle.peer = -1;
  idle.turn();
  EXPECT_EQ(idle.log, "end");
}

TEST(http_socket, ends_after_the_last_answer_was_taken) {
  rig r;
  r.send("GET /now HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(r.received().ends_with("done<eof>"));
  close(r.peer);
  r.peer = -1;
  r.turn();
  EXPECT_EQ(r.log, "/now[]end");
}

TEST(http_socket, cuts_off_a_peer_that_does_not_take_its_answer) {
  rig r;
  r.send("GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
  r.socket->begin_stream(200, "text/plain");
  for (int i = 0; i < 64; ++i)
    r.socket->write_chunk(std::string(64 * 1024, 'x'));
  r.turn();
  EXPECT_GT(r.socket->unsent_bytes(), 0u);
  r.pass(100s);
  EXPECT_EQ(r.log, "/later[]end while answering");
}

TEST(http_socket, makes_no_answers_for_a_peer_that_reads_none) {
  for (std::string path : {"/now", "/large"}) {
    rig one;
    auto sent = one.flood("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_LT(sent, size_t{4} << 20) << path << ": what the kernel holds, and one read";
    EXPECT_LE(one.socket->unsent_bytes(), one.lim.max_unsent_answers + 11000) << path;
    EXPECT_FALSE(one.socket->is_reading()) << path;
  }
}

TEST(http_socket, continues_with_pipelined_requests_once_the_answers_are_read) {
  rig r;
  auto request = std::string{"GET /large HTTP/1.1\r\nHost: h\r\n\r\n"};
  auto sent = r.flood(request);
  auto whole = sent / request.size();
  auto before = r.answers;
  EXPECT_LT(before, whole);
  for (int i = 0; i < 20000 && r.answers < whole; ++i) {
    r.received();
    r.turn();
  }
  EXPECT_EQ(r.answers, whole);
  EXPECT_TRUE(r.refusals.empty());
}

TEST(http_socket, cuts_off_a_peer_that_reads_nothing_or_trickles) {
  for (size_t trickle : {size_t{0}, size_t{100}}) {
    rig r;
    r.flood("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
    for (int i = 0; i < 70 && r.socket; ++i) {
      std::string some(trickle, '\0');
      if (trickle > 0)
        EXPECT_GT(recv(r.peer, some.data(), some.size(), 0), 0);
      r.pass(1s);
    }
    EXPECT_EQ(r.log.substr(r.log.size() - 3), "end") << trickle;
    EXPECT_EQ(r.refusals, std::vector<int>{408}) << trickle;
  }
}

TEST(http_socket, leaves_a_slow_but_steady_reader_alone) {
  rig r;
  r.flood("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  std::string some(r.lim.least_answers_taken / 2, '\0');
  for (int i = 0; i < 200; ++i) {
    ASSERT_GT(recv(r.peer, some.data(), some.size(), 0), 0);
    r.pass(1s);
    ASSERT_TRUE(r.socket) << i;
  }
  EXPECT_TRUE(r.refusals.empty());
}

} // namespace
} // namespace stentor::net

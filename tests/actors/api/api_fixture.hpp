// SPDX-License-Identifier: Apache-2.0
// An `api` whose host is the test: messages and questions wait in lists until the test answers them, and
// back ends are socket pairs. One loop, driven by hand.
#pragma once

#include "actors/api/api.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace stentor::actors {

class api_rig : public api_host {
public:
  explicit api_rig(api_access access = {true, {}, {}}) { restart(std::move(access)); }
  ~api_rig() override {
    back_end_api.reset();
    for (auto fd : peers)
      if (fd >= 0)
        close(fd);
  }

  void restart(api_access access) { back_end_api = std::make_unique<api>(*this, lim, std::move(access)); }

  struct sent {
    envelope_ptr message;
    uint64_t ticket;
  };
  struct question {
    std::string what;
    uint64_t ticket;
  };

  limits lim;
  std::unique_ptr<net::event_loop> loop = std::move(*net::event_loop::make());
  std::deque<sent> messages;
  std::deque<question> questions;
  admin_question asked; ///< the operator's latest
  const char *not_ready_because = nullptr;
  bool settles_at_once = false; ///< `submit` answers `written` inside itself
  std::unique_ptr<api> back_end_api;
  std::vector<int> peers;
  std::array<int, verdict_count> refused{};
  std::map<std::string, int> rejected;
  std::map<int, int> answers;
  size_t open_connections = 0;

  // -- api_host ----
  net::event_loop &io() override { return *loop; }
  message_id next_message_id() override { return {0, ++ids_}; }
  void submit(envelope_ptr e, uint64_t ticket) override {
    messages.push_back({std::move(e), ticket});
    if (settles_at_once)
      back_end_api->on_outcome(ticket, written(), 9);
  }
  void find_device(const device_id &device, uint64_t ticket) override {
    questions.push_back({"device " + device.str(), ticket});
  }
  void find_devices(const account_id &account, uint64_t ticket) override {
    questions.push_back({"account " + account.str(), ticket});
  }
  void top_actors(uint32_t most, uint64_t ticket) override {
    questions.push_back({"actors " + std::to_string(most), ticket});
  }
  void admin(const admin_question &what, uint64_t ticket) override {
    asked = what;
    questions.push_back({"admin " + what.subject, ticket});
  }
  void metrics(uint64_t ticket) override { questions.push_back({"metrics", ticket}); }
  const char *not_ready() const override { return not_ready_because; }
  void count_refused(verdict v, want) override { ++refused[static_cast<size_t>(v)]; }
  void count_rejected(const char *reason) override { ++rejected[reason]; }
  void count_bad_key() override { ++rejected["api_key"]; }
  void count_answer(int status) override { ++answers[status]; }
  void count_connections(size_t open) override { open_connections = open; }

  // -- the test's side ----
  static outcome written() {
    outcome x;
    x.what = verdict::written;
    x.by = {node_id::trusted("n1"), 5};
    return x;
  }
  static outcome of(verdict v) {
    outcome x;
    x.what = v;
    return x;
  }
  /// Answers the oldest message.
  void settle(const outcome &result) {
    ASSERT_FALSE(messages.empty());
    auto first = std::move(messages.front());
    messages.pop_front();
    back_end_api->on_outcome(first.ticket, result, 9);
    turn();
  }

  /// A back end's connection; its number.
  size_t connect() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    peers.push_back(fds[0]);
    back_end_api->accept(fds[1]);
    turn();
    return peers.size() - 1;
  }
  void hang_up(size_t peer) {
    close(peers[peer]);
    peers[peer] = -1;
    turn();
  }
  void send(std::string_view bytes, size_t peer = 0) {
    while (!bytes.empty()) {
      auto n = ::send(peers[peer], bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_TRUE(n > 0 || errno == EAGAIN);
      if (n > 0)
        bytes.remove_prefix(static_cast<size_t>(n));
      turn();
    }
  }
  /// What the back end got: everything there is, "<eof>" where the stream ended.
  std::string received(size_t peer = 0) {
    std::string all;
    char buffer[65536];
    for (int idle = 0; idle < 3;) {
      auto n = recv(peers[peer], buffer, sizeof buffer, 0);
      if (n == 0)
        return all + "<eof>";
      if (n < 0)
        ++idle;
      else
        all.append(buffer, static_cast<size_t>(n));
      turn();
    }
    return all;
  }
  void turn() {
    for (int i = 0; i < 4; ++i)
      loop->run_turn(std::chrono::milliseconds{0});
  }

private:
  uint64_t ids_ = 0;
};

inline std::string http(std::string_view method, std::string_view target, std::string_view body = {},
                        std::string_view headers = {}) {
  return std::string{method} + " " + std::string{target} + " HTTP/1.1\r\nHost: h\r\n" + std::string{headers} +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

inline int status_of(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(std::string{answer.substr(9, 3)}) : 0;
}

/// Behind the head; chunks joined.
inline std::string body_of(std::string_view answer) {
  auto end = answer.find("\r\n\r\n");
  if (end == answer.npos)
    return "no head";
  auto head = answer.substr(0, end);
  auto body = answer.substr(end + 4);
  if (head.find("Transfer-Encoding: chunked") == head.npos)
    return std::string{body};
  std::string all;
  for (;;) {
    auto line = body.find("\r\n");
    if (line == body.npos)
      return all + "<cut>";
    auto size = std::stoul(std::string{body.substr(0, line)}, nullptr, 16);
    if (size == 0)
      return all;
    all += body.substr(line + 2, size);
    body.remove_prefix(line + 2 + size + 2);
  }
}

/// `us` and `id` vary: cut out, so that answers can be compared.
inline std::string without_times(std::string text) {
  for (size_t at; (at = text.find(",\"us\":{")) != text.npos;)
    text.erase(at, text.find('}', at) + 1 - at);
  for (size_t at; (at = text.find("\"id\":\"")) != text.npos;)
    text.erase(at, 6 + message_id_chars + 2);
  return text;
}

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
// The device edge without actors: a WebSocket server that sends every message back, for conformance suites
// and foreign clients. One loop, one thread; prints its address; ends on SIGTERM or SIGINT.
#include "cluster/errc.hpp"
#include "net/listener.hpp"
#include "net/websocket/device_socket.hpp"

#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <unordered_map>

#include <unistd.h>

namespace {

using namespace stentor;
using namespace stentor::net;

volatile std::sig_atomic_t stop_asked = 0;

class echo_server;

/// One connection; destroyed by its server after its end.
class echo_connection final : public device_events {
public:
  echo_connection(echo_server &server, int fd);
  bool start() { return socket_.start(); }
  void stop() { socket_.close(close_code::going_away, "stop", "the server stops"); }

private:
  upgrade_answer on_upgrade(const upgrade_request &request) override {
    upgrade_answer answer;
    answer.chosen = request.wanted.value_or(format::json);
    return answer;
  }
  void on_open() override { socket_.accept_any_type(); }
  void on_message(std::span<char> body) override {
    std::array<char, 10> space;
    frame_.assign(frame_header(socket_.last_kind(), body.size(), space));
    frame_.append(body.data(), body.size());
    socket_.send_encoded(frame_, false);
    if (frame_.capacity() > 64 * 1024)
      frame_ = {};
  }
  void on_frames_written(size_t) override {}
  void on_device_end(const device_end &) override;

  echo_server &server_;
  device_socket socket_;
  std::string frame_;
};

class echo_server final : public accept_events {
public:
  echo_server(event_loop &l, limits lim) : loop{l}, settings{lim} {}

  void on_accepted(int fd, const socket_address &) override {
    auto c = std::make_unique<echo_connection>(*this, fd);
    if (auto *raw = c.get(); raw->start())
      connections_.emplace(raw, std::move(c));
  }
  void on_accept_trouble(int error) override { std::fprintf(stderr, "accept: error %d\n", error); }
  void remove(echo_connection *c) { connections_.erase(c); }
  void stop() {
    for (auto &[c, owner] : connections_)
      c->stop(); // never ends it inside the call
  }
  bool is_empty() const { return connections_.empty(); }

  event_loop &loop;
  const limits settings;

private:
  std::unordered_map<echo_connection *, std::unique_ptr<echo_connection>> connections_;
};

echo_connection::echo_connection(echo_server &server, int fd)
    : server_{server}, socket_{server.loop, fd, *this, server.settings} {}

void echo_connection::on_device_end(const device_end &) {
  server_.remove(this);
}

int usage() {
  std::fputs("usage: echo_server [--listen host:port] [--max-bytes N]\n", stderr);
  return 2;
}

int fail(const caf::error &error) {
  std::fprintf(stderr, "echo_server: %s\n", render(error).c_str());
  return 1;
}

} // namespace

int main(int argc, char **argv) {
  std::string_view listen = "127.0.0.1:0";
  size_t max_bytes = 32 * 1024 * 1024;
  for (int i = 1; i < argc; i += 2) {
    std::string_view flag = argv[i];
    if (i + 1 == argc)
      return usage();
    std::string_view value = argv[i + 1];
    if (flag == "--listen") {
      listen = value;
    } else if (flag != "--max-bytes" ||
               std::from_chars(value.data(), value.data() + value.size(), max_bytes).ec != std::errc{}) {
      return usage();
    }
  }
  auto on_signal = [](int) { stop_asked = 1; };
  std::signal(SIGTERM, on_signal);
  std::signal(SIGINT, on_signal);

  limits lim;
  lim.max_frame_bytes = max_bytes;
  lim.max_cork_bytes = 4 * max_bytes;
  auto address = parse_address(listen);
  if (!address)
    return fail(address.error());
  if (auto error = probe_address(*address))
    return fail(error);
  auto loop = event_loop::make();
  if (!loop)
    return fail(loop.error());
  echo_server server{**loop, lim};
  auto listener = listener::make(**loop, *address, server.settings, server);
  if (!listener)
    return fail(listener.error());
  std::printf("ws://%s/\n", to_string((*listener)->local_address()).c_str());
  std::fflush(stdout);

  while (!stop_asked)
    (*loop)->run_turn(std::chrono::milliseconds{1000});
  (*listener)->pause();
  server.stop();
  while (!server.is_empty()) // each ends within twice the linger time
    (*loop)->run_turn(std::chrono::milliseconds{1000});
  return 0;
}

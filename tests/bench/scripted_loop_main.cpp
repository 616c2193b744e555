// SPDX-License-Identifier: Apache-2.0
// scripted_loop: a node and its clients in one thread, turn by turn, so that every run executes nearly the
// same instructions. scripts/instructions runs it under callgrind, which counts from `begin_measuring` on
// what happens inside `server_step`: the loop's turn and the actors it woke, never the clients. The clock is
// that of the tests' fixture. All of it is in this file, to be copied into an older checkout for a
// comparison.
#include "actors/api/api_actor.hpp"
#include "actors/session/connection.hpp"
#include "net/client/upgrade_text.hpp"
#include "net/token.hpp"
#include "tests/actors/node_fixture.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>

#include <sys/socket.h>
#include <unistd.h>

using namespace stentor;
using actors::test::node;

// -- what callgrind looks for, by name; never inlined ----

extern "C" {
/// The only function whose instructions count: one turn, or the arrival of a connection.
[[gnu::noinline]] void server_step(node &n, void (*arrival)(node &, int), int fd) {
  if (arrival)
    return arrival(n, fd);
  n.turn(0);
  n.run_actors();
}
/// Callgrind sets its counters to zero here.
[[gnu::noinline]] void begin_measuring() {
  asm volatile("" ::: "memory");
}
}

namespace {

constexpr uint32_t devices = 64;          // in 32 pairs, as two devices of an account
constexpr uint32_t back_ends = 16;        // keep-alive connections of `push`, as in stentor-bench
constexpr uint32_t arrivals = 16;         // connections of a round of `connect`
constexpr uint32_t names = 2048;          // of `connect`: a name returns long after its session has ended
constexpr size_t payload_bytes = 128;     // as in stentor-bench
constexpr uint32_t mask = 0x693c175a;     // constant, as is the key of the handshake
constexpr int most_steps = 16;            // of a round; it needs a few
constexpr size_t read_bytes = 256 * 1024; // more than a round brings on one connection
constexpr std::string_view handshake_key = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view end_of_head = "\r\n\r\n";
const net::token_key key{"bench", net::token_algorithm::hs256, std::string(48, 'k')};
const std::string payload = "\xd9\x80" + std::string(payload_bytes, 'x'); // MessagePack: str 8 of 128

/// Ends the run if it does not go by the script: the figures would be of something else.
void expect(bool good, const std::string &text) {
  if (good)
    return;
  std::fprintf(stderr, "scripted_loop: %s\n", text.c_str());
  std::exit(1);
}

// -- connections: socket pairs, handed over as the listeners would ----

void take_device(node &n, int fd) {
  actors::make_hosted<actors::connection>(n.system(), n.at(0), n.at(0), n.at(0).parts().services, fd)
      ->start();
}
void take_back_end(node &n, int fd) {
  n.at(0).parts().api->accept(fd);
}

/// The client's end.
int connect_to(node &n, void (*arrival)(node &, int)) {
  int ends[2];
  auto made = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
  expect(made == 0, "no socket pair");
  server_step(n, arrival, ends[0]);
  return ends[1];
}

void send_all(int fd, std::string_view bytes) {
  auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  expect(sent == static_cast<ssize_t>(bytes.size()), "a socket takes less than a round sends");
}

/// What there is, in a buffer with slack for parsers; valid until the next call.
std::span<char> receive_all(int fd) {
  static std::vector<char> buffer(read_bytes + net::frame_reader::read_slack);
  auto got = ::recv(fd, buffer.data(), read_bytes, 0);
  return {buffer.data(), got > 0 ? static_cast<size_t>(got) : 0};
}

// -- devices ----

std::string device_name(uint32_t index) {
  char name[16];
  std::snprintf(name, sizeof name, "m%06u", index);
  return name;
}

/// By index; two neighbours share an account.
std::vector<std::string> device_tokens(uint32_t count) {
  std::vector<std::string> tokens;
  auto now = static_cast<int64_t>(std::time(nullptr));
  for (uint32_t i = 0; i < count; ++i) {
    auto account = account_id::trusted("a-" + device_name(i & ~1u));
    auto token =
        net::sign_token(key, {device_id::trusted(device_name(i)), account, now + 24 * 3600, nullptr}, now);
    expect(token.engaged(), "no token can be signed");
    tokens.push_back(std::move(*token));
  }
  return tokens;
}

class peer final : net::frame_sink {
public:
  peer(node &n, const std::string &token) : fd_{connect_to(n, take_device)} {
    net::client::device_options who;
    who.host = "localhost";
    who.encoding = format::msgpack;
    who.token = token;
    auto request = net::client::upgrade_text(who, handshake_key);
    expect(request.engaged(), "no upgrade request");
    send_all(fd_, *request);
  }
  ~peer() override { ::close(fd_); }
  peer(const peer &) = delete;
  peer &operator=(const peer &) = delete;

  /// `count` messages to a device, in one system call.
  void send(const std::string &to, uint32_t count, want wants) {
    std::string bytes, body;
    for (uint32_t i = 0; i < count; ++i) {
      char id[17];
      std::snprintf(id, sizeof id, "%016llx", number_++);
      net::client_frame frame;
      frame.id = id;
      frame.to_device = to;
      frame.wants = wants;
      frame.data = payload;
      body.clear();
      net::encode(format::msgpack, body, frame);
      net::append_masked_frame(bytes, net::opcode::binary, body, mask);
    }
    send_all(fd_, bytes);
  }
  void close() {
    std::string bytes;
    net::append_masked_frame(bytes, net::opcode::close, net::close_body(net::close_code::normal, {}), mask);
    send_all(fd_, bytes);
  }
  void read() {
    auto bytes = receive_all(fd_);
    if (!upgraded_ && !bytes.empty()) {
      std::string_view head{bytes.data(), bytes.size()};
      auto end = head.find(end_of_head);
      expect(head.starts_with("HTTP/1.1 101") && end != head.npos, "an upgrade was refused");
      bytes = bytes.subspan(end + end_of_head.size());
      upgraded_ = true;
    }
    expect(!reader_.feed(bytes, *this), "a frame does not parse");
  }

  bool is_welcome() const noexcept { return welcome_; }
  bool is_closed() const noexcept { return closed_; }
  uint64_t messages() const noexcept { return messages_; }
  uint64_t verdicts() const noexcept { return verdicts_; } ///< all `written`

private:
  bool on_message(net::opcode, std::span<char> body) override {
    auto frame = net::decode_server_frame(format::msgpack, {body.data(), body.size()});
    expect(frame.engaged(), "a frame of the server does not parse");
    using kind = net::server_frame::kind;
    auto is_verdict = frame->type == kind::verdict && frame->result == verdict::written;
    expect(is_verdict || frame->type == kind::welcome || frame->type == kind::msg,
           "an unexpected frame: " + frame->code + frame->reason + frame->message);
    welcome_ = welcome_ || frame->type == kind::welcome;
    messages_ += frame->type == kind::msg;
    verdicts_ += is_verdict;
    return true;
  }
  bool on_control(net::opcode kind, std::span<char>) override {
    closed_ = closed_ || kind == net::opcode::close;
    return true;
  }

  int fd_;
  net::frame_reader reader_{net::frame_reader::role::client, read_bytes};
  bool upgraded_ = false, welcome_ = false, closed_ = false;
  unsigned long long number_ = 0;
  uint64_t messages_ = 0, verdicts_ = 0;
};

using peers = std::vector<std::unique_ptr<peer>>;

void step(node &n) {
  server_step(n, nullptr, -1);
}

/// Turns until all of `who` are as they should be.
void step_until(node &n, const peers &who, const std::function<bool(peer &)> &is_done) {
  for (int i = 0; i < most_steps; ++i) {
    step(n);
    for (auto &one : who)
      one->read();
    if (std::all_of(who.begin(), who.end(), [&](auto &one) { return is_done(*one); }))
      return;
  }
  expect(false, "a round never ends");
}

peers welcome_all(node &n, std::span<const std::string> tokens) {
  peers who;
  for (auto &token : tokens)
    who.push_back(std::make_unique<peer>(n, token));
  step_until(n, who, [](peer &one) { return one.is_welcome(); });
  return who;
}

// -- the scenarios: each call is a round and returns how many messages it was ----

/// Devices in pairs, both directions, `window` in flight each.
auto d2d(node &n, uint32_t window, want wants) {
  return [&n, who = welcome_all(n, device_tokens(devices)), window, wants, sent = uint64_t{0}]() mutable {
    for (uint32_t i = 0; i < devices; ++i)
      who[i]->send(device_name(i ^ 1), window, wants);
    sent += window;
    auto verdicts = wants == want::none ? 0 : sent;
    step_until(n, who, [&](peer &x) { return x.messages() == sent && x.verdicts() == verdicts; });
    actors::test::leap(std::chrono::milliseconds{1});
    return uint64_t{devices} * window;
  };
}

/// Devices come with their tokens, get their welcome and leave again.
auto connect(node &n) {
  return [&n, tokens = device_tokens(names), next = uint32_t{0}]() mutable {
    {
      auto who = welcome_all(n, std::span{tokens}.subspan(next, arrivals));
      next = (next + arrivals) % names;
      for (auto &one : who)
        one->close();
      step_until(n, who, [](peer &one) { return one.is_closed(); });
    }
    step(n); // their sockets are closed
    // Sessions wait for their devices for 30 s: those of 30 rounds before end now.
    actors::test::leap(std::chrono::seconds{1});
    step(n);
    return uint64_t{arrivals};
  };
}

/// Whether the answer to a push is there.
bool take_answer(int fd) {
  auto bytes = receive_all(fd);
  std::string_view text{bytes.data(), bytes.size()};
  expect(text.empty() || (text.starts_with("HTTP/1.1 200") && text.find("written") != text.npos),
         "a push was not written");
  return !text.empty();
}

/// Back ends push over HTTP, one request in flight each, to the devices in turn; each waits for `written`.
auto push(node &n) {
  std::vector<int> callers; // open until the process ends
  for (uint32_t i = 0; i < back_ends; ++i)
    callers.push_back(connect_to(n, take_back_end));
  return [&n, callers, who = welcome_all(n, device_tokens(devices)), sent = uint64_t{0}]() mutable {
    for (auto fd : callers)
      send_all(fd, "POST /v1/devices/" + device_name(sent++ % devices) +
                       "/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/msgpack\r\n"
                       "Content-Length: " +
                       std::to_string(payload.size()) + "\r\n\r\n" + payload);
    size_t answered = 0;
    for (int i = 0; i < most_steps && answered < back_ends; ++i) {
      step(n);
      for (auto fd : callers)
        answered += take_answer(fd);
    }
    uint64_t arrived = 0;
    for (auto &one : who) {
      one->read();
      arrived += one->messages();
    }
    expect(answered == back_ends && arrived == sent, "a push has no answer or did not arrive");
    actors::test::leap(std::chrono::milliseconds{1});
    return uint64_t{back_ends};
  };
}

// -- the run ----

template <class Round>
void run(Round round, uint64_t warm, uint64_t messages) {
  for (uint64_t done = 0; done < warm;)
    done += round();
  begin_measuring();
  uint64_t done = 0;
  while (done < messages)
    done += round();
  std::printf("messages %llu\n", static_cast<unsigned long long>(done));
}

constexpr auto examples = R"(Examples:
  scripted_loop d2d 16             16 messages in flight per device, each with its verdict
  scripted_loop d2d 1 --want none  1 in flight, without verdicts
  scripted_loop connect            upgrade, HS256 token, session, bind, welcome, close
  scripted_loop push               HTTP push with the verdict `written`

Prints how many messages (or connections) were measured; scripts/instructions counts what they took.)";

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"scripted_loop, a node and its clients turn by turn in one thread"};
  app.footer(examples);
  app.require_subcommand(1);
  uint64_t warm = 8'192, messages = 20'480;
  uint32_t window = 1;
  std::string wanted = "written";
  auto *pairs = app.add_subcommand("d2d", "Device to device, in pairs");
  auto *connects = app.add_subcommand("connect", "Devices come and go");
  auto *pushes = app.add_subcommand("push", "HTTP push");
  for (auto *command : {pairs, connects, pushes}) {
    command->add_option("--messages", messages, "To measure, rounded up to whole rounds");
    command->add_option("--warm", warm, "Messages before those");
  }
  pairs->add_option("window", window, "Messages in flight per device")->check(CLI::Range(1, 64))->required();
  pairs->add_option("--want", wanted, "Verdicts of the messages")->check(CLI::IsMember({"none", "written"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  // As in stentor-bench: the script sets the pace, not a limit.
  limits lim;
  lim.message_rate = 0;
  lim.accept_rate = 0;
  node n{1, lim};
  auto keys = net::token_verifier::make({key});
  expect(keys.engaged(), "no keys");
  n.context().tokens = *keys;
  if (*pairs)
    run(d2d(n, window, wanted == "none" ? want::none : want::written), warm, messages);
  else if (*connects)
    run(connect(n), warm, messages);
  else
    run(push(n), warm, messages);
}

// SPDX-License-Identifier: Apache-2.0
// Any bytes at the WebSocket edge: frames mean the same however they are cut, and a device's socket survives
// whatever comes, ends once, and never holds more than its limits.
#include "net/websocket/device_socket.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

using namespace stentor;
using namespace stentor::net;

namespace {

constexpr size_t max_message = 4096;

void check(bool good) {
  if (!good)
    std::abort();
}

/// The fuzzer's bytes as small decisions.
class choices {
public:
  explicit choices(std::string_view bytes) : bytes_{bytes} {}
  size_t below(size_t n) {
    auto at = at_++ % (bytes_.size() + 1);
    return (at < bytes_.size() ? static_cast<uint8_t>(bytes_[at]) : at_) % n;
  }

private:
  std::string_view bytes_;
  size_t at_ = 0;
};

struct transcript final : frame_sink {
  std::string log;
  bool add(char what, opcode kind, std::span<char> body) {
    log += what;
    log += static_cast<char>(kind);
    log.append(body.data(), body.size());
    std::fill(body.begin(), body.end(), '\xff'); // allowed, and of no effect on anything else
    return true;
  }
  bool on_message(opcode kind, std::span<char> body) override {
    check(body.size() <= max_message && (kind == opcode::text || kind == opcode::binary));
    return add('m', kind, body);
  }
  bool on_control(opcode kind, std::span<char> body) override {
    check(body.size() <= 125);
    if (kind == opcode::close) {
      auto code = static_cast<uint16_t>(parse_close(body));
      check(code >= 1000 && code < 5000 && code != 1006);
    }
    return add('c', kind, body);
  }
};

/// Feeds `bytes` in pieces of at most `most`; the end of the transcript says how it ended.
std::string read_in_pieces(std::string_view bytes, frame_reader::role role, choices *cuts) {
  frame_reader reader{role, max_message};
  transcript t;
  while (!bytes.empty()) {
    auto size = cuts ? std::min(bytes.size(), 1 + cuts->below(40)) : bytes.size();
    std::vector<char> piece(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    piece.resize(size + frame_reader::read_slack);
    auto error = reader.feed({piece.data(), size}, t);
    check(reader.held_bytes() <= max_message + 125 + 14);
    if (error) {
      t.log += 'e' + std::to_string(static_cast<int>(error.code)) + error.reason;
      break;
    }
    bytes.remove_prefix(size);
  }
  return t.log;
}

void fuzz_frames(std::string_view bytes) {
  choices cuts{bytes};
  for (auto role : {frame_reader::role::server, frame_reader::role::client})
    check(read_in_pieces(bytes, role, nullptr) == read_in_pieces(bytes, role, &cuts));
}

void fuzz_upgrade(std::string_view bytes) {
  auto text = std::string{bytes} + "\r\n\r\n";
  upgrade_head head;
  auto answer = head.parse(std::string_view{text}.substr(0, text.find("\r\n\r\n") + 4));
  if (answer.status == 101) {
    check(head.request().path.starts_with('/'));
    check(head.accept(format::json).ends_with("\r\n\r\n"));
    (void)query_value(head.request().query, "token");
  } else {
    check(refusal(answer).starts_with("HTTP/1.1 "));
  }
  (void)query_value(bytes, "a");
}

class device final : public device_events {
public:
  device(event_loop &loop, int fd, const limits &lim, std::string_view bytes)
      : socket_{loop, fd, *this, lim}, choices_{bytes} {
    check(socket_.start());
  }
  bool has_ended() const { return ends_ > 0; }
  device_socket &socket() { return socket_; }

private:
  upgrade_answer on_upgrade(const upgrade_request &) override {
    return choices_.below(8) == 0 ? upgrade_answer{403, "no"} : upgrade_answer{};
  }
  void on_open() override { check(socket_.is_upgraded()); }
  void on_message(std::span<char> body) override {
    check(ends_ == 0 && body.size() <= max_message);
    switch (choices_.below(6)) {
    case 0:
      socket_.close(close_code::recycled, "recycled", {body.data(), body.size()});
      return;
    case 1:
      if (choices_.below(4) == 0)
        socket_.abort(socket_end::local_failure);
      return;
    default:
      if (socket_.send({body.data(), body.size()}, true))
        ++sent_;
    }
  }
  void on_frames_written(size_t count) override { written_ += count; }
  void on_device_end(const device_end &end) override {
    check(++ends_ == 1 && written_ + end.lost_marks == sent_);
  }

  device_socket socket_;
  choices choices_;
  size_t sent_ = 0, written_ = 0, ends_ = 0;
};

void fuzz_device(std::string_view bytes) {
  static auto loop = std::move(*event_loop::make());
  static const auto lim = [] {
    limits l;
    l.max_frame_bytes = max_message;
    l.max_cork_bytes = 64 * 1024;
    return l;
  }();
  int fds[2];
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
  choices cuts{bytes};
  auto stream =
      std::string{"GET /?token=x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"};
  stream.resize(cuts.below(8) == 0 ? cuts.below(stream.size()) : stream.size());
  stream += bytes;
  {
    device d{*loop, fds[0], lim, bytes};
    char answers[4096];
    for (size_t at = 0; at < stream.size() && !d.has_ended();) {
      auto size = std::min(stream.size() - at, 1 + cuts.below(200));
      auto n = ::send(fds[1], stream.data() + at, size, MSG_NOSIGNAL);
      if (n < 0)
        break;
      at += static_cast<size_t>(n);
      loop->run_turn(std::chrono::milliseconds{0});
      if (cuts.below(3) > 0)
        (void)::recv(fds[1], answers, sizeof answers, 0);
      check(d.socket().unsent_bytes() <= lim.max_cork_bytes + 8 * max_message);
    }
    ::close(fds[1]);
    for (int i = 0; i < 10 && !d.has_ended(); ++i)
      loop->run_turn(std::chrono::milliseconds{0});
    check(d.has_ended());
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || size > 64 * 1024)
    return 0;
  std::string_view bytes{reinterpret_cast<const char *>(data), size};
  switch (data[0] % 3) { // the first byte chooses; it stays part of the rest for no harm
  case 0:
    fuzz_frames(bytes.substr(1));
    break;
  case 1:
    fuzz_upgrade(bytes.substr(1));
    break;
  default:
    fuzz_device(bytes.substr(1));
  }
  return 0;
}

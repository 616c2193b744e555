// SPDX-License-Identifier: Apache-2.0
// A stream socket under test: it writes down what happens to it, beside a plain peer, with turns by hand.
#pragma once

#include "net/stream_socket.hpp"

#include "tests/net/socket_pair.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace stentor::net {

using std::chrono::milliseconds;

/// A stream socket that writes down what happens to it, and can be told to destroy itself in any callback.
class noting_socket final : public stream_socket {
public:
  struct notes {
    std::string got;
    std::vector<size_t> marks;
    size_t drained = 0;
    size_t deadlines = 0;
    size_t ends = 0;
    std::optional<socket_end> reason;
    size_t lost_marks = 0;
    std::function<void(const char *)> hook; ///< called last in every callback, with its name

    size_t all_marks() const {
      size_t sum = 0;
      for (auto m : marks)
        sum += m;
      return sum;
    }
    void call(const char *name) const {
      if (auto f = hook) // a copy: the hook may destroy the socket
        f(name);
    }
  };

  noting_socket(event_loop &loop, int fd, notes &n) : stream_socket{loop, fd}, notes_{n} {}
  using stream_socket::call_later;
  using stream_socket::stop_reading_past;

private:
  void on_bytes(std::span<char> bytes) override {
    notes_.got.append(bytes.data(), bytes.size());
    notes_.call("bytes");
  }
  void on_marks(size_t count) override {
    notes_.marks.push_back(count);
    notes_.call("marks");
  }
  void on_drained() override {
    ++notes_.drained;
    notes_.call("drained");
  }
  void on_deadline() override {
    ++notes_.deadlines;
    notes_.call("deadline");
  }
  void on_end(socket_end reason, size_t lost) override {
    ++notes_.ends;
    notes_.reason = reason;
    notes_.lost_marks = lost;
    notes_.call("end");
  }

  notes &notes_;
};

class stream_socket_fixture : public testing::Test {
protected:
  stream_socket_fixture() : loop_{std::move(*event_loop::make())}, clock_{*loop_} { connect(); }

  void connect(int buffer_bytes = 0) {
    auto [server, client] = tcp_pair(buffer_bytes);
    socket_ = std::make_unique<noting_socket>(*loop_, server, notes_);
    ASSERT_TRUE(socket_->start());
    peer_ = std::make_unique<raw_peer>(client);
  }

  void turn() { loop_->run_turn(milliseconds{0}); }
  bool until(const std::function<bool()> &done) { return turn_until(*loop_, done); }
  bool until_end() {
    return until([&] { return notes_.ends > 0; });
  }

  /// Writes frames with marks until the kernel takes no more. Returns their number.
  size_t block(size_t frame_bytes = 8192) {
    std::string body(frame_bytes, 'x');
    size_t written = 0;
    for (size_t calm = 0; calm < 20;) { // the kernel may move bytes on and take more
      auto before = loop_->counters().bytes_out;
      if (socket_->unsent_bytes() < 3 * frame_bytes) {
        socket_->write_frame(body, {}, true);
        ++written;
      }
      loop_->run_turn(milliseconds{1});
      calm = loop_->counters().bytes_out == before ? calm + 1 : 0;
    }
    return written;
  }

  std::unique_ptr<event_loop> loop_;
  fast_clock clock_;
  noting_socket::notes notes_;
  std::unique_ptr<noting_socket> socket_;
  std::unique_ptr<raw_peer> peer_;
};

} // namespace stentor::net

// SPDX-License-Identifier: Apache-2.0
// For tests of blocking clients: a node on a thread of its own that answers as it is told, and what the tests
// of stentorctl's commands share.
#pragma once

#include "net/client/commands.hpp"
#include "tests/net/client/client_fixture.hpp"

#include <atomic>
#include <future>
#include <mutex>
#include <sstream>
#include <thread>

namespace stentor::net::client {

/// A node on a thread of its own that answers as it is told: devices by whom they send to, the API by path.
class node_thread : public accept_events {
public:
  node_thread()
      : loop_{std::move(*event_loop::make())}, devices_{*loop_}, api_{listen_anywhere(*loop_, limits_,
                                                                                      *this)} {
    devices_.on_open = [](auto &peer) { peer.welcome("s"); };
    devices_.on_message = [this](auto &peer, const std::string &text) { answer(peer, text); };
    thread_ = std::thread{[this] {
      while (!stop_) {
        loop_->run_turn(std::chrono::milliseconds{1000});
        take_changes();
      }
    }};
  }
  ~node_thread() override {
    stop_ = true;
    loop_->wake();
    thread_.join();
  }

  std::string device_url() const { return "ws://" + devices_.host(); }
  std::string api_url() const { return "http://" + to_string(api_->local_address()); }
  /// Answers to requests that begin with the text; the whole HTTP answer, or nothing to hang up.
  using page_list = std::vector<std::pair<std::string, std::string>>;
  void set_pages(page_list pages) {
    on_loop([this, &pages] { pages_ = std::move(pages); });
  }
  void set_upgrade(upgrade_answer answer) {
    on_loop([this, answer] { devices_.answer = answer; });
  }
  void set_on_open(std::function<void(ws_server::peer &)> what) {
    on_loop([this, &what] { devices_.on_open = std::move(what); });
  }
  std::string last_request() {
    std::lock_guard guard{mutex_};
    return last_request_;
  }

private:
  /// Runs `change` on the node's thread and waits for it.
  void on_loop(const std::function<void()> &change) {
    std::promise<void> done;
    {
      std::lock_guard guard{mutex_};
      changes_.push_back([&] {
        change();
        done.set_value();
      });
    }
    loop_->wake();
    done.get_future().wait();
  }
  void take_changes() {
    std::vector<std::function<void()>> changes;
    {
      std::lock_guard guard{mutex_};
      changes.swap(changes_);
    }
    for (auto &change : changes)
      change();
  }

  struct api_peer final : stream_socket {
    api_peer(event_loop &loop, int fd, node_thread &n) : stream_socket{loop, fd}, node{n} {}
    node_thread &node;
    std::string held;
    void on_bytes(std::span<char> bytes) override {
      held.append(bytes.data(), bytes.size());
      auto head = held.find("\r\n\r\n");
      auto length = held.find("Content-Length: ");
      size_t body = length == held.npos || length > head ? 0 : std::stoul(held.substr(length + 16));
      if (head == held.npos || held.size() < head + 4 + body)
        return;
      auto request = std::exchange(held, {});
      {
        std::lock_guard guard{node.mutex_};
        node.last_request_ = request;
      }
      for (auto &[start, page] : node.pages_)
        if (request.starts_with(start))
          return page.empty() ? abort(socket_end::orderly) : write(page);
      abort(socket_end::orderly);
    }
    void on_marks(size_t) override {}
    void on_end(socket_end, size_t) override {}
  };

  void on_accepted(int fd, const socket_address &) override {
    api_peers_.push_back(std::make_unique<api_peer>(*loop_, fd, *this));
    ASSERT_TRUE(api_peers_.back()->start());
  }
  void on_accept_trouble(int) override {}

  void answer(ws_server::peer &peer, const std::string &text) {
    codec reader;
    auto bytes = text + std::string(event_loop::read_slack, '\0');
    client_frame frame;
    frame_refusal why;
    auto f = peer.socket->encoding();
    ASSERT_TRUE(reader.decode(f, {bytes.data(), text.size()}, frame, why)) << why.message;
    std::string out;
    if (frame.type == client_frame::kind::devices) {
      std::vector<std::string_view> names{"d", "e"};
      encode_devices(f, out, names);
    } else if (frame.to_device == "drop") {
      peer.socket->abort(socket_end::orderly);
      return;
    } else if (frame.to_device == "wrong") {
      encode(f, out, error_frame{"invalid_id", "no such thing", frame.id});
    } else if (frame.type == client_frame::kind::send) {
      verdict_frame x;
      x.id = frame.id;
      x.result.what = frame.to_device == "gone"   ? verdict::offline
                      : frame.to_device == "lost" ? verdict::unreachable
                                                  : verdict::written;
      x.total_us = 7;
      encode(f, out, x);
      if (frame.to_device == "echo") {
        msg_frame echo;
        echo.id = "01HF0000000000000000000000";
        echo.from = "echo";
        echo.data = frame.data;
        std::string more;
        encode(f, more, echo);
        peer.socket->send(more, false);
      }
    }
    peer.socket->send(out, false);
  }

  limits limits_;
  std::unique_ptr<event_loop> loop_;
  ws_server devices_;
  std::unique_ptr<listener> api_;
  std::vector<std::unique_ptr<api_peer>> api_peers_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::string last_request_;
  std::vector<std::function<void()>> changes_;
  page_list pages_;
  std::thread thread_;
};

inline std::string page(int status, std::string_view body) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string{body};
}

class commands_fixture : public testing::Test {
protected:
  device_target who() {
    device_target x;
    x.url = node_.device_url();
    x.device = "d";
    return x;
  }
  api_options api() {
    api_options x;
    x.url = node_.api_url();
    x.key = "secret-key";
    return x;
  }
  message_options to(std::string device, std::string data = "hello") {
    message_options x;
    x.to = std::move(device);
    x.data = std::move(data);
    return x;
  }
  std::string said() { return std::exchange(out_, std::ostringstream{}).str(); }
  std::string complained() { return std::exchange(err_, std::ostringstream{}).str(); }
  /// What `connect` prints when these lines come through a pipe.
  exit_code typed(std::string_view lines, const device_target &as) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(write(ends[1], lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
    close(ends[1]);
    auto result = run_connect(io_, as, ends[0]);
    close(ends[0]);
    return result;
  }
  /// A page for one request, then the command's exit code.
  template <class Run>
  exit_code with_page(std::string start, std::string answer, Run run) {
    node_.set_pages({{std::move(start), std::move(answer)}});
    return run();
  }

  node_thread node_;
  std::ostringstream out_, err_;
  console io_{out_, err_, false};
};

} // namespace stentor::net::client

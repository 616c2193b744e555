// SPDX-License-Identifier: Apache-2.0
// A sender that moves among three nodes with messages open, and a target that confirms when the test says so.
#pragma once

#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

namespace stentor::actors::test {

using namespace std::chrono_literals;
using nlohmann::json;

/// Three nodes in one world, turned by hand, with a link between any two. The target is at `c`.
class moved_sender : public testing::Test {
protected:
  moved_sender() {
    for (auto *x : all())
      for (auto *y : all())
        if (x != y)
          x->tell_link(*y, 1, true);
    settle();
    target_ = join(c_, "target");
  }

  std::vector<node *> all() { return {&a_, &b_, &c_}; }
  void settle() {
    for (int round = 0; round < 5; ++round)
      for (auto *one : all())
        one->settle();
  }
  void pass(std::chrono::milliseconds time) { actors::test::pass(time, {&a_, &b_, &c_}); }
  void cut(node &x, node &y, uint32_t epoch = 1) {
    x.tell_link(y, epoch, false);
    y.tell_link(x, epoch, false);
    settle();
  }
  std::unique_ptr<device> join(node &at, const std::string &name, const std::string &resume = {},
                               size_t loop = 0) {
    auto result = at.connect(loop, name, resume);
    settle();
    result->read();
    EXPECT_TRUE(result->is_welcome()) << name;
    return result;
  }
  /// The sender, resumed elsewhere after its connection broke.
  std::unique_ptr<device> move(std::unique_ptr<device> from, node &to, size_t loop = 0) {
    auto token = from->resume_token();
    from->vanish();
    settle();
    auto moved = join(to, "sender", token, loop);
    EXPECT_EQ(moved->frames("welcome").at(0).at("resumed"), true);
    return moved;
  }
  /// Sends a message that `target` does not confirm by itself.
  void send(device &from, const std::string &id, const json &more = {}) {
    json frame{{"t", "send"}, {"id", id}, {"to", "target"}, {"data", id}, {"want", "acked"}};
    frame.update(more.is_null() ? json::object() : more);
    from.send(frame);
    settle();
    from.read();
    target_->read();
  }
  void ack_all() {
    for (auto &frame : target_->frames("msg"))
      target_->send({{"t", "ack"}, {"id", frame.at("id")}});
    settle();
  }
  static std::vector<std::string> verdicts(device &of, const std::string &id) {
    of.read();
    std::vector<std::string> result;
    for (auto &frame : of.frames("verdict"))
      if (frame.at("id") == id)
        result.push_back(frame.at("verdict"));
    return result;
  }
  using said = std::vector<std::string>;

  world world_;
  node a_{world_, "node-a", 101, 2};
  node b_{world_, "node-b", 202, 2};
  node c_{world_, "node-c", 303, 2};
  std::unique_ptr<device> target_;
};

} // namespace stentor::actors::test

// SPDX-License-Identifier: Apache-2.0
// A hosted actor for tests that writes down what happens to it.
#pragma once

#include "actors/core/hosted_actor.hpp"
#include "tests/actors/ask.hpp"
#include "tests/actors/node_fixture.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace stentor::actors::test {

/// What became of a probe; outlives it.
struct notes {
  std::vector<int> numbers;
  std::vector<uint32_t> queued_then; ///< `queued` while each number was handled
  std::vector<caf::down_msg> downs;
  int stops = 0;
  std::thread::id stopped_on;
  std::thread::id destroyed_on;
  bool is_destroyed() const { return destroyed_on != std::thread::id{}; }
};

/// Doubles numbers, passes them on to whoever is `next`, ends at 13.
class probe final : public hosted_actor {
public:
  probe(caf::actor_config &cfg, loop_env &host, std::shared_ptr<notes> seen)
      : hosted_actor{cfg, host}, seen_{std::move(seen)} {}
  ~probe() override { seen_->destroyed_on = std::this_thread::get_id(); }
  const char *name() const override { return "probe"; }
  using hosted_actor::watch_life_of;
  caf::actor next;

protected:
  bool on_message(caf::mailbox_element &what) override {
    if (!what.content().match_elements<int>())
      return false;
    auto number = what.content().get_as<int>(0);
    seen_->numbers.push_back(number);
    seen_->queued_then.push_back(counters().queued);
    if (number == 13)
      stop(caf::exit_reason::user_shutdown);
    if (next)
      caf::anon_send(next, number);
    reply(what, caf::make_message(number * 2));
    return true;
  }
  void on_down(caf::down_msg &x) override { seen_->downs.push_back(x); }
  void on_stop() override {
    ++seen_->stops;
    seen_->stopped_on = std::this_thread::get_id();
    stop(caf::exit_reason::kill); // its own end may be asked for once more on the way
  }

private:
  std::shared_ptr<notes> seen_;
};

struct hosted : testing::Test {
  node n{2};
  std::shared_ptr<notes> seen = std::make_shared<notes>();
  hosted_ptr<probe> who = make(0, seen);
  caf::actor address = caf::actor_cast<caf::actor>(who.strong());
  caf::scoped_actor self{n.system()};

  hosted_ptr<probe> make(size_t at, std::shared_ptr<notes> into) {
    return make_hosted<probe>(n.system(), n.at(at), n.at(at), std::move(into));
  }
  caf::actor to(const hosted_ptr<probe> &x) { return caf::actor_cast<caf::actor>(x.strong()); }
};

/// An ordinary actor that adds numbers up, ends at 0 and stores its own end's reason nowhere.
inline caf::behavior adder(caf::event_based_actor *self, std::shared_ptr<int> sum) {
  return {[=](int x) {
    *sum += x;
    if (x == 0)
      self->quit();
  }};
}

} // namespace stentor::actors::test

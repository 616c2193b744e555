// SPDX-License-Identifier: Apache-2.0
#include "net/event_loop.hpp"

#include "tests/net/socket_pair.hpp"

#include <memory>
#include <thread>

#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace stentor::net {
namespace {

using std::chrono::milliseconds;

std::unique_ptr<event_loop> make_loop() {
  return std::move(*event_loop::make());
}

/// An eventfd that counts its calls; readable for ever once it was set.
struct watched final : pollable {
  explicit watched(event_loop &l) : loop{l}, fd{eventfd(1, EFD_NONBLOCK)} {
    EXPECT_TRUE(loop.add(fd, *this, EPOLLIN));
  }
  ~watched() override {
    loop.remove(fd, *this);
    close(fd);
  }
  void on_ready(uint32_t events) override {
    ++calls;
    EXPECT_TRUE(events & EPOLLIN);
    if (run)
      run();
  }
  event_loop &loop;
  int fd;
  int calls = 0;
  std::function<void()> run;
};

struct flusher final : flushable {
  void on_flush() override {
    ++calls;
    if (run)
      run();
  }
  int calls = 0;
  std::function<void()> run;
};

TEST(event_loop, calls_a_ready_descriptor_each_turn_while_it_is_ready) {
  auto loop = make_loop();
  watched w{*loop};
  loop->run_turn(milliseconds{0});
  loop->run_turn(milliseconds{0});
  EXPECT_EQ(w.calls, 2);
  loop->modify(w.fd, w, 0);
  loop->run_turn(milliseconds{0});
  EXPECT_EQ(w.calls, 2);
}

TEST(event_loop, forgets_what_the_batch_held_for_a_removed_pollable) {
  auto loop = make_loop();
  std::vector<std::unique_ptr<watched>> all;
  int calls = 0;
  for (int i = 0; i < 20; ++i) {
    all.push_back(std::make_unique<watched>(*loop));
    all.back()->run = [&, i] {
      ++calls;
      for (int j = 0; j < 20; ++j)
        if (j != i)
          all[static_cast<size_t>(j)].reset();
    };
  }
  loop->run_turn(milliseconds{0});
  EXPECT_EQ(calls, 1);
}

TEST(event_loop, is_woken_from_another_thread) {
  auto loop = make_loop();
  loop->wake(); // before it sleeps: then it does not
  loop->poll(milliseconds{60000});
  std::thread other{[&] { loop->wake(); }};
  loop->poll(milliseconds{60000});
  other.join();
  EXPECT_EQ(loop->counters().polls, 2u);
}

TEST(event_loop, sleeps_no_longer_than_to_its_next_timer) {
  struct owner {
    bool fired = false;
    void fire() { fired = true; }
    timer_for<owner, &owner::fire> t{this};
  } o;
  auto loop = make_loop();
  loop->timers().schedule(o.t, loop->now() + milliseconds{60});
  for (int i = 0; i < 100 && !o.fired; ++i)
    loop->poll(milliseconds{60000});
  EXPECT_TRUE(o.fired);
}

TEST(event_loop, flushes_each_once_and_those_who_ask_again_the_next_time) {
  auto loop = make_loop();
  flusher a, b;
  a.run = [&] { loop->flush_later(a); };
  loop->flush_later(a);
  loop->flush_later(b);
  EXPECT_TRUE(loop->has_unflushed());
  loop->flush();
  EXPECT_EQ(a.calls, 1);
  EXPECT_EQ(b.calls, 1);
  EXPECT_TRUE(loop->has_unflushed());
  loop->forget(a);
  loop->flush();
  EXPECT_EQ(a.calls, 1);
  EXPECT_FALSE(loop->has_unflushed());
}

TEST(event_loop, lets_what_follows_one_flush_write_to_the_next_one_of_the_same_round) {
  auto loop = make_loop();
  flusher a, b;
  std::vector<int> calls_of_b;
  loop->flush_later(a);
  loop->flush_later(b);
  loop->flush([&] { calls_of_b.push_back(b.calls); });
  EXPECT_EQ(calls_of_b, (std::vector<int>{0, 1}));
}

TEST(event_loop, lets_a_flush_drop_another_one_of_the_same_round) {
  auto loop = make_loop();
  flusher a, b;
  a.run = [&] { loop->forget(b); };
  loop->flush_later(a);
  loop->flush_later(b);
  loop->flush();
  EXPECT_EQ(b.calls, 0);
}

TEST(event_loop, lends_buffers_that_are_empty_and_keeps_no_large_ones) {
  auto loop = make_loop();
  std::string small(1000, 'x'), large(1 << 20, 'x');
  auto *data = small.data();
  loop->give_buffer(std::move(small));
  loop->give_buffer(std::move(large));
  auto again = loop->take_buffer();
  EXPECT_EQ(again.data(), data);
  EXPECT_TRUE(again.empty());
  EXPECT_LT(loop->take_buffer().capacity(), 1000u);

  auto block = std::make_unique<cork_block>();
  auto *address = block.get();
  loop->give_cork_block(std::move(block));
  auto huge = std::make_unique<cork_block>();
  huge->bytes.reserve(1 << 20);
  loop->give_cork_block(std::move(huge));
  EXPECT_EQ(loop->take_cork_block().get(), address);
  EXPECT_EQ(loop->take_cork_block(), nullptr);
}

} // namespace
} // namespace stentor::net

// SPDX-License-Identifier: Apache-2.0
#include "actors/core/loop_mailbox.hpp"

#include "tests/actors/sleeper.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>

using namespace stentor;
using namespace stentor::actors;

namespace {

struct actor_message {
  int from = 0;
  uint64_t number = 0;
};
using mailbox = loop_mailbox<actor_message, std::string>;
using sleeper = test::sleeper<actor_message, std::string>;

std::vector<uint64_t> numbers(const std::vector<actor_message> &messages) {
  std::vector<uint64_t> result;
  for (auto &x : messages)
    result.push_back(x.number);
  return result;
}

} // namespace

TEST(loop_mailbox, gives_out_what_arrived_in_its_order) {
  mailbox box;
  for (uint64_t i = 1; i <= 3; ++i)
    EXPECT_FALSE(box.put(actor_message{0, i}));
  EXPECT_FALSE(box.put(std::string{"a"}));
  EXPECT_FALSE(box.put(std::string{"b"}));
  mailbox::batch batch;
  box.take(batch);
  EXPECT_EQ(numbers(batch.messages), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(batch.batches, (std::vector<std::string>{"a", "b"}));
  batch = {};
  box.take(batch);
  EXPECT_TRUE(batch.is_empty());
}

TEST(loop_mailbox, asks_one_caller_a_sleep_to_wake_its_owner) {
  mailbox box;
  EXPECT_TRUE(box.begin_sleep());
  EXPECT_TRUE(box.put(actor_message{0, 1}));
  EXPECT_FALSE(box.put(actor_message{0, 2}));
  EXPECT_FALSE(box.put(std::string{"a"}));
  mailbox::batch batch;
  box.take(batch);
  EXPECT_FALSE(box.put(actor_message{0, 3})); // it is awake and will look again before it sleeps
  batch = {};
  box.take(batch);
  EXPECT_TRUE(box.begin_sleep());
  EXPECT_TRUE(box.put(std::string{"b"}));
}

TEST(loop_mailbox, does_not_let_its_owner_sleep_over_what_has_arrived) {
  mailbox box;
  EXPECT_FALSE(box.put(actor_message{0, 1}));
  EXPECT_FALSE(box.begin_sleep());
  EXPECT_FALSE(box.put(actor_message{0, 2})); // it did not fall asleep: nobody has to wake it
  mailbox::batch batch;
  box.take(batch);
  EXPECT_TRUE(box.begin_sleep());
  box.take(batch = {});
  EXPECT_FALSE(box.put(std::string{"a"}));
  EXPECT_FALSE(box.begin_sleep());
}

TEST(loop_mailbox, fills_the_room_it_was_lent) {
  mailbox box;
  mailbox::batch batch;
  batch.messages.reserve(100);
  auto *room = batch.messages.data();
  box.take(batch);
  for (uint64_t i = 0; i < 100; ++i)
    EXPECT_FALSE(box.put(actor_message{0, i}));
  batch = {};
  box.take(batch);
  EXPECT_EQ(batch.messages.data(), room);
  EXPECT_EQ(batch.messages.size(), 100u);
}

// -- with threads ----

TEST(loop_mailbox, loses_nothing_from_several_threads_and_keeps_the_order_of_each) {
  constexpr int sources = 4;
  constexpr uint64_t each = 4000;
  sleeper owner;
  std::vector<std::thread> threads;
  for (int source = 0; source < sources; ++source)
    threads.emplace_back([&, source] {
      for (uint64_t i = 1; i <= each; ++i) {
        owner.post(actor_message{source, i});
        if (i % 64 == 0) // lets the owner run dry now and then
          std::this_thread::yield();
      }
    });
  std::map<int, uint64_t> last;
  uint64_t got = 0, out_of_order = 0;
  while (got < sources * each && owner.missed_wakes() == 0)
    owner.turn([&](auto &batch) {
      for (auto &x : batch.messages) {
        out_of_order += x.number != last[x.from] + 1;
        last[x.from] = x.number;
        ++got;
      }
    });
  for (auto &thread : threads)
    thread.join();
  EXPECT_EQ(got, sources * each);
  EXPECT_EQ(out_of_order, 0u);
  EXPECT_EQ(owner.missed_wakes(), 0u);
}

TEST(loop_mailbox, wakes_its_owner_out_of_each_of_many_sleeps) {
  // One ball between two loops: whoever waits for it sleeps, and nothing but the ball wakes it.
  constexpr uint64_t rounds = 2000;
  sleeper here, there;
  std::thread other{[&] {
    for (uint64_t seen = 0; seen < rounds && there.missed_wakes() == 0;)
      there.turn([&](auto &batch) {
        for (auto &x : batch.messages) {
          seen = x.number;
          here.post(actor_message{1, x.number});
        }
      });
  }};
  there.post(actor_message{0, 1});
  for (uint64_t seen = 0; seen < rounds && here.missed_wakes() == 0;)
    here.turn([&](auto &batch) {
      for (auto &x : batch.messages) {
        seen = x.number;
        if (seen < rounds)
          there.post(actor_message{0, seen + 1});
      }
    });
  other.join();
  EXPECT_EQ(here.missed_wakes(), 0u);
  EXPECT_EQ(there.missed_wakes(), 0u);
  EXPECT_GT(here.sleeps(), 0u);
}

TEST(loop_mailbox, does_not_miss_a_wake_that_races_with_falling_asleep) {
  // The source puts one actor_message at a time and waits until it was taken, so that most arrive around
  // `begin_sleep`.
  constexpr uint64_t rounds = 3000;
  sleeper owner;
  std::atomic<uint64_t> taken{0};
  std::thread source{[&] {
    for (uint64_t i = 1; i <= rounds; ++i) {
      owner.post(actor_message{0, i});
      while (taken.load(std::memory_order_acquire) < i)
        std::this_thread::yield();
    }
  }};
  while (taken < rounds) {
    owner.turn([&](auto &batch) {
      for (auto &x : batch.messages)
        taken.store(x.number, std::memory_order_release);
    });
    if (owner.missed_wakes() > 0)
      taken = rounds;
  }
  source.join();
  EXPECT_EQ(owner.missed_wakes(), 0u);
}

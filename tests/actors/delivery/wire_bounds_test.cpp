// SPDX-License-Identifier: Apache-2.0
// What another node's bytes may not do, and what those of a later version may.
#include "actors/delivery/wire.hpp"

#include "net/codec/msgpack_writer.hpp"
#include "tests/actors/delivery/wire_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

using namespace stentor;
using namespace std::string_literals;
using namespace stentor::actors;
using namespace stentor::actors::test;
using testing::ElementsAre;
using testing::StartsWith;

namespace {

/// A deliver whose message `change` made bad in one place.
std::string deliver_with(const std::function<void(envelope &)> &change) {
  auto e = full_envelope(at_a().now);
  change(*e);
  return encoded(items::deliver{{}, 1, std::move(e)}, at_a());
}

void expect_refused(std::string_view batch, const std::string &what) {
  auto taken = 0;
  auto err = decode(batch, at_b(), [&](lane_item &) { ++taken; });
  EXPECT_EQ(err, errc::malformed) << what;
  EXPECT_EQ(taken, 0) << what;
}

} // namespace

// -- bounds ----

TEST(wire_bounds, a_message_out_of_bounds_is_refused) {
  using change = std::function<void(envelope &)>;
  const std::pair<const char *, change> changes[] = {
      {"no target", [](envelope &e) { e.to = {}; }},
      {"a long target", [](envelope &e) { e.to = device_id::trusted(std::string(129, 'x')); }},
      {"a target with a blank", [](envelope &e) { e.to = device_id::trusted("a b"); }},
      {"a bad sender",
       [](envelope &e) {
         e.from = std::make_shared<const sender>(sender{{}, {}, {}});
       }},
      {"too many grants",
       [](envelope &e) {
         auto x = *e.from;
         x.allowed = std::make_shared<const grants>(
             grants{false, std::vector<account_id>(65, account_id::trusted("x"))});
         e.from = std::make_shared<const sender>(x);
       }},
      {"no payload", [](envelope &e) { e.data = std::make_shared<const std::string>(); }},
      {"a large payload",
       [](envelope &e) { e.data = std::make_shared<const std::string>(16 * 1024 * 1024 + 1, 'x'); }},
      {"a long key", [](envelope &e) { e.key = std::string(129, 'k'); }},
      {"a format", [](envelope &e) { e.data_format = static_cast<format>(2); }},
      {"a want", [](envelope &e) { e.wants = static_cast<want>(4); }},
      {"a source", [](envelope &e) { e.by = static_cast<source>(2); }},
      {"a stage", [](envelope &e) { e.reached = static_cast<stage>(5); }},
  };
  for (const auto &[what, change] : changes)
    expect_refused(deliver_with(change), what);
}

TEST(wire_bounds, an_outcome_out_of_bounds_is_refused) {
  using change = std::function<void(outcome &)>;
  const std::pair<const char *, change> changes[] = {
      {"a verdict", [](outcome &x) { x.what = static_cast<verdict>(verdict_count); }},
      {"a stage", [](outcome &x) { x.at = static_cast<stage>(5); }},
      {"a first verdict", [](outcome &x) { x.first = static_cast<verdict>(255); }},
      {"a node", [](outcome &x) { x.by.node = node_id::trusted("a/b"); }},
  };
  for (const auto &[what, change] : changes) {
    auto x = full_outcome();
    change(x);
    expect_refused(encoded(items::settle{1, false, x}, at_a()), what);
  }
}

TEST(wire_bounds, a_state_out_of_bounds_is_refused) {
  auto state = [] { return std::make_unique<session_state>(); };
  auto refused = [](std::unique_ptr<session_state> x, const char *what) {
    expect_refused(encoded(items::handed_over{{}, std::move(x)}, at_a()), what);
  };
  auto much_owed = state();
  for (size_t i = 0; i <= session_state::max_owed; ++i)
    much_owed->owed.push_back({"m", {}, 0, nullptr});
  refused(std::move(much_owed), "owed verdicts");
  auto long_id = state();
  long_id->owed.push_back({std::string(65, 'm'), {}, 0, nullptr});
  refused(std::move(long_id), "a client's id");
  auto bad_copy = state();
  bad_copy->owed.push_back({"m", {}, 0, std::make_unique<std::vector<copy_verdict>>()});
  bad_copy->owed[0].copies->push_back({"", {}});
  refused(std::move(bad_copy), "a copy's device");
  limits wide;
  wide.idempotency_keys = 5000;
  std::vector<idempotency::entry> keys;
  for (int i = 0; i <= 4096; ++i)
    keys.push_back({device_id{}, std::to_string(i), 1, at_a().now, verdict::written, {}});
  auto many_keys = state();
  many_keys->keys.adopt(std::move(keys), at_a().now, wide);
  refused(std::move(many_keys), "keys");
  auto unconfirmed = state();
  for (int i = 0; i <= 65536; ++i) {
    auto e = plain_envelope(at_a().now);
    unconfirmed->unconfirmed.reserve(*e);
    unconfirmed->unconfirmed.add(std::move(e));
  }
  refused(std::move(unconfirmed), "unconfirmed messages");
  auto much_open = state();
  for (size_t i = 0; i <= open_messages::most; ++i)
    much_open->open.add({{1, i}, "m", want::written, at_a().now, at_a().now, 0});
  refused(std::move(much_open), "open messages");
  auto open_with = [&](const char *what, const std::function<void(open_message &)> &change) {
    open_message x{{1, 2}, "m", want::written, at_a().now, at_a().now, 0};
    change(x);
    auto bad = state();
    bad->open.add(std::move(x));
    refused(std::move(bad), what);
  };
  open_with("an open message's id", [](open_message &x) { x.client_id = std::string(65, 'm'); });
  open_with("an open message nobody waits for", [](open_message &x) { x.wants = want::none; });
  open_with("an open message's want", [](open_message &x) { x.wants = static_cast<want>(4); });
  open_with("an open message without an end", [](open_message &x) { x.deadline = time_point::max(); });
  open_with("an open message without a beginning",
            [](open_message &x) { x.accepted_at = time_point::max(); });
}

namespace {

/// A `supersede_seen` whose epoch is written by `put`.
std::string seen_with(const std::function<void(std::string &)> &put) {
  std::string batch;
  {
    net::msgpack_writer w{batch};
    w.begin_array(4);
    w.integer(6);
    w.text("phone-1");
  }
  put(batch);
  net::msgpack_writer{batch}.integer(3);
  return batch;
}

} // namespace

TEST(wire_bounds, a_number_is_a_natural_one_and_nothing_else) {
  auto take = [](std::string_view bytes) {
    return decoded(seen_with([&](std::string &out) { out += bytes; }), at_b());
  };
  EXPECT_THAT(take("\x05"), ElementsAre(R"("supersede_seen" "phone-1" 5 3 )"));
  EXPECT_THAT(take(std::string("\xcf\0\0\0\0\0\0\0\5", 9)),
              ElementsAre(R"("supersede_seen" "phone-1" 5 3 )"));
  for (std::string_view bad : {
           std::string_view{"\xd4\x01\x05", 3},                         // ext
           std::string_view{"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", 9}, // NaN
           std::string_view{"\xcb\x40\x14\x00\x00\x00\x00\x00\x00", 9}, // 5.0
           std::string_view{"\xff", 1},                                 // -1
           std::string_view{"\xc0", 1}, std::string_view{"\xc1", 1},    // nil, nothing
           std::string_view{"\xc3", 1},
           std::string_view{"\xa1"
                            "5",
                            2},                                                      // true, "5"
           std::string_view{"\x90", 1}, std::string_view{"\xdd\xff\xff\xff\xff", 5}, // arrays
       })
    EXPECT_THAT(take(bad), ElementsAre(StartsWith("item 0 of a batch: ")));
}

TEST(wire_bounds, a_number_wider_than_its_field_is_refused) {
  auto batch = encoded(items::marker{{1, 2, 3}, device_id::trusted("phone"), 5, {}, true}, at_a());
  ASSERT_THAT(batch, StartsWith("\x99\x02\x01\x02\x03"));
  batch.replace(2, 1, "\xce\x00\x01\x00\x00"s);
  expect_refused(batch, "a loop of 65536");
}

TEST(wire_bounds, a_place_without_a_node_is_refused) {
  auto nobody = at_a();
  nobody.own = 0;
  expect_refused(encoded(items::marker{{}, device_id::trusted("phone"), 5, {}, true}, nobody), "a place");
}

TEST(wire_bounds, a_huge_count_costs_nothing) {
  auto batch = encoded(items::handed_over{{}, std::make_unique<session_state>()}, at_a());
  ASSERT_EQ(batch.substr(batch.size() - 4), "\x90\x90\x90\x90");
  for (size_t i = 1; i <= 4; ++i) {
    auto bad = batch.substr(0, batch.size() - i) + "\xdd\xff\xff\xff\xff";
    expect_refused(bad, "list " + std::to_string(i));
  }
}

// -- versions ----

TEST(wire_bounds, elements_that_a_later_version_added_are_passed_over) {
  for (auto &item : all_items(at_a().now)) {
    auto batch = encoded(std::move(item), at_a());
    auto before = decoded(batch, at_b());
    ASSERT_LT(static_cast<uint8_t>(batch[0]), 0x9e);
    batch[0] = static_cast<char>(batch[0] + 2);
    batch += "\x92\xc0\x81\xa1x\xcb\x40\x14\x00\x00\x00\x00\x00\x00\x07"s;
    EXPECT_EQ(decoded(batch, at_b()), before);
  }
}

TEST(wire_bounds, a_message_may_have_grown_too) {
  auto batch = encoded(items::deliver{{}, 1, plain_envelope(at_a().now)}, at_a());
  auto before = decoded(batch, at_b());
  auto head = batch.find("\xdc\x00\x12"s);
  ASSERT_NE(head, batch.npos);
  batch[head + 2] = 0x13;
  batch += "\xc0";
  EXPECT_EQ(decoded(batch, at_b()), before);
}

TEST(wire_bounds, an_item_of_an_unknown_kind_ends_the_batch_after_those_before_it) {
  auto good = encoded(items::settle{1, false, {}}, at_a());
  EXPECT_THAT(decoded(good + "\x91\x09" + good, at_b()),
              ElementsAre(StartsWith("\"settle\""), StartsWith("item 1 of a batch: ")));
}

// -- hostile bytes ----

TEST(wire_bounds, an_item_that_is_cut_short_anywhere_is_not_taken) {
  for (auto &item : all_items(at_a().now)) {
    auto batch = encoded(std::move(item), at_a());
    for (size_t size = 1; size < batch.size(); ++size) {
      // Exactly this long, so that a sanitizer sees a byte read behind it.
      std::vector<char> cut(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(size));
      auto taken = 0;
      ASSERT_TRUE(decode({cut.data(), cut.size()}, at_b(), [&](lane_item &) { ++taken; })) << size;
      ASSERT_EQ(taken, 0) << size;
    }
  }
}

TEST(wire_bounds, flipped_bits_make_no_item_that_breaks_a_promise) {
  std::string batch;
  for (auto &item : all_items(at_a().now))
    encode(batch, item, at_a());
  for (uint32_t seed = 0; seed < 20000; ++seed) {
    std::mt19937 random{seed};
    std::vector<char> bytes(batch.begin(), batch.end());
    for (auto n = 1 + random() % 3; n > 0; --n)
      bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    auto err = decode({bytes.data(), bytes.size()}, at_b(),
                      [&](lane_item &item) { ASSERT_EQ(broken_promise(item), "") << "seed " << seed; });
    ASSERT_TRUE(!err || err == errc::malformed || err == errc::too_deep) << "seed " << seed;
  }
}

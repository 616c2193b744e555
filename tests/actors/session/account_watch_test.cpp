// SPDX-License-Identifier: Apache-2.0
#include "actors/session/account_watch.hpp"

#include "tests/actors/session/session_parts.hpp"

using namespace stentor;
using namespace stentor::actors;

namespace {

struct watch_of_a_session : test::session_parts {
  account_watch watch;
  using words = std::vector<std::string>;
  caf::expected<std::vector<storage::record>> two =
      std::vector<storage::record>{{device_id::trusted("a"), account_id::trusted("home"), {}},
                                   {device_id::trusted("b"), account_id::trusted("home"), {}}};
  caf::expected<std::vector<storage::record>> none = make_error(errc::unavailable);
  storage::event online{storage::event_kind::online, device_id::trusted("a"), account_id::trusted("home"), 3};
};

} // namespace

TEST_F(watch_of_a_session, asks_the_directory_once_for_each_change) {
  watch.set(true, turn());
  watch.set(true, turn());
  watch.stop(turn());
  watch.stop(turn());
  EXPECT_EQ(directory.calls, (words{"watch", "unwatch"}));
}

TEST_F(watch_of_a_session, passes_events_on_while_it_is_on_and_the_session_live) {
  auto t = turn();
  watch.on_event(online, t);
  EXPECT_TRUE(device.frames.empty());
  watch.set(true, t);
  watch.on_event(online, t);
  ASSERT_EQ(frames("event").size(), 1u);
  EXPECT_EQ(frames("event")[0].at("device"), "a");
  auto leaving = turn(5, false);
  watch.on_event(online, leaving);
  EXPECT_EQ(frames("event").size(), 1u);
}

TEST_F(watch_of_a_session, a_refusal_ends_it_and_is_told) {
  auto t = turn();
  watch.set(true, t);
  watch.on_refused(errc::overloaded, t);
  EXPECT_EQ(directory.calls, (words{"watch", "unwatch"})) << "the router may have it all the same";
  EXPECT_EQ(frames("error").at(0).at("code"), "overloaded");
  watch.on_refused(errc::overloaded, t);
  EXPECT_EQ(frames("error").size(), 1u);
}

TEST_F(watch_of_a_session, answers_the_device_with_the_list_or_that_there_is_none) {
  account_watch::ask(turn());
  EXPECT_EQ(directory.calls, words{"list devices"});
  auto t = turn();
  watch.on_listed(listing::devices, two, t);
  EXPECT_EQ(frames("devices").at(0).at("devices"), (nlohmann::json{"a", "b"}));
  watch.on_listed(listing::devices, none, t);
  EXPECT_EQ(frames("error").at(0).at("code"), "unavailable");
}

TEST_F(watch_of_a_session, a_resync_that_fails_is_asked_for_again) {
  auto t = turn();
  watch.on_resync(t);
  EXPECT_TRUE(directory.calls.empty()) << "it watches nothing";
  watch.set(true, t);
  watch.on_resync(t);
  watch.on_listed(listing::resync, none, t);
  EXPECT_EQ(directory.calls, (words{"watch", "list resync", "resync_again"}));
  watch.on_listed(listing::resync, two, t);
  EXPECT_EQ(frames("event").at(0).at("devices").size(), 2u);
}

TEST_F(watch_of_a_session, a_list_without_room_cuts_the_device_off) {
  device.room = 3;
  auto t = turn();
  watch.on_listed(listing::devices, two, t);
  EXPECT_TRUE(t.too_slow);
  EXPECT_TRUE(device.frames.empty());
}

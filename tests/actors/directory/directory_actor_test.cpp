// SPDX-License-Identifier: Apache-2.0
// The directory actor above a store that the test makes slow: what waits for it is carried out together, in
// turns, and not at all where nobody waits for it any more.
#include "actors/directory/directory_actor.hpp"

#include "storage/memory_directory.hpp"
#include "tests/actors/ask.hpp"
#include "tests/storage/forwarding_directory.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <gtest/gtest.h>

using namespace stentor;
using namespace stentor::actors;
using namespace stentor::actors::test;
using namespace std::chrono_literals;

namespace {

/// Notes each call; a call takes as long as `on_call` says, on the actors' clock.
class slow_store final : public storage::test::forwarding_directory {
public:
  slow_store() : forwarding_directory{std::make_shared<storage::memory_directory>()} {}

  std::vector<std::string> calls;
  std::function<void()> on_call = [] {};
  size_t events_left = 0;     ///< of a backlog
  bool stream_is_new = false; ///< the cursor is of another one
  size_t called(const std::string &what) const {
    return static_cast<size_t>(std::ranges::count(calls, what));
  }

  std::vector<result<storage::bind_result>> bind(const std::vector<storage::bind_request> &batch) override {
    note("bind");
    return forwarding_directory::bind(batch);
  }
  std::vector<result<storage::restore_result>>
  restore(const std::vector<storage::restore_request> &batch) override {
    note("restore");
    return forwarding_directory::restore(batch);
  }
  std::vector<result<bool>> unbind(const std::vector<storage::unbind_request> &batch) override {
    note("unbind");
    return forwarding_directory::unbind(batch);
  }
  std::vector<result<std::optional<storage::record>>> lookup(const std::vector<device_id> &batch) override {
    note("lookup");
    return forwarding_directory::lookup(batch);
  }
  result<std::vector<storage::record>> devices_of(const account_id &x) override {
    note("list");
    return forwarding_directory::devices_of(x);
  }
  result<std::vector<storage::record>> records_in(slot first, size_t count) override {
    note("walk");
    return forwarding_directory::records_in(first, count);
  }
  result<std::vector<storage::event>> events_after(std::string &cursor, size_t most) override {
    if (cursor.empty()) {
      note("watch");
      cursor = "here";
      return std::vector<storage::event>{};
    }
    note("events");
    if (std::exchange(stream_is_new, false))
      return make_error(errc::not_found);
    auto count = std::min(events_left, most);
    events_left -= count;
    return std::vector<storage::event>(
        count, {storage::event_kind::online, device_id::trusted("x"), account_id::trusted("acme"), 1});
  }
  result<storage::sweep_result> sweep(const node_id &node, incarnation inc, size_t batch) override {
    note("sweep");
    return forwarding_directory::sweep(node, inc, batch);
  }
  result<bool> notify(const node_id &node, incarnation inc, const std::vector<storage::notice> &x) override {
    note("notify");
    return forwarding_directory::notify(node, inc, x);
  }
  result<size_t> size() override {
    note("size");
    return forwarding_directory::size();
  }
  const std::string &run_id() const override { return run; }
  std::string run = "first";

private:
  void note(const char *what) {
    calls.emplace_back(what);
    on_call();
  }
};

class directory_of_a_slow_store : public testing::Test {
protected:
  directory_of_a_slow_store() {
    settings_.add_message_types<caf::id_block::stentor>();
    settings_.set("scheduler.policy", caf::atom("testing"));
    sys_ = std::make_unique<caf::actor_system>(settings_);
    coordinator_ = dynamic_cast<caf::scheduler::test_coordinator *>(&sys_->scheduler());
    self_ = std::make_unique<caf::scoped_actor>(*sys_);
    until_ = store_->renew({node_id::trusted("n"), 1, 0, {}, false}, 1h)->until;
    directory_ = sys_->spawn(directory, std::shared_ptr<storage::directory>{store_}, numbers_, view_, 50ms);
    run();
  }
  ~directory_of_a_slow_store() override {
    caf::anon_send_exit(directory_, caf::exit_reason::user_shutdown);
    run();
    self_.reset();
    directory_ = nullptr;
  }
  void run() {
    while (coordinator_->try_run_once()) {
    }
  }
  void takes(std::chrono::milliseconds round_trip) {
    store_->on_call = [this, round_trip] { coordinator_->clock().current_time += round_trip; };
  }
  auto bind(const std::string &device) {
    auto generation = ++generation_;
    return (*self_)->request(
        directory_, 600min, bind_atom_v,
        std::vector<storage::bind_request>{{device_id::trusted(device),
                                            account_id::trusted("acme"),
                                            {node_id::trusted("n"), 1, {0, 1, generation}, 0},
                                            0,
                                            until_}});
  }
  auto lookup(const std::string &device) {
    return (*self_)->request(directory_, 600min, lookup_atom_v, std::vector{device_id::trusted(device)});
  }
  template <class T, class Handle>
  caf::expected<T> answer(Handle &question) {
    return answer_of<T>(*self_, question);
  }
  /// A router that hears events.
  caf::strong_actor_ptr sink() {
    auto x = sys_->spawn([this]() -> caf::behavior {
      return {[](event_atom, const std::vector<storage::event> &) {}, [this](resync_atom) { ++resyncs_; }};
    });
    return caf::actor_cast<caf::strong_actor_ptr>(x);
  }
  bool watch() {
    auto watched = (*self_)->request(directory_, 600min, watch_atom_v);
    run();
    return answer<bool>(watched) == true;
  }
  void tick() {
    coordinator_->clock().advance_time(50ms);
    run();
  }
  node_counters &counted() { return numbers_->node(); }
  using bind_answers = std::vector<bind_answer>;
  using lookup_answers = std::vector<lookup_answer>;

  caf::actor_system_config settings_;
  std::unique_ptr<caf::actor_system> sys_;
  caf::scheduler::test_coordinator *coordinator_ = nullptr;
  std::unique_ptr<caf::scoped_actor> self_;
  std::shared_ptr<slow_store> store_ = std::make_shared<slow_store>();
  std::shared_ptr<cluster_view> view_ = std::make_shared<cluster_view>();
  std::shared_ptr<metrics> numbers_ = std::make_shared<metrics>(node_id::trusted("n"), 1);
  directory_actor directory_;
  storage::directory_time until_ = 0;
  uint64_t generation_ = 0;
  size_t resyncs_ = 0;
};

TEST_F(directory_of_a_slow_store, carries_out_together_what_came_while_a_call_ran) {
  takes(200ms);
  auto before = coordinator_->clock().current_time;
  std::vector<decltype(bind(""))> questions;
  for (int i = 0; i < 200; ++i)
    questions.push_back(bind("d" + std::to_string(i)));
  auto one = lookup("d7");
  run();
  EXPECT_EQ(store_->calls, (std::vector<std::string>{"bind", "lookup"}));
  EXPECT_EQ(coordinator_->clock().current_time - before, 400ms) << "and no round trip for a figure";
  epoch last = 0;
  for (auto &x : questions) {
    auto said = answer<bind_answers>(x);
    ASSERT_TRUE(said);
    ASSERT_EQ(said->size(), 1u);
    EXPECT_EQ(said->front().error, errc::none);
    EXPECT_GT(said->front().ep, last) << "in order, to whom it belongs";
    last = said->front().ep;
  }
  auto found = answer<lookup_answers>(one);
  ASSERT_TRUE(found && found->front().found);
  EXPECT_EQ(found->front().found->at.session.generation, 8u);
}

TEST_F(directory_of_a_slow_store, ends_a_session_before_its_successor_begins) {
  auto first = bind("d");
  run();
  auto ep = answer<bind_answers>(first)->front().ep;
  auto again = bind("d");
  auto end = (*self_)->request(directory_, 600min, unbind_atom_v,
                               std::vector<storage::unbind_request>{{device_id::trusted("d"), ep, until_}});
  run();
  EXPECT_EQ(store_->calls, (std::vector<std::string>{"bind", "unbind", "bind"}));
  EXPECT_FALSE(answer<bind_answers>(again)->front().previous);
  EXPECT_TRUE(answer<bool>(end) == true);
}

TEST_F(directory_of_a_slow_store, does_nothing_for_askers_that_have_given_up) {
  takes(4s);
  std::vector<decltype(bind(""))> questions;
  for (size_t i = 0; i <= directory_state::items_a_call; ++i) // one more than a call takes
    questions.push_back(bind("d" + std::to_string(i)));
  auto late = lookup("d0");
  run();
  EXPECT_EQ(store_->called("bind"), 1u);
  EXPECT_EQ(store_->called("lookup"), 0u);
  EXPECT_EQ(answer<bind_answers>(questions.front())->front().error, errc::none);
  for (size_t i = 1; i + 1 < questions.size(); ++i)
    ASSERT_TRUE(answer<bind_answers>(questions[i]));
  // In the order of their answers: lookups come before the next turn of binds.
  EXPECT_EQ(answer<lookup_answers>(late)->front().error, errc::timed_out);
  EXPECT_EQ(answer<bind_answers>(questions.back())->front().error, errc::unavailable)
      << "it was not sent, which is known";
  EXPECT_EQ(counted().directory_late, 2u);
}

TEST_F(directory_of_a_slow_store, refuses_at_once_what_would_wait_too_long) {
  std::vector<device_id> many(decltype(directory_state::lookups)::most, device_id::trusted("x"));
  auto full = (*self_)->request(directory_, 600min, lookup_atom_v, many);
  auto refused = lookup("y");
  run();
  auto said = answer<lookup_answers>(refused);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->front().error, errc::unavailable);
  EXPECT_EQ(counted().directory_refused, 1u);
  EXPECT_EQ(answer<lookup_answers>(full)->size(), many.size())
      << "a request of any size fits where none waits";
}

TEST_F(directory_of_a_slow_store, takes_turns_with_a_backlog_of_events) {
  EXPECT_TRUE(watch());
  caf::anon_send(directory_, adopt_atom_v, std::vector<caf::strong_actor_ptr>{sink()});
  run();
  store_->calls.clear();
  store_->events_left = 10'000;
  std::optional<decltype(bind(""))> question;
  store_->on_call = [this, &question] {
    if (store_->called("events") == 3 && !question)
      question.emplace(bind("d"));
  };
  coordinator_->clock().advance_time(50ms);
  run();
  ASSERT_TRUE(question);
  EXPECT_EQ(answer<bind_answers>(*question)->front().error, errc::none);
  auto bound = std::ranges::find(store_->calls, "bind");
  EXPECT_EQ(std::count(store_->calls.begin(), bound, "events"), 3) << "next, whatever is left of them";
  EXPECT_EQ(store_->called("events"), 10u);
}

TEST_F(directory_of_a_slow_store, reads_its_size_now_and_then_and_never_while_somebody_waits) {
  coordinator_->clock().advance_time(1h);
  run();
  EXPECT_EQ(store_->called("size"), 1u);
  for (int i = 0; i < 19; ++i) {
    coordinator_->clock().advance_time(50ms);
    run();
  }
  EXPECT_EQ(store_->called("size"), 1u);
  auto question = bind("d");
  coordinator_->clock().advance_time(50ms); // due, behind the bind
  run();
  EXPECT_EQ(answer<bind_answers>(question)->front().error, errc::none);
  EXPECT_EQ(store_->called("size"), 1u);
  coordinator_->clock().advance_time(50ms);
  run();
  EXPECT_EQ(store_->called("size"), 2u);
  EXPECT_EQ(counted().directory_devices, 1);
}

TEST_F(directory_of_a_slow_store, doubts_what_another_process_lacks_until_membership_knows_it) {
  view_->set_run("first");
  auto known = lookup("d");
  run();
  EXPECT_FALSE(answer<lookup_answers>(known)->front().doubtful);
  store_->run = "second"; // its own connection meets it first
  auto early = lookup("d");
  auto list = (*self_)->request(directory_, 600min, list_atom_v, account_id::trusted("acme"));
  run();
  auto said = answer<lookup_answers>(early);
  EXPECT_EQ(said->front().error, errc::none);
  EXPECT_FALSE(said->front().found);
  EXPECT_TRUE(said->front().doubtful);
  EXPECT_EQ(answer<std::vector<storage::record>>(list).error(), errc::unavailable);
  view_->doubtful = true;
  view_->set_run("second");
  auto restoring = lookup("d");
  run();
  EXPECT_TRUE(answer<lookup_answers>(restoring)->front().doubtful);
  view_->doubtful = false;
  auto settled = lookup("d");
  run();
  EXPECT_FALSE(answer<lookup_answers>(settled)->front().doubtful);
}

TEST_F(directory_of_a_slow_store, tells_of_a_lost_stream_once_and_when_lists_are_answered_again) {
  view_->set_run("first");
  EXPECT_TRUE(watch());
  caf::anon_send(directory_, adopt_atom_v, std::vector<caf::strong_actor_ptr>{sink()});
  tick();
  EXPECT_EQ(resyncs_, 0u);
  store_->run = "second"; // its own connection meets it before membership does
  store_->stream_is_new = true;
  store_->events_left = 1;
  tick();
  EXPECT_TRUE(watch()) << "a watcher that comes now does not take the others' resync away";
  tick();
  EXPECT_EQ(resyncs_, 0u) << "nobody would be told what is there";
  EXPECT_EQ(store_->events_left, 1u) << "nor of what comes afterwards";
  view_->set_run("second");
  tick();
  EXPECT_EQ(resyncs_, 1u);
  tick();
  EXPECT_EQ(resyncs_, 1u);
  EXPECT_EQ(store_->events_left, 0u);
}

TEST_F(directory_of_a_slow_store, answers_a_count_behind_all_that_was_asked_before) {
  auto one = bind("d");
  caf::anon_send(directory_, sweep_atom_v, node_id::trusted("gone"), uint64_t{9});
  auto count = (*self_)->request(directory_, 600min, count_atom_v);
  run();
  EXPECT_EQ(store_->calls, (std::vector<std::string>{"bind", "sweep", "size"}));
  EXPECT_TRUE(answer<bind_answers>(one));
  EXPECT_TRUE(answer<uint64_t>(count) == uint64_t{1});
}

TEST_F(directory_of_a_slow_store, answers_a_count_under_load_that_never_ends) {
  auto one = bind("d0");
  auto count = (*self_)->request(directory_, 600min, count_atom_v);
  std::vector<decltype(bind(""))> more;
  store_->on_call = [&] { // each bind finds another one behind it
    if (store_->calls.back() == "bind" && more.size() < 20)
      more.push_back(bind("d" + std::to_string(more.size() + 1)));
  };
  run();
  EXPECT_EQ(store_->called("bind"), 21u);
  auto answered = std::ranges::find(store_->calls, "size");
  EXPECT_EQ(std::count(store_->calls.begin(), answered, "bind"), 1) << "when its predecessor was done";
  EXPECT_TRUE(answer<bind_answers>(one));
  EXPECT_TRUE(answer<uint64_t>(count) == uint64_t{1});
  for (auto &x : more)
    EXPECT_TRUE(answer<bind_answers>(x));
}

TEST_F(directory_of_a_slow_store, counts_lists_and_those_that_came_too_late) {
  takes(4s);
  auto list = [&] { return (*self_)->request(directory_, 600min, list_atom_v, account_id::trusted("acme")); };
  auto one = list();
  auto late = list();
  run();
  using records = std::vector<storage::record>;
  EXPECT_TRUE(answer<records>(one));
  EXPECT_FALSE(answer<records>(late));
  EXPECT_EQ(counted().directory_requests, 1u);
  EXPECT_EQ(counted().directory_batches, 1u);
  EXPECT_EQ(counted().directory_late, 1u);
}

TEST_F(directory_of_a_slow_store, says_whether_word_for_another_node_is_kept) {
  auto post = [&](incarnation inc) {
    return (*self_)->request(directory_, 600min, notice_atom_v, node_id::trusted("n"), inc,
                             std::vector<storage::notice>{{device_id::trusted("d"), 5}});
  };
  auto kept = post(1);
  run();
  EXPECT_TRUE(answer<bool>(kept) == true);
  std::vector<decltype(post(1))> many;
  for (size_t i = 0; i <= directory_state::most_chores; ++i) // they come before the first is carried out
    many.push_back(post(1));
  run();
  EXPECT_TRUE(answer<bool>(many.back()) == false) << "one too many waits";
  EXPECT_EQ(counted().directory_refused, 1u);
  for (size_t i = 0; i + 1 < many.size(); ++i)
    ASSERT_TRUE(answer<bool>(many[i]) == true) << i;
}

} // namespace

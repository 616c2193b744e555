// SPDX-License-Identifier: Apache-2.0
#include "actors/loop.hpp"

#include "actors/api/api_actor.hpp"
#include "actors/session/session.hpp"
#include "actors/telemetry/log.hpp"

namespace stentor::actors {

namespace {

// A turn settles what its messages caused before the loop sleeps; a ping-pong among devices of one loop must
// not starve the sockets, so that it goes on in the next turn.
constexpr int settle_rounds = 4;
constexpr std::chrono::milliseconds longest_sleep{1000};
// How often a loop without a lease looks again.
constexpr std::chrono::milliseconds fenced_pause{10};
// Room for letters that a turn leaves for the next one: 24 KiB, enough for any but a burst.
constexpr size_t most_kept_letters = 1024;

} // namespace

loop::loop(node_context &ctx, uint16_t index, std::unique_ptr<net::event_loop> io)
    : caf::execution_unit{&ctx.sys}, ctx_{ctx}, index_{index}, io_{std::move(io)},
      counters_{ctx.numbers->loop(index)}, random_{std::random_device{}()}, sessions_{index},
      dispatcher_{*this}, admission_{static_cast<double>(ctx.lim().accept_rate) /
                                     static_cast<double>(ctx.cfg.loops)},
      outgoing_(ctx.cfg.loops) {
  if (ctx.is_clustered()) {
    lease_.emplace(ctx.view->lease, ctx.cluster_lim);
    io_->set_guard(this);
  }
  inbox_ = make_hosted<loop_inbox>(ctx.sys, *this, *this);
  api_ = make_hosted<actors::api_actor>(ctx.sys, *this, *this);
}

// Where it never ran, its actors still live.
loop::~loop() {
  stop_everything();
}

api_actor &loop::api() noexcept {
  return *api_;
}

void loop::exec_later(caf::resumable *what) {
  system().scheduler().enqueue(what);
}

void loop::enqueue(caf::strong_actor_ptr to, caf::mailbox_element_ptr what) {
  if (thread_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
    own_letters_.push_back({std::move(to), std::move(what)});
    return;
  }
  if (arrived_.put(letter{std::move(to), std::move(what)}))
    io_->wake();
}

void loop::receive(parcel what) {
  if (arrived_.put(std::move(what)))
    io_->wake();
}

void loop::put(uint16_t to, lane_item item) {
  assert_here();
  if (to == index_)
    local_.push_back(std::move(item));
  else
    outgoing_[to].items.push_back(std::move(item));
}

void loop::put(const place &to, lane_item item) {
  if (to.inc != 0 && to.inc != ctx_.inc)
    links_.put(to, std::move(item));
  else if (to.loop < outgoing_.size()) // a peer may name a loop that we do not have
    put(to.loop, std::move(item));
}

bool loop::take_batch(const link_batch &batch) {
  return links_.on_batch(batch, [this](lane_item &item) { handle(item); });
}

void loop::put_data(uint16_t to, items::deliver item, size_t cost) {
  if (to != index_) {
    outgoing_[to].data_bytes += cost;
    ++outgoing_[to].data_messages;
  }
  put(to, std::move(item));
}

bool loop::may_go_on() {
  // Every turn counts, those before the first lease too: else the first one under it looked like a return.
  auto state = lease_->turn(ctx_.boot_now());
  return abandoned_ || !ctx_.view->has_joined() || state == lease_state::held;
}

bool loop::may_write() const noexcept {
  return !lease_ || abandoned_ || !ctx_.view->has_joined() || lease_->may_write(ctx_.boot_now());
}

void loop::run_turn(std::chrono::milliseconds most) {
  assert_here();
  // Without a lease nothing moves: what devices send waits in the kernel, what others send in the mailbox,
  // until membership has asked the directory.
  if (lease_ && !abandoned_ && !may_go_on()) {
    counters_.fenced_turn();
    if (most.count() > 0)
      std::this_thread::sleep_for(fenced_pause);
    return;
  }
  auto has_work = more_ || !own_letters_.empty();
  auto may_sleep = most.count() > 0 && !has_work && arrived_.begin_sleep();
  if (!io_->poll(may_sleep ? most : std::chrono::milliseconds{0}))
    return;
  auto started = std::chrono::steady_clock::now();
  wall_now_ = std::chrono::duration_cast<std::chrono::milliseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count();
  take_arrivals();
  settle_turn();
  directory_.flush();
  hand_over();
  links_.flush();
  auto length = std::chrono::steady_clock::now() - started;
  counters_.turn(length);
  admission_.on_turn(length, io_->now());
  counters_.publish(io_->counters());
  counters_.publish(dispatcher_.flows());
  counters_.depth(queue::pending_verdicts, dispatcher_.pending());
  counters_.depth(queue::link_bytes, links_.pending_bytes());
  counters_.accept_budget(admission_.budget());
}

void loop::take_arrivals() {
  arrived_.take(taken_);
  size_t data_bytes = 0;
  for (auto &what : taken_.parcels)
    data_bytes += what.data_bytes;
  counters_.depth(queue::inbox, taken_.letters.size() + own_letters_.size() + taken_.parcels.size());
  counters_.depth(queue::lane_bytes, data_bytes);
  for (auto &what : taken_.parcels)
    handle_parcel(what);
  taken_.parcels.clear();
  handle_letters();
}

void loop::handle_letters() {
  // The loop's own letters are older than anything it caused in this turn.
  own_taken_.swap(own_letters_);
  for (auto *letters : {&own_taken_, &taken_.letters})
    for (auto &x : *letters)
      receiver_of(x).count_queued();
  for (auto *letters : {&own_taken_, &taken_.letters}) {
    for (auto &x : *letters) {
      receiver_of(x).receive(*x.what);
      receiver_of(x).count_unqueued();
    }
    letters->clear();
    if (letters->capacity() > most_kept_letters)
      letters->shrink_to_fit();
  }
}

void loop::handle_parcel(parcel &what) {
  for (auto &item : what.items)
    handle(item);
  ctx_.credit(what.from, index_).give(what.data_bytes, what.data_messages);
}

void loop::handle(lane_item &item) {
  std::visit([this](auto &x) { dispatcher_.handle(x); }, item);
}

void loop::handle_local() {
  // Two vectors that swap and keep their capacity: a turn allocates nothing for its own items.
  handling_.swap(local_);
  for (auto &item : handling_)
    handle(item);
  handling_.clear();
}

void loop::settle_turn() {
  for (int round = 0; round < settle_rounds && (!local_.empty() || io_->has_unflushed()); ++round) {
    handle_local();
    // The process may have been stopped in the middle of this turn.
    if (!may_write())
      break;
    io_->touch_clock();
    // Verdicts of what a flush wrote are told at once: a sender whose own flush is still to come hears them
    // in the same system call. Spans that a verdict carries end with the flush, not with the turn's
    // beginning.
    io_->flush([this] {
      if (local_.empty())
        return;
      io_->touch_clock();
      handle_local();
    });
  }
  more_ = !local_.empty() || io_->has_unflushed();
}

void loop::hand_over() {
  for (uint16_t to = 0; to < outgoing_.size(); ++to) {
    auto &what = outgoing_[to];
    if (what.items.empty())
      continue;
    what.from = index_;
    ctx_.loops[to]->receive(std::move(what));
    what = {};
  }
}

bool loop::admit() {
  switch (admission_.ask(now())) {
  case admission::answer::take:
    return true;
  case admission::answer::rest:
    acceptors_.rest_from_devices(admission::pause);
    return false;
  case admission::answer::refuse:
    return false;
  }
  return false;
}

void loop::join() {
  if (auto err = acceptors_.open_to_devices())
    log::error("acceptors", "listen.failed", {{"loop", index_}, {"error", render(err)}});
  ++ctx_.view->open_loops;
}

std::vector<caf::strong_actor_ptr> loop::everyone() {
  std::vector<caf::strong_actor_ptr> all;
  actors_.for_each([&](hosted_actor &who) { all.push_back(who.self()); });
  return all;
}

void loop::end_sessions() {
  for (auto &keep : everyone())
    if (auto *device = dynamic_cast<session *>(keep->get()))
      device->stop(caf::exit_reason::user_shutdown);
}

void loop::finish_messages() {
  dispatcher_.give_up_all();
  settle_turn();
  directory_.flush();
  hand_over();
  links_.flush();
}

void loop::drain() {
  acceptors_.close_to_devices();
  api_->drain();
  // The others take in what their accept rates allow, and this loop is one of several that send to them.
  auto slots = ctx_.view->slots();
  size_t others = 0;
  if (slots)
    for (auto &x : slots->nodes())
      others += x.inc != ctx_.inc;
  drainer_.start(ctx_.drain_over(), others * lim().accept_rate / ctx_.cfg.loops);
}

void loop::run() {
  thread_ = std::this_thread::get_id();
  while (!stop_.load(std::memory_order_relaxed)) {
    if (abandon_.load(std::memory_order_relaxed) && !abandoned_)
      abandon_now();
    run_turn(longest_sleep);
  }
  stop_everything();
  thread_ = std::thread::id{};
}

void loop::stop_everything() {
  acceptors_.close();
  drainer_.stop();
  restores_.stop();
  takeovers_.stop();
  unsettled_.stop();
  // The inbox is the oldest and goes last: what the others' ends cause still passes through it.
  for (auto *who = actors_.back(); who && who != inbox_.get(); who = actors_.back())
    who->stop(caf::exit_reason::user_shutdown);
  // Close frames, verdicts for devices of other loops, unbinds.
  settle_turn();
  directory_.flush();
  hand_over();
  links_.flush();
  inbox_->stop(caf::exit_reason::user_shutdown);
  directory_.stop();
  asks_.stop();
  // Whoever asked too late is told so. Parcels that come now are for devices that are gone.
  arrived_.take(taken_);
  taken_.parcels.clear();
  handle_letters();
}

void loop::request_abandon() {
  abandon_ = true;
  io_->wake();
}

void loop::abandon_now() {
  abandoned_ = true;
  acceptors_.close();
  sessions_.for_each([](session &who) { who.give_up(); });
  // Senders hear that nothing is known of their messages, as long as they can be told.
  dispatcher_.give_up_all();
  for (int round = 0; round < settle_rounds && !local_.empty(); ++round)
    handle_local();
  // Some of them have moved to other nodes by now, and messages of other nodes end here, too.
  links_.flush();
  links_.forget_all();
  sessions_.for_each([](session &who) { who.abandon(); });
}

void loop::sever(incarnation inc, uint32_t link_epoch, const char *why) {
  if (ctx_.mesh)
    ctx_.mesh->enqueue(inbox_->self(), caf::make_message_id(),
                       caf::make_message(sever_atom_v, inc, link_epoch, std::string{why}), this);
}

void loop::request_stop() {
  stop_ = true;
  io_->wake();
}

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
#include "actors/loop.hpp"

#include "actors/loop_parts.hpp"
#include "actors/telemetry/log.hpp"

namespace stentor::actors {

namespace {

// A turn settles what its messages caused before the loop sleeps; a ping-pong among devices of one loop must
// not starve the sockets, so that it goes on in the next turn.
constexpr int settle_rounds = 4;
constexpr std::chrono::milliseconds longest_sleep{1000};
// How often a loop without a lease looks again.
constexpr std::chrono::milliseconds fenced_pause{10};
// Room for messages that a turn leaves for the next one: 24 KiB, enough for any but a burst.
constexpr size_t most_kept_messages = 1024;

} // namespace

loop_parts::loop_parts(loop &host, node_context &ctx, admission_port &admission)
    : sessions{host.index()}, links{host}, outbox{host, links, ctx.cfg.loops}, requests{host},
      messages{{host, outbox, sessions, links, directory}}, fanouts{host, messages, directory},
      directory{{host, requests, sessions, links, outbox, messages}}, services{.messages = messages,
                                                                               .accounts = fanouts,
                                                                               .directory = directory,
                                                                               .admission = admission,
                                                                               .sessions = sessions,
                                                                               .lim = host.lim(),
                                                                               .counters = host.counters(),
                                                                               .scratch = host.scratch(),
                                                                               .node = ctx.id,
                                                                               .inc = ctx.inc,
                                                                               .loops = ctx.cfg.loops},
      acceptors{host, *this}, drainer{host}, inbox{make_hosted<loop_inbox>(ctx.sys, host, host, host)},
      api{make_hosted<api_actor>(ctx.sys, host, host, api_deps{messages, directory, requests})} {
  messages.report_to(asker::api, *api);
  messages.report_to(asker::fanout, fanouts);
  requests.answer_to(inbox.strong());
  links.speak_as(inbox.strong());
}

loop::loop(node_context &ctx, uint16_t index, std::unique_ptr<net::event_loop> io)
    : loop_env{ctx, index, std::move(io), actors_}, admission_{static_cast<double>(ctx.lim().accept_rate) /
                                                               static_cast<double>(ctx.cfg.loops)},
      parts_{new loop_parts{*this, ctx, static_cast<admission_port &>(*this)}} {
  if (ctx.is_clustered()) {
    lease_.emplace(ctx.view->lease, ctx.cluster_lim);
    io_->set_guard(this);
  }
}

// If it never ran, its actors still live.
loop::~loop() {
  stop_everything();
}

loop_inbox &loop::inbox() noexcept {
  return *parts_->inbox;
}

void loop::exec_later(caf::resumable *what) {
  system().scheduler().enqueue(what);
}

void loop::enqueue(caf::strong_actor_ptr to, caf::mailbox_element_ptr what) {
  if (thread_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
    own_messages_.push_back({std::move(to), std::move(what)});
    return;
  }
  if (arrived_.put(actor_message{std::move(to), std::move(what)}))
    io_->wake();
}

void loop::receive(lane_batch what) {
  if (arrived_.put(std::move(what)))
    io_->wake();
}

bool loop::take_batch(const link_batch &batch) {
  return parts_->links.on_batch(batch, [this](lane_item &item) { handle(item); });
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
    counters().fenced_turn();
    if (most.count() > 0)
      std::this_thread::sleep_for(fenced_pause);
    return;
  }
  auto has_work = more_ || !own_messages_.empty();
  auto may_sleep = most.count() > 0 && !has_work && arrived_.begin_sleep();
  if (!io_->poll(may_sleep ? most : std::chrono::milliseconds{0}))
    return;
  auto started = std::chrono::steady_clock::now();
  wall_now_ = std::chrono::duration_cast<std::chrono::milliseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count();
  take_arrivals();
  settle_turn();
  parts_->directory.flush();
  hand_over();
  parts_->links.flush();
  publish_counters(std::chrono::steady_clock::now() - started);
}

void loop::publish_counters(std::chrono::steady_clock::duration length) {
  auto &to = counters();
  to.turn(length);
  admission_.on_turn(length, io_->now());
  to.publish(io_->counters());
  to.publish(parts_->messages.flows());
  to.depth(queue::pending_verdicts, parts_->messages.pending());
  to.depth(queue::link_bytes, parts_->links.pending_bytes());
  to.accept_budget(admission_.budget());
}

void loop::take_arrivals() {
  arrived_.take(taken_);
  size_t data_bytes = 0;
  for (auto &what : taken_.batches)
    data_bytes += what.data_bytes;
  counters().depth(queue::inbox, taken_.messages.size() + own_messages_.size() + taken_.batches.size());
  counters().depth(queue::lane_bytes, data_bytes);
  for (auto &what : taken_.batches)
    handle_batch(what);
  taken_.batches.clear();
  handle_messages();
}

void loop::handle_messages() {
  // The loop's own messages are older than anything it caused in this turn.
  own_taken_.swap(own_messages_);
  for (auto *messages : {&own_taken_, &taken_.messages})
    for (auto &x : *messages)
      receiver_of(x).count_queued();
  for (auto *messages : {&own_taken_, &taken_.messages}) {
    for (auto &x : *messages) {
      receiver_of(x).receive(*x.what);
      receiver_of(x).count_unqueued();
    }
    messages->clear();
    if (messages->capacity() > most_kept_messages)
      messages->shrink_to_fit();
  }
}

void loop::handle_batch(lane_batch &what) {
  for (auto &item : what.items)
    handle(item);
  ctx_.credit(what.from, index()).give(what.data_bytes, what.data_messages);
}

void loop::handle(lane_item &item) {
  std::visit([this](auto &x) { parts_->messages.handle(x); }, item);
}

void loop::handle_local() {
  parts_->outbox.take_local([this](lane_item &item) { handle(item); });
}

void loop::settle_turn() {
  for (int round = 0; round < settle_rounds && (parts_->outbox.has_local() || io_->has_unflushed());
       ++round) {
    handle_local();
    // The process may have been stopped in the middle of this turn.
    if (!may_write())
      break;
    io_->touch_clock();
    // Verdicts of what a flush wrote are told at once: a sender whose own flush is still to come hears them
    // in the same system call. Spans that a verdict carries end with the flush, not with the turn's
    // beginning.
    io_->flush([this] {
      if (!parts_->outbox.has_local())
        return;
      io_->touch_clock();
      handle_local();
    });
  }
  more_ = parts_->outbox.has_local() || io_->has_unflushed();
}

void loop::hand_over() {
  parts_->outbox.hand_over([this](uint16_t to, lane_batch what) { all_[to]->receive(std::move(what)); });
}

uint32_t loop::retry_after_s() {
  return admission_.retry_after_s(random()());
}

bool loop::admit() {
  switch (admission_.ask(now())) {
  case admission::answer::take:
    return true;
  case admission::answer::rest:
    parts_->acceptors.rest_from_devices(admission::pause);
    return false;
  case admission::answer::refuse:
    return false;
  }
  return false;
}

void loop::join() {
  if (auto err = parts_->acceptors.open_to_devices())
    log::error("acceptors", "listen.failed", {{"loop", index()}, {"error", render(err)}});
  ++ctx_.view->open_loops;
}

std::vector<caf::strong_actor_ptr> loop::everyone() {
  std::vector<caf::strong_actor_ptr> all;
  actors_.for_each([&](hosted_actor &who) { all.push_back(who.self()); });
  return all;
}

void loop::end_sessions() {
  for (auto &keep : everyone())
    if (dynamic_cast<session_port *>(keep->get()))
      static_cast<hosted_actor *>(keep->get())->stop(caf::exit_reason::user_shutdown);
}

void loop::finish_messages() {
  parts_->messages.give_up_all();
  settle_turn();
  parts_->directory.flush();
  hand_over();
  parts_->links.flush();
}

void loop::drain() {
  parts_->acceptors.close_to_devices();
  parts_->api->drain();
  // The others take in what their accept rates allow, and this loop is one of several that send to them.
  auto slots = ctx_.view->slots();
  size_t others = 0;
  if (slots)
    for (auto &x : slots->nodes())
      others += x.inc != ctx_.inc;
  parts_->drainer.start(ctx_.drain_over(), others * lim().accept_rate / ctx_.cfg.loops);
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
  parts_->acceptors.close();
  parts_->drainer.stop();
  parts_->directory.stop();
  // The inbox is the oldest and goes last: what the others' ends cause still passes through it.
  for (auto *who = actors_.back(); who && who != parts_->inbox.get(); who = actors_.back())
    who->stop(caf::exit_reason::user_shutdown);
  // Close frames, verdicts for devices of other loops, unbinds.
  settle_turn();
  parts_->directory.flush();
  hand_over();
  parts_->links.flush();
  parts_->inbox->stop(caf::exit_reason::user_shutdown);
  parts_->directory.stop_asking();
  parts_->requests.stop();
  // Whoever asked too late is told so. Parcels that come now are for devices that are gone.
  arrived_.take(taken_);
  taken_.batches.clear();
  handle_messages();
}

void loop::request_abandon() {
  abandon_ = true;
  io_->wake();
}

void loop::abandon_now() {
  abandoned_ = true;
  parts_->acceptors.close();
  parts_->sessions.for_each([](session_port &who) { who.give_up(); });
  // Senders hear that nothing is known of their messages, as long as they can be told.
  parts_->messages.give_up_all();
  for (int round = 0; round < settle_rounds && parts_->outbox.has_local(); ++round)
    handle_local();
  // Some of them have moved to other nodes by now, and messages of other nodes end here, too.
  parts_->links.flush();
  parts_->links.forget_all();
  parts_->sessions.for_each([](session_port &who) { who.abandon(); });
}

void loop::sever(incarnation inc, uint32_t link_epoch, const char *why) {
  if (ctx_.mesh)
    ctx_.mesh->enqueue(parts_->inbox->self(), caf::make_message_id(),
                       caf::make_message(sever_atom_v, inc, link_epoch, std::string{why}), this);
}

void loop::request_stop() {
  stop_ = true;
  io_->wake();
}

} // namespace stentor::actors

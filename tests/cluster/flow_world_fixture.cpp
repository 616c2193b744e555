// SPDX-License-Identifier: Apache-2.0
#include "tests/cluster/flow_world.hpp"

#include <algorithm>

namespace stentor::test {

// -- the sender's loop ----

void flow_world::sender::enter(const envelope &e, bool fresh) {
  ++held;
  held_bytes += e.cost();
  if (fresh) {
    ++held_fresh;
    held_fresh_bytes += e.cost();
  }
}

void flow_world::sender::leave(const envelope &e, bool fresh) {
  --held;
  held_bytes -= e.cost();
  if (fresh) {
    --held_fresh;
    held_fresh_bytes -= e.cost();
  }
}

void flow_world::sender::forward(const route &to, envelope_ptr e) {
  leave(*e, !e->resent);
  auto loop = world->loop_of(to);
  if (!loop) { // a late answer named a node that is lost
    world->end(*e, verdict::unreachable);
    world->schedule(0, event::kind::route_lost, index, 0, to.inc);
    return;
  }
  auto &l = world->forth(index, *loop);
  if (l.items.size() >= 20) {
    world->end(*e, verdict::congested);
    return;
  }
  world->put(l, event::kind::arrive, index, *loop, {item::kind::message, to, std::move(e)});
}

void flow_world::sender::send_marker(const route &to, const device_id &, uint64_t marker) {
  ++world->counts_.turns;
  auto loop = world->loop_of(to);
  if (!loop)
    world->schedule(0, event::kind::route_lost, index, 0, to.inc);
  else
    world->put(world->forth(index, *loop), event::kind::arrive, index, *loop,
               {item::kind::marker, to, nullptr, marker});
}

void flow_world::sender::resolve(const device_id &, uint64_t ticket) {
  world->schedule(1 + world->random(world->chance(20) ? 300 : 30), event::kind::answer, index, 0, ticket);
}

void flow_world::sender::settle(envelope_ptr e, verdict v, stage) {
  // A bounced message was sent before, a fresh one never.
  leave(*e, e->reached < stage::sent);
  world->end(*e, v);
}

// -- the world ----

flow_world::flow_world(uint32_t seed, fault broken) : random_{seed}, fault_{broken} {
  limits_.max_flow_messages = static_cast<size_t>(2 + random(20));
  limits_.max_flow_bytes = static_cast<size_t>(1000 + random(10000));
  targets_.resize(static_cast<size_t>(1 + random(3)));
  for (auto &t : targets_)
    t.inc = ++incarnations_;
  auto loops = static_cast<size_t>(1 + random(3));
  forth_ = std::vector<link>(loops * targets_.size());
  back_ = std::vector<link>(loops * targets_.size());
  for (size_t i = 0; i < loops; ++i) {
    auto &s = *senders_.emplace_back(std::make_unique<sender>());
    s.world = this;
    s.index = i;
    schedule(random(100), event::kind::send, i);
    schedule(50, event::kind::tick, i);
  }
  if (chance(80))
    connect();
  schedule(random(200), event::kind::act);
}

void flow_world::schedule(int64_t delay, event::kind what, size_t a, size_t b, uint64_t n) {
  events_.push({clock_ + delay, ++order_, what, a, b, n});
}

std::optional<size_t> flow_world::loop_of(const route &r) const {
  for (size_t i = 0; i < targets_.size(); ++i)
    if (targets_[i].inc == r.inc)
      return i;
  return std::nullopt;
}

void flow_world::put(link &l, event::kind arrival, size_t a, size_t b, item x) {
  l.last_arrival = std::max(l.last_arrival, clock_ + 1 + random(chance(5) ? 200 : 20));
  l.items.push_back(std::move(x));
  events_.push({l.last_arrival, ++order_, arrival, a, b, l.life});
}

void flow_world::end(const envelope &e, verdict v) {
  trace_.push_back({trace_event::kind::ended, static_cast<int>(e.id.high), static_cast<int>(e.id.low), v});
  counts_.offline += v == verdict::offline;
  counts_.unreachable += v == verdict::unreachable;
  counts_.expired += v == verdict::expired;
  counts_.congested += v == verdict::congested;
}

std::string flow_world::run() {
  while (!events_.empty() && broken_.empty()) {
    auto x = events_.top();
    events_.pop();
    clock_ = x.at;
    handle(x);
  }
  if (!broken_.empty())
    return broken_;
  for (const auto &s : senders_)
    if (!s->path.is_quiet() || s->path.waiting() != 0)
      return "the flow of sender " + std::to_string(s->index) + " is not quiet at the end";
  return broken_promise(trace_);
}

void flow_world::handle(const event &x) {
  auto *s = x.a < senders_.size() ? senders_[x.a].get() : nullptr;
  switch (x.what) {
  case event::kind::send:
    send_some(*s);
    break;
  case event::kind::tick:
    s->path.expire(now(), *s);
    if (clock_ < length + 2000)
      schedule(50, event::kind::tick, x.a);
    break;
  case event::kind::arrive:
    if (x.n == forth(x.a, x.b).life)
      arrive(x.a, x.b);
    break;
  case event::kind::arrive_back:
    if (x.n == back(x.a, x.b).life)
      arrive_back(x.a, x.b);
    break;
  case event::kind::answer: {
    resolution r{resolution::kind::unknown, {}};
    if (!chance(4)) {
      // Mostly the truth, sometimes what was true a while ago.
      auto age = chance(75) ? 0 : random(std::min<int64_t>(4, static_cast<int64_t>(bound_.size())));
      counts_.stale_answers += age != 0;
      const auto &known = bound_[bound_.size() - 1 - static_cast<size_t>(age)];
      r.what = known ? resolution::kind::found : resolution::kind::none;
      if (known)
        r.at = *known;
    }
    s->path.on_resolved(x.n, r, *s);
    break;
  }
  case event::kind::act:
    act();
    break;
  case event::kind::flush:
    flush(*sessions_[x.a]);
    return;
  case event::kind::supersede:
    kill(*sessions_[x.a]);
    return;
  case event::kind::route_lost:
    s->path.on_route_lost(x.n, *s);
    break;
  case event::kind::learn:
    if (bound_.back()) {
      ++counts_.learned;
      s->path.learn(*bound_.back(), *s);
    }
    break;
  }
  for (const auto &each : senders_)
    if (broken_.empty())
      broken_ = check_books(*each);
}

std::string flow_world::check_books(const sender &s) const {
  auto who = "the flow of sender " + std::to_string(s.index);
  if (s.path.waiting() != s.held || s.path.waiting_bytes() != s.held_bytes)
    return who + " counts " + std::to_string(s.path.waiting()) + " messages and " +
           std::to_string(s.path.waiting_bytes()) + " bytes where it holds " + std::to_string(s.held) +
           " and " + std::to_string(s.held_bytes);
  if (s.held_fresh > limits_.max_flow_messages || s.held_fresh_bytes > limits_.max_flow_bytes)
    return who + " holds more than its bounds";
  if (s.held > 0 && (s.path.state() == flow::mode::idle || s.path.state() == flow::mode::direct))
    return who + " holds messages and waits for nothing";
  return {};
}

void flow_world::send_some(sender &s) {
  for (auto n = 1 + random(3); n > 0; --n) {
    auto e = std::make_unique<envelope>();
    e->id = {s.index, static_cast<uint64_t>(s.next++)};
    e->to = s.path.device();
    e->data = std::make_shared<const std::string>(static_cast<size_t>(random(100)), 'x');
    e->accepted_at = now();
    e->deadline = now() + std::chrono::milliseconds{chance(10) ? 1 + random(100) : 1500};
    e->expires = chance(5) ? now() + std::chrono::milliseconds{1 + random(100)} : time_point::max();
    trace_.push_back({trace_event::kind::sent, static_cast<int>(e->id.high), static_cast<int>(e->id.low)});
    s.enter(*e, true);
    s.path.send(std::move(e), limits_, s);
  }
  if (clock_ < length)
    schedule(1 + random(chance(5) ? 400 : 60), event::kind::send, s.index);
}

// -- the paths ----

void flow_world::arrive(size_t from, size_t to) {
  auto x = std::move(forth(from, to).items.front());
  forth(from, to).items.pop_front();
  if (x.what == item::kind::marker) {
    put(back(from, to), event::kind::arrive_back, from, to, std::move(x));
    return;
  }
  auto &s = *sessions_[x.at.session.generation - 1];
  if (!s.alive) {
    bounce(to, x.at, std::move(x.e));
    return;
  }
  s.cork.push_back(std::move(x.e));
  if (!std::exchange(s.flushing, true))
    schedule(random(chance(20) ? 150 : 5), event::kind::flush, x.at.session.generation - 1);
}

void flow_world::arrive_back(size_t from, size_t to) {
  auto x = std::move(back(from, to).items.front());
  back(from, to).items.pop_front();
  auto &s = *senders_[from];
  if (x.what == item::kind::marker) {
    s.path.on_marker(x.number, s);
    return;
  }
  ++counts_.bounced;
  s.enter(*x.e, false);
  s.path.on_stale(std::move(x.e), x.at, s);
}

void flow_world::bounce(size_t loop, const route &refused, envelope_ptr e) {
  auto from = static_cast<size_t>(e->id.high);
  put(back(from, loop), event::kind::arrive_back, from, loop, {item::kind::message, refused, std::move(e)});
}

// -- the device's end ----

void flow_world::flush(session &s) {
  s.flushing = false;
  for (auto n = random(6); n > 0 && !s.cork.empty(); --n) {
    auto e = std::move(s.cork.front());
    s.cork.pop_front();
    trace_.push_back({trace_event::kind::written, static_cast<int>(e->id.high), static_cast<int>(e->id.low)});
    end(*e, verdict::written);
    ++counts_.written;
    counts_.written_resent += e->resent;
  }
  if (!s.cork.empty()) {
    s.flushing = true;
    schedule(1 + random(40), event::kind::flush, s.at.session.generation - 1);
  }
}

void flow_world::kill(session &s) {
  if (!s.alive)
    return;
  s.alive = false;
  if (current_ == &s) {
    current_ = nullptr;
    bound_.push_back(std::nullopt);
  }
  if (fault_ == fault::holds_back)
    return;
  for (auto &e : std::exchange(s.cork, {}))
    bounce(s.loop, s.at, std::move(e));
}

void flow_world::act() {
  auto dice = random(100);
  if (dice < 50)
    connect();
  else if (dice < 75 && current_)
    kill(*current_);
  else if (dice < 80)
    lose_node(static_cast<size_t>(random(static_cast<int64_t>(targets_.size()))));
  else
    schedule(random(20), event::kind::learn,
             static_cast<size_t>(random(static_cast<int64_t>(senders_.size()))));
  if (clock_ < length)
    schedule(1 + random(chance(30) ? 20 : 300), event::kind::act);
}

void flow_world::connect() {
  auto &s = *sessions_.emplace_back(std::make_unique<session>());
  s.loop = static_cast<size_t>(random(static_cast<int64_t>(targets_.size())));
  auto generation = sessions_.size();
  s.at = {node_id::trusted("n" + std::to_string(s.loop)),
          targets_[s.loop].inc,
          {static_cast<uint16_t>(s.loop), 0, generation},
          ++epochs_};
  // The old session hears of it late, and takes messages until then.
  if (current_)
    schedule(random(60), event::kind::supersede, current_->at.session.generation - 1);
  current_ = &s;
  bound_.push_back(s.at);
}

/// The node is gone with all it held: whoever owns a verdict of those says that the outcome is unknown.
void flow_world::lose_node(size_t loop) {
  ++counts_.roads_lost;
  auto lost = std::exchange(targets_[loop].inc, ++incarnations_);
  for (auto &s : sessions_)
    if (s->at.inc == lost) {
      for (auto &e : std::exchange(s->cork, {}))
        end(*e, verdict::unreachable);
      kill(*s);
    }
  for (auto &s : senders_) {
    for (auto *l : {&forth(s->index, loop), &back(s->index, loop)}) {
      for (auto &x : std::exchange(l->items, {}))
        if (x.e)
          end(*x.e, verdict::unreachable);
      ++l->life;
    }
    s->path.on_route_lost(lost, *s);
  }
}

} // namespace stentor::test

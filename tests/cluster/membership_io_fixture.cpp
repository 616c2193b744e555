// SPDX-License-Identifier: Apache-2.0
// What memberships ask for: the directory over a connection, the peers over links.
#include "tests/cluster/membership_process.hpp"

#include <algorithm>

namespace stentor::test {

using std::chrono::milliseconds;

// -- the directory ----

bool membership_world::reaches(const process &p) const {
  return directory_up_ && !p.directory_cut;
}

void membership_world::renew(process &p, bool draining) {
  auto inc = p.who.inc;
  auto sent = clock_;
  auto sent_at = boot_clock_of(p);
  auto done = std::make_shared<bool>(false); // the client's: answered or timed out
  auto once = [this, &p, inc, done](std::function<void()> what) {
    deliver(p, inc, [done, what = std::move(what)] {
      if (!std::exchange(*done, true))
        what();
    });
  };
  after(limits_.renewal_late.count(), [this, &p, inc, done] {
    deliver(p, inc, [this, &p, done] {
      if (!*done)
        carry_out(p, p.m->on_renewal_failed(renewal_failure::late, boot_clock_of(p)));
    });
  });
  after(limits_.renewal_timeout.count(), [this, &p, once] {
    once([this, &p] {
      carry_out(p,
                p.m->on_renewal_failed(chance(50) ? renewal_failure::timed_out : renewal_failure::unavailable,
                                       boot_clock_of(p)));
    });
  });
  after(directory_delay(), [this, &p, once, sent, sent_at, draining] {
    if (!reaches(p) || !p.alive)
      return;
    renewal r;
    auto failed = directory_.renew({p.who, p.name.str() + ":1", draining}, directory_clock(), r);
    after(directory_delay(), [this, &p, once, sent, sent_at, failed, r]() mutable {
      if (!reaches(p))
        return;
      once([this, &p, sent, sent_at, failed, r]() mutable {
        if (failed) {
          counts_.waited += *failed == renewal_failure::held;
          carry_out(p, p.m->on_renewal_failed(*failed, boot_clock_of(p)));
          return;
        }
        r.answered_at = boot_clock_of(p);
        r.sent_at = fault_ == fault::late_lease ? r.answered_at : sent_at;
        if (p.first_grant_uptime < 0) {
          p.granted_at = clock_;
          p.first_grant_uptime = std::chrono::microseconds{r.uptime}.count();
        }
        p.answer_to = sent;
        carry_out(p, p.m->on_renewed(r));
        p.answer_to = -1;
        p.true_before = p.true_until;
        p.true_until =
            sent + limits_.lease.count(); // not sooner: it may have found that the last one is over
      });
    });
  });
}

void membership_world::sweep(process &p, const slot_node &who) {
  after(directory_delay(), [this, &p, who, inc = p.who.inc] {
    if (!reaches(p) || !p.alive || p.frozen || p.who.inc != inc) {
      p.sweeping.erase(who); // this sweep got stuck
      return;
    }
    auto ended = directory_.dead_lease(who);
    if (ended && directory_clock() < *ended + 1'000'000)
      broken(p, "sweeps " + std::to_string(who.inc) + " too early");
    if (directory_.sweep(who)) {
      ++counts_.swept;
      sweep(p, who);
    } else {
      p.sweeping.erase(who);
    }
  });
}

// -- what a membership asks for ----

void membership_world::carry_out(process &p, membership::actions list) {
  for (auto &a : list) {
    if (auto *x = std::get_if<do_renew>(&a)) {
      renew(p, x->draining);
    } else if (auto *x = std::get_if<do_publish>(&a)) {
      p.board->publish(x->until, x->asked_at);
      // What the world knows to have been asked then, not what membership says.
      p.asked_at = p.answer_to >= 0
                       ? p.answer_to
                       : std::chrono::duration_cast<milliseconds>(x->asked_at.time_since_epoch()).count() -
                             p.clock_offset;
    } else if (std::get_if<do_revoke>(&a)) {
      p.board->revoke();
    } else if (auto *x = std::get_if<on_fenced>(&a)) {
      counts_.fenced += x->fenced;
      // The directory may come and go once within a lease; more often, or where its answers take 2 s beside,
      // others renew where we cannot: a lease has no time for a lost renewal and a slow one.
      auto since = p.true_until - limits_.lease.count();
      auto changes = std::count_if(directory_changes_.begin(), directory_changes_.end(),
                                   [since](auto t) { return t >= since; });
      auto endured = directory_slow_ || directory_slow_until_ >= since ? 0 : 2;
      auto is_double = std::any_of(processes_.begin(), processes_.end(),
                                   [&](auto &q) { return q.get() != &p && q->alive && q->name == p.name; });
      if (x->fenced && !is_double && clock_ - other_fault_at_ > 12'000 && clock_ - p.started_at > 12'000 &&
          changes <= endured)
        broken(p, "fences though nothing but the directory failed");
    } else if (auto *x = std::get_if<on_view>(&a)) {
      p.view = std::move(*x);
    } else if (auto *x = std::get_if<do_declare_dead>(&a)) {
      if (is_linked(p, x->who))
        broken(p, "declares " + std::to_string(x->who.inc) + " dead over a healthy link");
      after(directory_delay(), [this, &p, who = x->who] {
        if (reaches(p) && p.alive && directory_.declare_dead(who, directory_clock())) {
          ++counts_.declared;
          // Away or empty, the directory makes nobody dead who would have renewed; but a newer start of the
          // same node may have been first to ask once it was back.
          auto *q = find(who);
          if (q && q->name != p.name && !q->frozen && !q->directory_cut && q->calm_since < clock_ - 10'000)
            broken(p, "declared " + std::to_string(who.inc) + " dead who is well");
          if (theme_ == theme::directory_only)
            broken(p, "declared " + std::to_string(who.inc) + " dead though nobody died");
        }
      });
    } else if (auto *x = std::get_if<do_sweep>(&a)) {
      if (is_linked(p, x->who))
        broken(p, "sweeps " + std::to_string(x->who.inc) + " over a healthy link");
      if (p.sweeping.insert(x->who).second)
        sweep(p, x->who);
    } else if (auto *x = std::get_if<do_ask>(&a)) {
      for (const auto &who : x->whom)
        after(between(1, 30), [this, &p, who, round = x->round, inc = p.who.inc] {
          auto *q = find(who);
          if (!q || cuts_.contains(std::minmax(p.index, q->index)))
            return;
          deliver(*q, who.inc, [this, &p, q, round, inc] {
            auto can = q->m->can_renew(boot_clock_of(*q));
            auto from = q->who;
            if (can)
              after(between(1, 30), [this, &p, q, from, round, inc, can] {
                if (!cuts_.contains(std::minmax(p.index, q->index)))
                  deliver(p, inc, [this, &p, from, round, can] {
                    carry_out(p, p.m->on_peer_answer(round, from, *can, boot_clock_of(p)));
                  });
              });
          });
        });
    } else if (auto *x = std::get_if<on_outage>(&a)) {
      counts_.outages += x->began;
    } else if (std::get_if<do_restore>(&a)) {
      ++counts_.restores;
    } else if (std::get_if<do_rejoin>(&a)) {
      ++counts_.rejoined;
      last_death_at_ = clock_;
      bool replaced = std::any_of(processes_.begin(), processes_.end(),
                                  [&](auto &q) { return q.get() != &p && q->alive && q->name == p.name; });
      if (replaced)
        kill(p);
      else
        begin_life(p);
      return;
    } else if (auto *x = std::get_if<on_ready>(&a)) {
      p.ready = x->ready;
      p.word = x->word;
    }
  }
}

} // namespace stentor::test

// SPDX-License-Identifier: Apache-2.0
#include "actors/directory/unsettled_records.hpp"

#include "actors/core/loop_env.hpp"
#include "actors/core/node_context.hpp"
#include "actors/core/requests.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/outbox.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/directory/directory_client.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

constexpr std::chrono::milliseconds tick_length{250};
constexpr std::chrono::milliseconds look_again{1000};
constexpr uint8_t max_looks = 10; // what then still stands, the auditor finds
constexpr size_t most = 32768;    // as unbinds wait
// Of a batch that was lost whole; the others' sessions want their answers, too.
constexpr size_t looks_a_tick = 128;

} // namespace

void unsettled_records::add(unsettled_record what) {
  keep(entry{std::move(what)});
}

void unsettled_records::add(const device_id &device, const session_ref &who) {
  add({device, who, 0, host_.now() + binder::answer_time});
}

void unsettled_records::keep(entry what) {
  if (waiting_.size() >= most) {
    host_.counters().overflow(queue::unbinds);
    return;
  }
  waiting_.push_back(std::move(what));
  if (!tick_.is_armed())
    host_.io().timers().schedule(tick_, host_.now() + tick_length);
}

void unsettled_records::on_tick() {
  auto now = host_.now();
  std::vector<entry> due;
  std::erase_if(waiting_, [&](entry &x) {
    if (x.what.settled_at > now || due.size() == looks_a_tick)
      return false;
    due.push_back(std::move(x));
    return true;
  });
  for (auto &x : due)
    give_up(std::move(x));
  if (!waiting_.empty() && !tick_.is_armed())
    host_.io().timers().schedule(tick_, now + tick_length);
}

void unsettled_records::give_up(entry x) {
  auto &what = x.what;
  if (auto *session = sessions_.find(what.who); session && session->held().is_bound())
    return; // it ends with an unbind of its own
  if (what.ep != 0) {
    client_.unbind({what.device, what.ep, host_.context().lease_until()});
    return;
  }
  client_.lookup(what.device, [this, x](const lookup_answer &answer) mutable {
    auto &ctx = host_.context();
    if (answer.error != errc::none) {
      x.what.settled_at = host_.now() + look_again;
      if (++x.looks < max_looks)
        keep(std::move(x));
    } else if (auto &found = answer.found;
               found && found->at.inc == ctx.inc && found->at.session == x.what.who) {
      client_.undo_unknown_bind({x.what.device, found->at.ep, ctx.lease_until()});
    }
  });
}

} // namespace stentor::actors

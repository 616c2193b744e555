// SPDX-License-Identifier: Apache-2.0
#include "actors/loop_inbox.hpp"

#include "actors/loop.hpp"
#include "actors/loop_answers.hpp"
#include "actors/loop_parts.hpp"

#include <algorithm>
#include <tuple>

namespace stentor::actors {

loop_inbox::loop_inbox(caf::actor_config &cfg, loop_env &host, loop &whose)
    : hosted_actor{cfg, host}, loop_{whose} {}

bool loop_inbox::on_message(caf::mailbox_element &what) {
  if (what.mid.is_response()) {
    loop_.parts().requests.on_answer(what.mid.request_id().integer_value(), what);
    return true;
  }
  auto &content = what.content();
  if (content.match_elements<event_atom, session_ref, storage::event>()) {
    if (auto *who = loop_.parts().sessions.find(content.get_as<session_ref>(1)))
      who->on_event(content.get_as<storage::event>(2));
    return true;
  }
  if (content.match_elements<batch_atom, link_batch>()) {
    auto &batch = content.get_as<link_batch>(1);
    if (!loop_.take_batch(batch))
      loop_.sever(batch.from, batch.link_epoch, "an invalid batch");
    return true;
  }
  if (content.match_elements<link_atom, link_news>()) {
    on_link_news(content.get_as<link_news>(1));
    return true;
  }
  if (content.match_elements<put_back_atom>()) {
    loop_.parts().directory.restores().start();
    return true;
  }
  if (content.match_elements<notice_atom, std::vector<storage::notice>>()) {
    loop_.parts().directory.takeovers().on_notices(content.get_as<std::vector<storage::notice>>(1));
    return true;
  }
  if (content.match_elements<dead_atom, uint64_t>()) {
    loop_.parts().directory.takeovers().on_dead(content.get_as<uint64_t>(1));
    return true;
  }
  if (content.match_elements<resync_atom, session_ref>()) {
    if (auto *who = loop_.parts().sessions.find(content.get_as<session_ref>(1)))
      who->on_resync();
    return true;
  }
  if (content.match_elements<join_atom>()) {
    loop_.join();
    return true;
  }
  if (content.match_elements<drain_atom>()) {
    loop_.drain();
    return true;
  }
  if (content.match_elements<conclude_atom>()) {
    loop_.end_sessions();
    return true;
  }
  if (content.match_elements<top_atom, uint32_t>()) {
    reply(what, caf::make_message(busiest(content.get_as<uint32_t>(1))));
    return true;
  }
  if (content.match_elements<ask_atom, admin_question>()) {
    // From another node's operator; the answer goes there without us.
    auto inspector = caf::actor_cast<caf::strong_actor_ptr>(host().context().inspector);
    if (inspector)
      inspector->enqueue(what.sender, what.mid, what.move_content_to_message(), &host());
    return static_cast<bool>(inspector);
  }
  if (auto answer = answer_of(loop_, content)) {
    reply(what, std::move(*answer));
    return true;
  }
  return false;
}

void loop_inbox::on_link_news(const link_news &news) {
  loop_.parts().links.on_news(news);
  if (news.up) {
    for (auto &batch : loop_.parts().links.take_early(news.inc, news.link_epoch))
      if (!loop_.take_batch(batch))
        loop_.sever(batch.from, batch.link_epoch, "an invalid batch");
    return;
  }
  loop_.parts().messages.on_link_lost(news.inc);
  loop_.parts().requests.end_to(news.inc);
}

std::vector<actor_info> loop_inbox::busiest(uint32_t most) {
  std::vector<hosted_actor *> all;
  host().actors().for_each([&](hosted_actor &who) { all.push_back(&who); });
  auto rank = [](const hosted_actor *x) {
    return std::tuple{x->queue_length(), x->counters().handled, x->id()};
  };
  auto keep = std::min<size_t>(most, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(keep), all.end(),
                    [&](auto *a, auto *b) { return rank(a) > rank(b); });
  std::vector<actor_info> rows;
  rows.reserve(keep);
  for (size_t i = 0; i < keep; ++i) {
    auto &who = *all[i];
    auto queued = static_cast<uint32_t>(who.queue_length());
    rows.push_back({who.name(), who.subject(), host().index(), who.id(), who.counters().handled, queued,
                    std::max(who.counters().peak, queued),
                    in_ms(host().now()) - who.counters().last_active_ms});
  }
  return rows;
}

} // namespace stentor::actors

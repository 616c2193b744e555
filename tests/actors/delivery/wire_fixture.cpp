// SPDX-License-Identifier: Apache-2.0
#include "tests/actors/delivery/wire_fixture.hpp"

#include <algorithm>
#include <sstream>

namespace stentor::actors::test {

namespace {

session_ref some_ref() {
  return {3, 70000, 0x123456789abcdef0};
}

outcome plain_outcome(verdict v) {
  outcome x;
  x.what = v;
  return x;
}

/// One side's view of the values in an item.
class printer {
public:
  printer(const wire_link &link, bool as_told) : link_{link}, as_told_{as_told} {}

  std::string take() { return out_.str(); }

  template <class T>
  printer &operator<<(const T &x) {
    put(x);
    out_ << ' ';
    return *this;
  }
  printer &time(time_point t, time_point none) {
    return t == none ? *this << "never" : *this << std::chrono::floor<microseconds>(t - link_.now).count();
  }

private:
  void put(std::string_view x) { out_ << '"' << x << '"'; }
  void put(const std::string &x) { put(std::string_view{x}); }
  void put(const char *x) { put(std::string_view{x}); }
  template <class T>
  requires std::is_arithmetic_v<T>
  void put(T x) { out_ << +x; }
  template <class T>
  requires std::is_enum_v<T>
  void put(T x) { out_ << static_cast<unsigned>(x); }
  template <class Tag>
  void put(const id<Tag> &x) {
    put(x.str());
  }
  void put(const session_ref &x) { out_ << x.loop << '/' << x.index << '/' << x.generation; }
  void put(const place &x) {
    auto at = x;
    if (as_told_) {
      at.inc = x.inc == 0 ? link_.own : x.inc == link_.peer ? 0 : x.inc;
      at.link_epoch = x.inc == 0 ? at_b().link_epoch : 0;
    }
    out_ << std::hex << at.inc << std::dec << '/' << at.link_epoch << '/' << at.loop;
  }
  void put(const route &x) { *this << x.node << x.inc << x.session << x.ep; }
  void put(const via &x) { *this << (as_told_ && x.ep != 0 && x.node.empty() ? link_.self : x.node) << x.ep; }
  template <class T>
  void put(const std::optional<T> &x) {
    x ? put(*x) : put("none");
  }
  void put(const outcome &x) {
    *this << x.what << x.at << x.by << x.first << x.target_us << (x.detail ? x.detail : "none");
  }
  void put(const envelope &x) {
    *this << x.id.high << x.id.low << x.to << x.from_device() << *x.data << x.data_format << x.wants << x.by
          << x.reached << x.resent << x.key << x.key_digest << x.answer_to.at << x.answer_to.correlation;
    if (x.from)
      *this << x.from->account;
    if (x.from && x.from->allowed) {
      *this << "may" << x.from->allowed->any_account;
      for (const auto &account : x.from->allowed->accounts)
        *this << account;
    }
    time(x.accepted_at, {}).time(x.deadline, time_point::max()).time(x.expires, time_point::max());
    time(x.arrived_at, {});
  }
  void put(const owed_verdict &x) {
    *this << x.id << x.result << x.total_us;
    if (x.copies)
      for (const auto &copy : *x.copies)
        *this << "copy" << copy.device << copy.result;
  }
  void put(const message_id &x) { *this << x.high << x.low; }
  void put(const open_message &x) {
    *this << "open" << x.id << x.client_id << x.wants;
    // Whoever takes it waits for word of who told it.
    *this << (as_told_ ? link_.own : x.told_by);
    time(x.accepted_at, {}).time(x.deadline, time_point::max());
  }
  void put(const idempotency::entry &x) {
    *this << "key" << x.from << x.key << x.digest << x.settled << x.by;
    time(x.when, time_point::max());
  }

  const wire_link &link_;
  bool as_told_;
  std::ostringstream out_;
};

struct item_printer {
  printer &out;
  void operator()(items::deliver &x) { out << "deliver" << x.to << x.ep << *x.what; }
  void operator()(items::bounce &x) { out << "bounce" << x.refused << *x.what; }
  void operator()(items::marker &x) {
    out << "marker" << x.to << x.device << x.id << x.sender << x.returning;
  }
  void operator()(items::settle &x) { out << "settle" << x.correlation << x.interim << x.result; }
  void operator()(std::unique_ptr<items::owed> &x) { out << "owed" << x->to << x->what << x->message; }
  void operator()(std::unique_ptr<items::settle_key> &x) {
    out << "settle_key" << x->to << x->from << x->key << static_cast<int>(x->what) << x->by.node << x->by.ep;
  }
  void operator()(std::unique_ptr<items::supersede> &x) {
    out << "supersede" << x->to << x->device << x->newer << x->sender;
  }
  void operator()(std::unique_ptr<items::supersede_seen> &x) {
    out << "supersede_seen" << x->device << x->newer << x->by;
  }
  void operator()(std::unique_ptr<items::hand_over> &x) {
    out << "hand_over" << x->to << x->device << x->newer << x->requester << x->from;
    for (auto byte : x->proof)
      out << byte;
  }
  void operator()(items::handed_over &x) {
    out << "handed_over" << x.to;
    if (!x.state) {
      out << "nothing";
      return;
    }
    for (const auto &key : x.state->keys.take_entries())
      out << key;
    for (const auto &e : x.state->unconfirmed.take_all())
      out << *e;
    for (const auto &verdict : x.state->owed)
      out << verdict;
    for (const auto &message : x.state->open.all())
      out << message;
  }
  void operator()(std::unique_ptr<items::route_lost> &) { out << "route_lost"; }
};

std::string broken_promise(const envelope &e) {
  if (!is_valid_id(e.to.str()) ||
      (e.from && (!is_valid_id(e.from->device.str()) || !is_valid_id(e.from->account.str()))))
    return "an id";
  if (!e.data || e.data->empty() || e.data->size() > wire::max_payload_bytes)
    return "the payload";
  if (e.wants > want::none || e.reached > stage::written || e.by > source::http ||
      e.data_format > format::msgpack || e.key.size() > 128)
    return "an enum or the key";
  if (e.from && e.from->allowed && e.from->allowed->accounts.size() > wire::max_grants)
    return "the grants";
  return {};
}

std::string broken_promise(const outcome &x) {
  return x.what > verdict::unreachable || x.at > stage::written ||
                 (x.detail && known_detail(x.detail) != x.detail)
             ? "an outcome"
             : "";
}

bool is_awaited(const open_message &x) {
  return x.client_id.size() <= 64 && x.wants < want::none && x.deadline < time_point::max() && x.told_by != 0;
}

struct promise_checker {
  std::string operator()(const items::deliver &x) { return broken_promise(*x.what); }
  std::string operator()(const items::bounce &x) { return broken_promise(*x.what); }
  std::string operator()(const items::marker &x) { return is_valid_id(x.device.str()) ? "" : "a device"; }
  std::string operator()(const items::settle &x) { return broken_promise(x.result); }
  std::string operator()(const std::unique_ptr<items::owed> &x) {
    return x->what.id.size() > 64 ? "an id" : broken_promise(x->what.result);
  }
  std::string operator()(const std::unique_ptr<items::settle_key> &x) {
    return x->key.empty() ? "a key" : "";
  }
  std::string operator()(const std::unique_ptr<items::supersede> &x) {
    return is_valid_id(x->device.str()) ? "" : "a device";
  }
  std::string operator()(const std::unique_ptr<items::supersede_seen> &x) {
    return is_valid_id(x->device.str()) ? "" : "a device";
  }
  std::string operator()(const std::unique_ptr<items::hand_over> &x) {
    return is_valid_id(x->device.str()) ? "" : "a device";
  }
  std::string operator()(const items::handed_over &x) {
    return x.state &&
                   (x.state->owed.size() > session_state::max_owed || x.state->keys.size() > wire::max_keys ||
                    x.state->unconfirmed.size() > wire::max_unconfirmed ||
                    x.state->open.size() > open_messages::most ||
                    !std::ranges::all_of(x.state->open.all(), is_awaited))
               ? "the state"
               : "";
  }
  std::string operator()(const std::unique_ptr<items::route_lost> &) { return "the kind"; }
};

} // namespace

envelope_ptr plain_envelope(time_point now) {
  auto e = std::make_unique<envelope>();
  e->id = {0x018f00112233ffff, 0x8000000000000001};
  e->to = device_id::trusted("phone-1");
  e->data = std::make_shared<const std::string>("0");
  e->by = source::http;
  e->accepted_at = now;
  e->deadline = time_point::max();
  e->expires = time_point::max();
  return e;
}

std::shared_ptr<const sender> full_sender() {
  grants allowed{true, {account_id::trusted("alice"), account_id::trusted("bob")}};
  return std::make_shared<const sender>(sender{device_id::trusted("tablet.7@home:x_y"),
                                               account_id::trusted(std::string(128, 'Z')),
                                               std::make_shared<const grants>(std::move(allowed))});
}

envelope_ptr full_envelope(time_point now) {
  auto e = plain_envelope(now);
  e->from = full_sender();
  e->data = std::make_shared<const std::string>(std::string(300, '\xc1'));
  e->data_format = format::msgpack;
  e->wants = want::acked;
  e->by = source::device;
  e->reached = stage::written;
  e->resent = true;
  e->accepted_at = now - 1234567us;
  e->deadline = now - 3us;
  e->expires = now + 24h * 24;
  e->arrived_at = now - 40us;
  e->key = std::string(128, 'k');
  e->key_digest = 0xffffffffffffffff;
  e->answer_to = {{0, 0, 65535}, 0xfedcba9876543210};
  return e;
}

outcome full_outcome() {
  outcome x;
  x.what = verdict::duplicate;
  x.at = stage::written;
  x.by = {node_id::trusted("c"), 99};
  x.first = verdict::acked;
  x.target_us = 0xffffffff;
  x.detail = details::in_progress;
  return x;
}

namespace {

owed_verdict full_owed() {
  owed_verdict x{std::string(64, 'i'), full_outcome(), 77, std::make_unique<std::vector<copy_verdict>>()};
  x.result.by.node = {};
  x.copies->push_back({"phone-1", plain_outcome(verdict::written)});
  x.copies->push_back({"phone-2", full_outcome()});
  return x;
}

} // namespace

std::unique_ptr<session_state> full_state(time_point now) {
  auto x = std::make_unique<session_state>();
  x->keys.adopt({{device_id{}, "k1", 1, now - 200s, verdict::written, via{node_id::trusted("c"), 4}},
                 {device_id::trusted("tablet"), std::string(128, 'k'), 2, now - 7us, verdict::stored, {}},
                 {device_id{}, "k3", 3, now, verdict::acked, via{{}, 5}}},
                now, limits{});
  auto add = [&x](envelope_ptr e) {
    x->unconfirmed.reserve(*e);
    x->unconfirmed.add(std::move(e));
  };
  add(full_envelope(now));
  add(plain_envelope(now));
  add(full_envelope(now - 1s));
  x->owed.push_back(full_owed());
  x->owed.push_back({"", plain_outcome(verdict::offline), 0, nullptr});
  x->open.add({{0x018f00112233ffff, 1}, std::string(64, 'o'), want::acked, now - 3s, now + 2s, 0});
  x->open.add({{1, 0xffffffffffffffff}, "", want::errors, now, now - 1us, third}); // moved on before
  return x;
}

std::vector<lane_item> all_items(time_point now) {
  auto device = device_id::trusted("phone-1");
  place other{third, 6, 2};
  std::vector<lane_item> all;
  all.emplace_back(items::deliver{some_ref(), 0xffffffffffffffff, full_envelope(now)});
  all.emplace_back(items::deliver{{}, 1, plain_envelope(now)});
  auto of_the_other = full_envelope(now);
  of_the_other->answer_to.at = other;
  of_the_other->from = std::make_shared<const sender>(
      sender{device, account_id::trusted("alice"), std::make_shared<const grants>()});
  all.emplace_back(items::deliver{some_ref(), 2, std::move(of_the_other)});
  auto of_the_peer = full_envelope(now);
  of_the_peer->answer_to.at = {at_a().peer, at_a().link_epoch, 1};
  of_the_peer->from = std::make_shared<const sender>(sender{device, account_id::trusted("alice"), nullptr});
  all.emplace_back(
      items::bounce{{node_id::trusted("a"), at_a().own, some_ref(), 12}, std::move(of_the_peer)});
  all.emplace_back(items::marker{some_ref(), device, 5, {}, false});
  all.emplace_back(items::marker{some_ref(), device, 0x100000000, {at_a().peer, 3, 1}, true});
  all.emplace_back(items::settle{1, false, plain_outcome(verdict::written)});
  all.emplace_back(items::settle{0x8000000000000000, true, full_outcome()});
  auto ours = plain_outcome(verdict::acked);
  ours.by.ep = 6;
  all.emplace_back(items::settle{2, false, ours});
  all.emplace_back(std::make_unique<items::owed>(items::owed{some_ref(), full_owed(), {7, 8}}));
  all.emplace_back(std::make_unique<items::settle_key>(
      items::settle_key{some_ref(), device, "key-1", verdict::written, via{node_id::trusted("a"), 12}}));
  all.emplace_back(std::make_unique<items::settle_key>(
      items::settle_key{some_ref(), {}, "key-2", verdict::offline, via{node_id::trusted("a"), 12}}));
  all.emplace_back(std::make_unique<items::supersede>(items::supersede{some_ref(), device, 9, {0, 0, 7}}));
  all.emplace_back(std::make_unique<items::supersede_seen>(items::supersede_seen{device, 9, at_a().own}));
  resume_secret secret;
  for (size_t i = 0; i < secret.size(); ++i)
    secret[i] = static_cast<uint8_t>(i * 17);
  all.emplace_back(std::make_unique<items::hand_over>(
      items::hand_over{some_ref(), device, 300, secret, {1, 2, 3}, {0, 0, 1}}));
  all.emplace_back(items::handed_over{some_ref(), full_state(now)});
  all.emplace_back(items::handed_over{some_ref(), std::make_unique<session_state>()});
  all.emplace_back(items::handed_over{some_ref(), nullptr});
  return all;
}

std::string text_of(lane_item &item, const wire_link &link, bool as_told) {
  printer out{link, as_told};
  std::visit(item_printer{out}, item);
  return out.take();
}

std::string encoded(lane_item item, const wire_link &link) {
  std::string out;
  encode(out, item, link);
  return out;
}

std::vector<std::string> decoded(std::string_view batch, const wire_link &link) {
  std::vector<std::string> texts;
  auto err = decode(batch, link, [&](lane_item &item) { texts.push_back(text_of(item, link)); });
  if (err)
    texts.push_back(render(err));
  return texts;
}

std::string broken_promise(const lane_item &item) {
  return std::visit(promise_checker{}, item);
}

} // namespace stentor::actors::test

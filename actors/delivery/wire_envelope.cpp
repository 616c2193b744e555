// SPDX-License-Identifier: Apache-2.0
// Envelopes between nodes. Their senders are read and written in this file only.
#include "actors/delivery/wire_reader.hpp"
#include "net/codec/protocol.hpp"

namespace stentor::actors::wire {

namespace {

constexpr size_t format_count = 2;
constexpr size_t source_count = 2;

// -- senders: nil for back ends, who may target every device ----

void put_sender(writer &w, const sender *x) {
  if (!x)
    return w.nil();
  w.list(4);
  w.put(x->device);
  w.put(x->account);
  x->allowed ? w.put(x->allowed->any_account) : w.nil();
  w.list(x->allowed ? x->allowed->accounts.size() : 0);
  if (x->allowed)
    for (const auto &account : x->allowed->accounts)
      w.put(account);
}

bool take_fields(input &from, sender &x) {
  fields f{from};
  auto has_no_grants = false;
  grants allowed;
  auto take_account = [&] {
    std::string_view text;
    if (!from.in.read(text) || !is_valid_id(text))
      return false;
    allowed.accounts.push_back(account_id::trusted(std::string{text}));
    return true;
  };
  if (!f.take(x.device) || !f.take(x.account) || !f.next(has_no_grants) ||
      !(has_no_grants || from.in.read(allowed.any_account)) || !f.take_list(max_grants, take_account) ||
      (has_no_grants && !allowed.accounts.empty()))
    return false;
  if (!has_no_grants)
    x.allowed = std::make_shared<const grants>(std::move(allowed));
  return f.end();
}

bool take_sender(input &from, fields &f, std::shared_ptr<const sender> &x) {
  auto is_back_end = false;
  std::string_view bytes;
  if (!f.next(is_back_end))
    return false;
  if (is_back_end)
    return true;
  if (!from.in.skip(bytes))
    return false;
  if (!from.last_sender || bytes != from.sender_bytes) {
    input inside{net::msgpack_reader{bytes}, from.link, {}, nullptr};
    auto fresh = std::make_shared<sender>();
    if (!take_fields(inside, *fresh))
      return false;
    from.sender_bytes = bytes;
    from.last_sender = std::move(fresh);
  }
  x = from.last_sender;
  return true;
}

bool take_data(fields &f, payload &x) {
  std::string_view bytes;
  if (!f.take_binary(bytes, max_payload_bytes) || bytes.empty())
    return false;
  x = std::make_shared<const std::string>(bytes);
  return true;
}

} // namespace

void put(writer &w, const envelope &e) {
  w.list(18);
  w.put(e.id);
  w.put(e.to);
  put_sender(w, e.from.get());
  w.binary(*e.data);
  w.put(e.data_format);
  w.put(e.wants);
  w.put(e.by);
  w.put(e.reached);
  w.put(e.resent);
  w.put_time(e.accepted_at, {});
  w.put_time(e.deadline, time_point::max());
  w.put_time(e.expires, time_point::max());
  w.put_time(e.arrived_at, {});
  w.put(std::string_view{e.key});
  w.put(e.key_digest);
  w.put(e.answer_to.at);
  w.put(e.answer_to.correlation);
}

envelope_ptr take_envelope(input &from) {
  fields f{from};
  auto e = std::make_unique<envelope>();
  std::string_view key;
  auto is_good = f.take(e->id) && f.take(e->to) && take_sender(from, f, e->from) && take_data(f, e->data) &&
                 f.take(e->data_format, format_count) && f.take(e->wants, want_count) &&
                 f.take(e->by, source_count) && f.take(e->reached, stage_count) && f.take(e->resent) &&
                 f.take_time(e->accepted_at, {}) && f.take_time(e->deadline, time_point::max()) &&
                 f.take_time(e->expires, time_point::max()) && f.take_time(e->arrived_at, {}) &&
                 f.take(key, net::max_key_bytes) && f.take(e->key_digest) && f.take(e->answer_to.at) &&
                 f.take(e->answer_to.correlation) && f.end();
  if (!is_good)
    return nullptr;
  e->key = key;
  return e;
}

} // namespace stentor::actors::wire

// SPDX-License-Identifier: Apache-2.0
#include "actors/api/admin_pages.hpp"

#include "net/codec/json_writer.hpp"

#include <algorithm>
#include <map>

namespace stentor::actors {

namespace {

using writer = net::json_writer;

/// The writer must end before its text is used.
template <class Write>
admin_page page_of(uint16_t status, Write write) {
  admin_page page{status, {}};
  {
    writer w{page.body};
    write(w);
  }
  return page;
}

/// As text: a random 64-bit number has no exact image in JavaScript.
void incarnation_member(writer &w, incarnation inc) {
  w.key("incarnation");
  w.text(std::to_string(inc));
}

void signed_number(writer &w, int64_t x) {
  w.raw(std::to_string(x));
}

void owner_members(writer &w, const slot_node &x) {
  w.key("node");
  w.text(x.node.str());
  incarnation_member(w, x.inc);
}

std::map<slot_node, size_t> slots_by_node(const slot_map &slots) {
  std::map<slot_node, size_t> counts;
  for (auto &x : slots.nodes())
    counts[x] = 0;
  for (size_t s = 0; s < slot_count; ++s)
    if (auto *owner = slots.owner(static_cast<slot>(s)))
      ++counts[*owner];
  return counts;
}

void counts_member(writer &w, const std::map<slot_node, size_t> &counts, const slot_node &self) {
  w.begin_array(counts.size());
  for (auto &[who, count] : counts) {
    w.begin_map(4);
    owner_members(w, who);
    w.key("slots");
    w.integer(count);
    w.key("self");
    w.boolean(who == self);
    w.end_map();
  }
  w.end_array();
}

std::string_view to_string(node_row::link x) noexcept {
  switch (x) {
  case node_row::link::self:
    return "self";
  case node_row::link::up:
    return "up";
  case node_row::link::down:
    return "down";
  }
  return "down";
}

} // namespace

admin_page error_page(uint16_t status, std::string_view code, std::string_view message) {
  return page_of(status, [&](writer &w) {
    w.begin_map(1);
    w.key("error");
    w.begin_map(2);
    w.key("code");
    w.text(code);
    w.key("message");
    w.text(message);
    w.end_map();
    w.end_map();
  });
}

// -- nodes ----

admin_page nodes_page(const node_state &state, const slot_map &slots, const std::vector<node_row> &rows) {
  auto owned = slots_by_node(slots);
  return page_of(200, [&](writer &w) {
    w.begin_map(6);
    owner_members(w, state.self);
    w.key("outage");
    w.boolean(state.outage);
    w.key("fenced");
    w.boolean(state.fenced);
    w.key("ready");
    w.boolean(state.not_ready.empty());
    if (!state.not_ready.empty()) {
      w.key("why");
      w.text(state.not_ready);
    }
    w.key("nodes");
    w.begin_array(rows.size());
    for (auto &row : rows) {
      w.begin_map(11);
      slot_node who{row.who.node, row.who.inc};
      owner_members(w, who);
      w.key("state");
      w.text(row.who.state);
      w.key("address");
      w.text(row.who.address);
      w.key("lease_left_ms");
      signed_number(w, row.who.lease_left_ms);
      w.key("link");
      w.text(to_string(row.at));
      if (row.at == node_row::link::up) {
        w.key("link_epoch");
        w.integer(row.link_epoch);
      }
      if (row.round_trip_us) {
        w.key("round_trip_us");
        signed_number(w, *row.round_trip_us);
      }
      auto count = owned.find(who);
      w.key("slots");
      w.integer(count == owned.end() ? 0 : count->second);
      w.key("answered");
      w.boolean(row.answered);
      if (row.answered) {
        w.key("connections");
        w.integer(row.load.connections);
        w.key("sessions");
        w.integer(row.load.sessions);
      }
      w.end_map();
    }
    w.end_array();
    w.end_map();
  });
}

// -- slots ----

namespace {

admin_page one_slot(const slot_map &slots, slot s, std::string_view device) {
  return page_of(200, [&](writer &w) {
    w.begin_map(4);
    if (!device.empty()) {
      w.key("device");
      w.text(device);
    }
    w.key("slot");
    w.integer(s);
    if (auto *owner = slots.owner(s))
      owner_members(w, *owner);
    w.end_map();
  });
}

admin_page slots_without(const slot_map &slots, const slot_node &self, const std::string &node) {
  std::vector<slot_node> rest;
  for (auto &x : slots.nodes())
    if (x.node.str() != node)
      rest.push_back(x);
  if (rest.size() == slots.nodes().size())
    return error_page(404, "not_found", "no node with this name owns slots");
  slot_map after{rest};
  std::map<slot_node, size_t> gains;
  for (auto &x : rest)
    gains[x] = 0;
  auto moved = slots.moved_to(after);
  for (auto s : moved)
    if (auto *owner = after.owner(s))
      ++gains[*owner];
  return page_of(200, [&](writer &w) {
    w.begin_map(3);
    w.key("without");
    w.text(node);
    w.key("moves");
    w.integer(moved.size());
    w.key("to");
    counts_member(w, gains, self);
    w.end_map();
  });
}

} // namespace

admin_page slots_page(const slot_map &slots, const slot_node &self, const admin_question &asked) {
  switch (asked.which) {
  case admin_question::slots::one:
    return one_slot(slots, asked.number, {});
  case admin_question::slots::of_device:
    return one_slot(slots, slot_of(std::string_view{asked.subject}), asked.subject);
  case admin_question::slots::without:
    return slots_without(slots, self, asked.subject);
  case admin_question::slots::all:
    break;
  }
  return page_of(200, [&](writer &w) {
    w.begin_map(2);
    w.key("slots");
    w.integer(slot_count);
    w.key("owners");
    counts_member(w, slots_by_node(slots), self);
    w.end_map();
  });
}

// -- a device ----

std::string_view to_string(device_word x) noexcept {
  switch (x) {
  case device_word::match:
    return "match";
  case device_word::stale:
    return "stale";
  case device_word::orphan:
    return "orphan";
  case device_word::duplicate:
    return "duplicate";
  case device_word::absent:
    return "absent";
  case device_word::unknown:
    return "unknown";
  }
  return "unknown";
}

device_word judge(const device_facts &x) noexcept {
  auto bound = std::ranges::count_if(x.sessions, [](auto &one) { return one.bound; });
  if (bound > 1)
    return device_word::duplicate;
  if (!x.directory_answered)
    return device_word::unknown;
  if (!x.record) // a silent node may hide a session, but nobody could find it either
    return bound == 1 ? device_word::orphan : x.silent.empty() ? device_word::absent : device_word::unknown;
  if (std::ranges::any_of(x.sessions, [&](auto &one) { return one.bound && one.at == x.record->at; }))
    return device_word::match;
  auto is_silent = std::ranges::any_of(x.silent, [&](auto &node) { return node.inc == x.record->at.inc; });
  return is_silent ? device_word::unknown : device_word::stale;
}

namespace {

void route_members(writer &w, const route &at) {
  owner_members(w, {at.node, at.inc});
  w.key("epoch");
  w.integer(at.ep);
  w.key("session");
  w.text(std::to_string(at.session.loop) + "." + std::to_string(at.session.index) + "." +
         std::to_string(at.session.generation));
}

void session_object(writer &w, const session_info &x) {
  w.begin_map(13);
  route_members(w, x.at);
  w.key("account");
  w.text(x.account.str());
  w.key("state");
  w.text(x.state);
  w.key("bound");
  w.boolean(x.bound);
  w.key("connected");
  w.boolean(x.connected);
  w.key("age_ms");
  signed_number(w, x.age_ms);
  w.key("heard_ms");
  signed_number(w, x.heard_ms);
  w.key("unsent");
  w.integer(x.unsent);
  w.key("unacked");
  w.integer(x.unacked);
  w.key("owed");
  w.integer(x.owed);
  w.end_map();
}

} // namespace

admin_page device_page(const device_facts &x) {
  return page_of(200, [&](writer &w) {
    w.begin_map(6);
    w.key("device");
    w.text(x.device.str());
    w.key("word");
    w.text(to_string(judge(x)));
    w.key("directory");
    w.text(x.directory_answered ? "answered" : "silent");
    if (x.record) {
      w.key("record");
      w.begin_map(5);
      route_members(w, x.record->at);
      w.key("account");
      w.text(x.record->account.str());
      w.end_map();
    }
    w.key("sessions");
    w.begin_array(x.sessions.size());
    for (auto &one : x.sessions)
      session_object(w, one);
    w.end_array();
    w.key("silent");
    w.begin_array(x.silent.size());
    for (auto &node : x.silent)
      w.text(node.node.str());
    w.end_array();
    w.end_map();
  });
}

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
#include "actors/delivery/wire_writer.hpp"

namespace stentor::actors {

namespace wire {

namespace {

void put_item(writer &w, items::deliver &x) {
  w.list(6);
  w.put(kind::deliver);
  w.put(x.to);
  w.put(x.ep);
  put(w, *x.what);
}

void put_item(writer &w, items::bounce &x) {
  w.list(8);
  w.put(kind::bounce);
  w.put(x.refused);
  put(w, *x.what);
}

void put_item(writer &w, items::marker &x) {
  w.list(9);
  w.put(kind::marker);
  w.put(x.to);
  w.put(x.device);
  w.put(x.id);
  w.put(x.sender);
  w.put(x.returning);
}

void put_item(writer &w, items::settle &x) {
  w.list(4);
  w.put(kind::settle);
  w.put(x.correlation);
  w.put(x.interim);
  put(w, x.result);
}

void put_item(writer &w, std::unique_ptr<items::owed> &x) {
  w.list(6);
  w.put(kind::owed);
  w.put(x->to);
  put(w, x->what);
  w.put(x->message);
}

void put_item(writer &w, std::unique_ptr<items::settle_key> &x) {
  w.list(9);
  w.put(kind::settle_key);
  w.put(x->to);
  w.put(x->from);
  w.put(std::string_view{x->key});
  w.put(x->what);
  w.put(x->by);
}

void put_item(writer &w, std::unique_ptr<items::supersede> &x) {
  w.list(8);
  w.put(kind::supersede);
  w.put(x->to);
  w.put(x->device);
  w.put(x->newer);
  w.put(x->sender);
}

void put_item(writer &w, std::unique_ptr<items::supersede_seen> &x) {
  w.list(4);
  w.put(kind::supersede_seen);
  w.put(x->device);
  w.put(x->newer);
  w.put(w.or_own(x->by));
}

void put_item(writer &w, std::unique_ptr<items::hand_over> &x) {
  w.list(12);
  w.put(kind::hand_over);
  w.put(x->to);
  w.put(x->device);
  w.put(x->newer);
  w.binary({reinterpret_cast<const char *>(x->proof.data()), x->proof.size()});
  w.put(x->requester);
  w.put(x->from);
}

void put_item(writer &w, items::handed_over &x) {
  w.list(5);
  w.put(kind::handed_over);
  w.put(x.to);
  x.state ? put(w, *x.state) : w.nil();
}

void put_item(writer &, std::unique_ptr<items::route_lost> &) {} // only ever to the own loop

} // namespace

} // namespace wire

void encode(std::string &out, lane_item &item, const wire_link &link) {
  wire::writer w{out, link};
  std::visit([&w](auto &x) { wire::put_item(w, x); }, item);
}

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
#include "cluster/unacked.hpp"

#include <algorithm>

namespace stentor {

namespace {

uint32_t size_of(const envelope &e) noexcept {
  return static_cast<uint32_t>(e.data->size());
}

} // namespace

bool unacked::has_room(const envelope &e, time_point now, const limits &lim) {
  auto count = size() + reserved_;
  auto fits = [&] {
    return count < lim.max_unacked_messages && bytes_ + e.data->size() <= lim.max_unacked_bytes;
  };
  if (fits())
    return true;
  if (!waiting_ || e.data->size() > lim.max_unacked_bytes)
    return false;
  drop_ended(now);
  count = size() + reserved_;
  // Senders of what is past its deadline know the outcome to be unknown: dropping it makes nothing untrue.
  if (waiting_)
    std::erase_if(*waiting_, [&](const envelope_ptr &x) {
      if (fits() || now < x->deadline)
        return false;
      --count;
      bytes_ -= size_of(*x);
      return true;
    });
  release_if_empty();
  return fits();
}

void unacked::reserve(const envelope &e) noexcept {
  bytes_ += size_of(e);
  ++reserved_;
}

void unacked::unreserve(const envelope &e) noexcept {
  bytes_ -= size_of(e);
  --reserved_;
}

void unacked::add(envelope_ptr e) {
  --reserved_;
  if (!waiting_)
    waiting_ = std::make_unique<std::vector<envelope_ptr>>();
  waiting_->push_back(std::move(e));
}

envelope_ptr unacked::ack(const message_id &id) {
  if (!waiting_)
    return nullptr;
  // Devices confirm in order, mostly: the first one looked at is the one.
  auto i =
      std::find_if(waiting_->begin(), waiting_->end(), [&](const envelope_ptr &x) { return x->id == id; });
  if (i == waiting_->end())
    return nullptr;
  auto e = std::move(*i);
  waiting_->erase(i);
  bytes_ -= size_of(*e);
  release_if_empty();
  return e;
}

std::vector<const envelope *> unacked::in_order(time_point now) {
  drop_ended(now);
  std::vector<const envelope *> result;
  if (waiting_)
    for (const auto &x : *waiting_)
      if (now < x->expires)
        result.push_back(x.get());
  return result;
}

std::vector<envelope_ptr> unacked::take_all() {
  std::vector<envelope_ptr> result;
  if (waiting_)
    result = std::move(*waiting_);
  waiting_.reset();
  for (const auto &x : result)
    bytes_ -= size_of(*x);
  return result;
}

void unacked::drop_ended(time_point now) {
  if (!waiting_)
    return;
  std::erase_if(*waiting_, [&](const envelope_ptr &x) {
    auto ended = now >= x->deadline && now >= x->expires;
    if (ended)
      bytes_ -= size_of(*x);
    return ended;
  });
  release_if_empty();
}

void unacked::release_if_empty() noexcept {
  if (waiting_ && waiting_->empty())
    waiting_.reset();
}

} // namespace stentor

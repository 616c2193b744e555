// SPDX-License-Identifier: Apache-2.0
// The operator's requests: paths and queries in, questions out.
#include "actors/api/api_connection.hpp"

#include "actors/config/config_values.hpp"
#include "cluster/percent.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace stentor::actors {

using net::http_problem;

namespace {

constexpr http_problem bad_id{400, "invalid_id", "an id is 1 to 128 bytes of A-Z a-z 0-9 . _ : @ -"};
constexpr http_problem bad_slot{400, "malformed", "`slot` is not a number from 0 to 4095"};
constexpr http_problem bad_over{400, "malformed", "`over` is not a time of 0 to 1 h like 30s or 500ms"};
constexpr http_problem bad_slots_query{400, "malformed",
                                       "only one of `slot`, `device` and `without` at a time"};
constexpr http_problem unavailable{503, "unavailable", "the node cannot answer now"};

/// The decoded value of `name`; empty where it is missing, nothing where its escapes are broken.
std::optional<std::string> value_of(std::string_view query, std::string_view name) {
  std::string value;
  while (!query.empty()) {
    auto member = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), member.size() + 1));
    if (!member.starts_with(name) || member.substr(name.size(), 1) != "=")
      continue;
    if (!percent_decode(member.substr(name.size() + 1), value))
      return std::nullopt;
    return value;
  }
  return value;
}

const http_problem *read_slots_query(std::string_view query, admin_question &to) {
  auto number = value_of(query, "slot");
  auto device = value_of(query, "device");
  auto node = value_of(query, "without");
  if (!number)
    return &bad_slot;
  if (!device || !node)
    return &bad_id;
  if (!number->empty() + !device->empty() + !node->empty() > 1)
    return &bad_slots_query;
  if (!number->empty()) {
    auto [end, error] = std::from_chars(number->data(), number->data() + number->size(), to.number);
    if (error != std::errc{} || end != number->data() + number->size() || to.number >= slot_count)
      return &bad_slot;
    to.which = admin_question::slots::one;
  } else if (!device->empty() || !node->empty()) {
    to.which = device->empty() ? admin_question::slots::without : admin_question::slots::of_device;
    to.subject = device->empty() ? *node : *device;
    if (!is_valid_id(to.subject))
      return &bad_id;
  }
  return nullptr;
}

const http_problem *read_drain_query(std::string_view query, admin_question &to) {
  auto node = value_of(query, "node");
  auto over = value_of(query, "over");
  if (!node || (!node->empty() && !is_valid_id(*node)))
    return &bad_id;
  to.subject = *node;
  if (!over)
    return &bad_over;
  if (over->empty())
    return nullptr;
  auto time = duration_from(*over);
  if (!time || time->count() < 0 || *time > longest_drain_over)
    return &bad_over;
  to.over_ms = time->count();
  return nullptr;
}

} // namespace

void api_connection::ask_admin(const net::http_request &request) {
  admin_question question;
  const http_problem *wrong = nullptr;
  switch (match_.route) {
  case api::show_slots:
    question.what = admin_question::kind::slots;
    wrong = read_slots_query(request.query(), question);
    break;
  case api::inspect_device:
    question.what = admin_question::kind::device;
    question.subject = match_.params[0];
    wrong = is_valid_id(question.subject) ? nullptr : &bad_id;
    break;
  case api::start_drain:
    question.what = admin_question::kind::drain;
    wrong = read_drain_query(request.query(), question);
    break;
  default:
    break;
  }
  if (wrong)
    return respond(*wrong);
  api_.host_.admin(question, api_.open({.who = this}));
}

void api_connection::on_admin(const caf::expected<admin_page> &page) {
  if (!page)
    return respond(unavailable, "Retry-After: 1\r\n");
  socket_->respond(page->status, "application/json", page->body);
}

} // namespace stentor::actors

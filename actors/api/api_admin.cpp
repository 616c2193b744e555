// SPDX-License-Identifier: Apache-2.0
// The operator's requests: paths and queries in, questions out.
#include "actors/api/api_connection.hpp"

#include "actors/api/problems.hpp"
#include "actors/config/config_values.hpp"
#include "net/http/query.hpp"

#include <charconv>
#include <utility>

namespace stentor::actors {

using net::find_parameter;
using net::http_problem;

namespace {

const http_problem *read_slots_query(std::string_view query, admin_question &to) {
  auto number = find_parameter(query, "slot");
  auto device = find_parameter(query, "device");
  auto node = find_parameter(query, "without");
  if (number.is_broken())
    return &problems::bad_slot;
  if (device.is_broken() || node.is_broken())
    return &problems::bad_id;
  if (!number.value.empty() + !device.value.empty() + !node.value.empty() > 1)
    return &problems::bad_slots_query;
  if (!number.value.empty()) {
    auto end_of_text = number.value.data() + number.value.size();
    auto [end, error] = std::from_chars(number.value.data(), end_of_text, to.number);
    if (error != std::errc{} || end != end_of_text || to.number >= slot_count)
      return &problems::bad_slot;
    to.which = admin_question::slots::one;
  } else if (!device.value.empty() || !node.value.empty()) {
    to.which = device.value.empty() ? admin_question::slots::without : admin_question::slots::of_device;
    to.subject = device.value.empty() ? std::move(node.value) : std::move(device.value);
    if (!is_valid_id(to.subject))
      return &problems::bad_id;
  }
  return nullptr;
}

const http_problem *read_drain_query(std::string_view query, admin_question &to) {
  auto node = find_parameter(query, "node");
  auto over = find_parameter(query, "over");
  if (node.is_broken() || (!node.value.empty() && !is_valid_id(node.value)))
    return &problems::bad_id;
  to.subject = std::move(node.value);
  if (over.is_broken())
    return &problems::bad_over;
  if (over.value.empty())
    return nullptr;
  auto time = duration_from(over.value);
  if (!time || time->count() < 0 || *time > longest_drain_over)
    return &problems::bad_over;
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
    wrong = is_valid_id(question.subject) ? nullptr : &problems::bad_id;
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
    return respond(problems::no_answer, problems::retry_soon);
  socket_->respond(page->status, "application/json", page->body);
}

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
// The push of one payload: to a device, answered with its verdict, or to an account, one line a device.
#include "actors/api/api_connection.hpp"

#include "actors/api/problems.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace stentor::actors {

using net::http_problem;

/// The parts of a push that do not depend on its target; false where it was refused.
bool api_connection::read_push(const net::http_request &request, net::push_options &options, payload &data) {
  auto refuse = [this, &options](const http_problem &why) {
    refuse_push(why, options.wants);
    return false;
  };
  if (auto why = net::read_push_query(request.query(), options))
    return refuse(*why);
  if (request.has_header("idempotency-key")) {
    options.key = request.header("idempotency-key");
    if (!net::is_push_key(options.key))
      return refuse(problems::bad_key);
  }
  auto body = request.body();
  if (body.empty())
    return refuse(problems::no_body);
  if (auto error = api_.codec_.check(body_format_, body)) {
    auto text = render(error);
    return refuse({400, net::code_name(static_cast<errc>(error.code())), text});
  }
  data = std::make_shared<const std::string>(body);
  return true;
}

/// Sends one message on its path. Its outcome comes to `on_outcome`, maybe inside this call, unless nobody
/// wants it.
message_id api_connection::submit(device_id to, payload data, format f, const net::push_options &options,
                                  uint32_t index, std::string label) {
  using std::chrono::milliseconds;
  auto &lim = api_.lim_;
  auto now = api_.host_.io().now();
  auto e = std::make_unique<envelope>();
  auto id = e->id = api_.host_.next_message_id();
  e->to = std::move(to);
  e->data = std::move(data);
  e->data_format = f;
  e->wants = options.wants;
  e->by = source::http;
  e->accepted_at = now;
  auto timeout = options.timeout_ms
                     ? std::min<milliseconds>(milliseconds{*options.timeout_ms}, lim.max_timeout)
                     : lim.default_timeout;
  e->deadline = now + timeout;
  e->expires = options.ttl_ms ? now + milliseconds{*options.ttl_ms} : time_point::max();
  if (!options.key.empty()) {
    e->key = options.key;
    e->key_digest = XXH3_64bits(e->data->data(), e->data->size());
  }
  uint64_t ticket = 0;
  if (options.wants != want::none)
    ticket =
        api_.open({.who = this, .id = id, .index = index, .wants = options.wants, .label = std::move(label)});
  api_.host_.submit(std::move(e), ticket);
  return id;
}

void api_connection::push_to_device(const net::http_request &request) {
  auto device = device_id::make(match_.params[0]);
  if (!device)
    return refuse_push(problems::bad_id);
  net::push_options options;
  payload data;
  if (!read_push(request, options, data))
    return;
  auto is_silent = options.wants == want::none;
  auto id = submit(std::move(*device), std::move(data), body_format_, options, 0, {});
  if (!is_silent)
    return;
  auto printed = to_chars(id);
  auto &body = api_.scratch_;
  body = R"({"id":")";
  body.append(printed.data(), printed.size());
  body += R"(","verdict":null})";
  socket_->respond(202, "application/json", body);
}

void api_connection::answer_outcome(const api::question &q, const outcome &result, uint32_t total_us) {
  auto &body = api_.scratch_;
  body = "{";
  net::append_outcome(body, q.id, result, total_us);
  auto status = net::push_status(result);
  auto headers = status == 429 || status == 503 ? problems::retry_soon : std::string_view{};
  socket_->respond(status, "application/json", body, headers);
}

void api_connection::push_to_account(const net::http_request &request) {
  auto account = account_id::make(match_.params[0]);
  if (!account)
    return refuse_push(problems::bad_id);
  net::push_options options;
  payload data;
  if (!read_push(request, options, data))
    return;
  begin_many(0);
  many_->data = std::move(data);
  many_->key = options.key;
  many_->options = options;
  many_->options.key = many_->key;
  api_.host_.find_devices(*account, api_.open({.who = this, .label = account->str()}));
}

} // namespace stentor::actors

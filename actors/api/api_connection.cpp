// SPDX-License-Identifier: Apache-2.0
#include "actors/api/api_connection.hpp"

#include "actors/api/problems.hpp"
#include "net/codec/json_writer.hpp"
#include "net/http/query.hpp"

#include <algorithm>
#include <charconv>

namespace stentor::actors {

using net::http_plan;
using net::http_problem;

namespace {

constexpr std::string_view json_type = "application/json";

/// `application/json` of `application/json; charset=utf-8`.
std::string_view media_type(std::string_view content_type) noexcept {
  auto type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t'))
    type.remove_suffix(1);
  return type;
}

/// The payload's format; JSON where nothing is said, nothing for other types.
std::optional<format> payload_format(std::string_view content_type) noexcept {
  auto type = media_type(content_type);
  if (type.empty() || net::equals_lower(type, "application/json"))
    return format::json;
  if (net::equals_lower(type, "application/msgpack") || net::equals_lower(type, "application/x-msgpack") ||
      net::equals_lower(type, "application/vnd.msgpack"))
    return format::msgpack;
  return std::nullopt;
}

bool is_ndjson(std::string_view content_type) noexcept {
  auto type = media_type(content_type);
  return type.empty() || net::equals_lower(type, "application/x-ndjson") ||
         net::equals_lower(type, "application/ndjson") || net::equals_lower(type, "application/jsonl");
}

} // namespace

api_connection::api_connection(api &owner, int fd) : api_{owner} {
  socket_.emplace(owner.host_.io(), fd, *this, owner.http_);
}

void api_connection::finish() {
  hold keep{*this};
  if (socket_)
    socket_->finish();
}

void api_connection::respond(const http_problem &problem, std::string_view headers) {
  socket_->respond(problem, headers);
}

void api_connection::refuse_push(const http_problem &problem, want wants) {
  api_.host_.count_refused(verdict::invalid, wants);
  respond(problem);
}

// -- requests ----

http_plan api_connection::on_headers(const net::http_request &request) {
  many_.reset();
  // First of all: a web page can reach a loopback address, but it cannot leave its origin out.
  if (request.has_header("origin")) {
    auto &allowed = api_.access_.origins;
    if (std::find(allowed.begin(), allowed.end(), request.header("origin")) == allowed.end()) {
      api_.host_.count_rejected("origin");
      return http_plan::refuse(problems::foreign_origin);
    }
  }
  match_ = api_.router_.match(request.method(), request.path());
  auto is_public = match_.route == api::show_health || match_.route == api::show_readiness;
  if (!is_public && !api_.access_.open && !api_.keys_.accepts(request.header("authorization"))) {
    api_.host_.count_bad_key();
    return http_plan::refuse(problems::no_key, "WWW-Authenticate: Bearer\r\n");
  }
  switch (match_.what) {
  case net::http_match::kind::found:
    break;
  case net::http_match::kind::no_path:
    return http_plan::refuse(problems::no_path);
  case net::http_match::kind::no_method:
    return http_plan::refuse(problems::no_method, match_.allow_header());
  case net::http_match::kind::bad_path:
    return http_plan::refuse(problems::bad_path);
  }
  if (match_.route == api::push_batch) {
    if (!is_ndjson(request.header("content-type")))
      return http_plan::refuse(problems::bad_batch_type);
    // A line is a payload and what stands around it.
    begin_many(api_.lim_.max_body_bytes + 1024);
    return http_plan::stream(api_.lim_.max_batch_bytes);
  }
  if (match_.route == api::push_device || match_.route == api::push_account) {
    auto type = payload_format(request.header("content-type"));
    if (!type)
      return http_plan::refuse(problems::bad_payload_type);
    body_format_ = *type;
  }
  return http_plan::whole(api_.lim_.max_body_bytes);
}

void api_connection::on_request(const net::http_request &request) {
  hold keep{*this};
  if (match_.route == api::push_device)
    push_to_device(request);
  else if (match_.route == api::push_account)
    push_to_account(request);
  else
    ask(request);
}

/// Requests that only want to know something.
void api_connection::ask(const net::http_request &request) {
  auto &host = api_.host_;
  switch (static_cast<api::route>(match_.route)) {
  case api::show_device: {
    auto device = device_id::make(match_.params[0]);
    if (!device)
      return respond(problems::bad_id);
    return host.find_device(*device, api_.open({.who = this, .label = device->str()}));
  }
  case api::show_account: {
    auto account = account_id::make(match_.params[0]);
    if (!account)
      return respond(problems::bad_id);
    return host.find_devices(*account, api_.open({.who = this, .label = account->str()}));
  }
  case api::show_actors: {
    uint32_t most = 50;
    auto top = net::find_parameter(request.query(), "top");
    if (top.what != net::query_parameter::kind::absent) {
      auto end_of_text = top.value.data() + top.value.size();
      auto [end, error] = std::from_chars(top.value.data(), end_of_text, most);
      if (error != std::errc{} || end != end_of_text || most == 0 || most > 1000)
        return respond(problems::bad_top);
    }
    return host.top_actors(most, api_.open({.who = this}));
  }
  case api::show_nodes:
  case api::show_slots:
  case api::inspect_device:
  case api::start_drain:
    return ask_admin(request);
  case api::show_metrics:
    return host.metrics(api_.open({.who = this}));
  case api::show_health:
    return socket_->respond(200, json_type, R"({"status":"ok"})");
  case api::show_readiness: {
    auto why = host.not_ready();
    if (!why)
      return socket_->respond(200, json_type, R"({"status":"ready"})");
    auto &body = api_.scratch_;
    body = R"({"status":)";
    net::append_json_string(body, why);
    body += '}';
    return socket_->respond(503, json_type, body, problems::retry_soon);
  }
  case api::push_device:
  case api::push_account:
  case api::push_batch:
    break;
  }
}

void api_connection::on_drained() {
  hold keep{*this};
  go_on();
}

void api_connection::on_http_end(bool) {
  hold keep{*this};
  many_.reset();
  socket_.reset();
}

// -- answers ----

void api_connection::on_outcome(const api::question &q, const outcome &result, uint32_t total_us) {
  if (many_)
    write_outcome(q, result, total_us);
  else
    answer_outcome(q, result, total_us);
}

namespace {

void append_record(std::string &out, const storage::record &found) {
  net::json_writer w{out};
  w.begin_map(5);
  w.key("device");
  w.text(found.device.str());
  w.key("account");
  w.text(found.account.str());
  w.key("node");
  w.text(found.at.node.str());
  w.key("epoch");
  w.integer(found.at.ep);
  w.key("connected");
  w.boolean(true);
  w.end_map();
}

} // namespace

void api_connection::on_device(const api::question &q,
                               const caf::expected<std::optional<storage::record>> &found) {
  if (!found)
    return respond(problems::no_directory, problems::retry_soon);
  auto &body = api_.scratch_;
  body.clear();
  if (*found) {
    append_record(body, **found);
    return socket_->respond(200, json_type, body);
  }
  body = R"({"device":")" + q.label + R"(","connected":false,)";
  body += R"("error":{"code":"offline","message":"no device of this name is connected"}})";
  socket_->respond(404, json_type, body);
}

void api_connection::on_devices(const api::question &q,
                                const caf::expected<std::vector<storage::record>> &found) {
  if (!found)
    return respond(problems::no_directory, problems::retry_soon);
  if (many_) {
    for (auto &record : *found)
      many_->devices.push_back(record.device);
    return send_to_devices();
  }
  auto &body = api_.scratch_;
  body = R"({"account":")" + q.label + R"(","devices":[)";
  for (auto &record : *found) {
    if (!body.ends_with('['))
      body += ',';
    append_record(body, record);
  }
  body += "]}";
  socket_->respond(200, json_type, body);
}

void api_connection::on_text(std::string_view content_type, const caf::expected<std::string> &body) {
  if (body)
    socket_->respond(200, content_type, *body);
  else
    respond(problems::no_directory, problems::retry_soon);
}

} // namespace stentor::actors

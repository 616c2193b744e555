// SPDX-License-Identifier: Apache-2.0
#include "actors/api/api.hpp"

#include "actors/api/api_connection.hpp"

#include <algorithm>

#include <sys/socket.h>
#include <unistd.h>

namespace stentor::actors {

namespace {

constexpr std::string_view too_many_connections =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    "Connection: close\r\nContent-Length: 75\r\n\r\n"
    R"({"error":{"code":"overloaded","message":"too many connections, try later"}})";

} // namespace

api::api(api_host &host, const limits &lim, api_access access)
    : host_{host}, lim_{lim}, access_{std::move(access)}, keys_{access_.keys}, http_{lim} {
  http_.observer = this;
  using net::http_method;
  router_.add(http_method::post, "/v1/devices/{device}/messages", push_device);
  router_.add(http_method::post, "/v1/messages", push_batch);
  router_.add(http_method::post, "/v1/accounts/{account}/messages", push_account);
  router_.add(http_method::get, "/v1/devices/{device}", show_device);
  router_.add(http_method::get, "/v1/accounts/{account}/devices", show_account);
  router_.add(http_method::get, "/v1/admin/actors", show_actors);
  router_.add(http_method::get, "/v1/admin/nodes", show_nodes);
  router_.add(http_method::get, "/v1/admin/slots", show_slots);
  router_.add(http_method::get, "/v1/admin/devices/{device}", inspect_device);
  router_.add(http_method::post, "/v1/admin/drain", start_drain);
  router_.add(http_method::get, "/healthz", show_health);
  router_.add(http_method::get, "/readyz", show_readiness);
  router_.add(http_method::get, "/metrics", show_metrics);
}

api::~api() = default;

void api::accept(int fd) {
  if (connections_.size() >= lim_.max_http_connections) {
    host_.count_rejected("http_connections");
    ::send(fd, too_many_connections.data(), too_many_connections.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::close(fd);
    return;
  }
  auto connection = std::make_unique<api_connection>(*this, fd);
  auto &opened = *connection;
  connections_.emplace(&opened, std::move(connection));
  if (!opened.open())
    connections_.erase(&opened);
  host_.count_connections(connections_.size());
}

void api::drain() {
  draining_ = true;
  std::vector<api_connection *> all;
  for (auto &entry : connections_)
    all.push_back(entry.first);
  for (auto *connection : all) // one finishing ends no other
    connection->finish();
}

void api::remove(api_connection &who) {
  connections_.erase(&who);
  host_.count_connections(connections_.size());
}

// -- counts ----

void api::on_answer(int status) {
  host_.count_answer(status);
}

void api::on_refusal(const net::http_problem &why) {
  switch (why.status) {
  case 408:
    return host_.count_rejected("http_slow");
  case 413:
    return host_.count_rejected("http_body_size");
  case 431:
    return host_.count_rejected("http_header_size");
  default:
    return host_.count_rejected("http_malformed");
  }
}

// -- questions and answers ----

uint64_t api::open(question q) {
  ++q.who->questions_;
  return tickets_.open(std::move(q));
}

/// Tells whoever opened `ticket`, unless its socket is gone; the last answer lets a connection without a
/// socket go.
template <class Tell>
void api::answer(uint64_t ticket, Tell &&tell) {
  auto q = tickets_.take(ticket);
  if (!q)
    return;
  api_connection::hold keep{*q->who};
  --q->who->questions_;
  if (q->who->socket_)
    tell(*q->who, *q);
}

void api::on_outcome(uint64_t ticket, const outcome &result, uint32_t total_us) {
  answer(ticket, [&](api_connection &who, const question &q) { who.on_outcome(q, result, total_us); });
}

void api::on_device(uint64_t ticket, const caf::expected<std::optional<storage::record>> &found) {
  answer(ticket, [&](api_connection &who, const question &q) { who.on_device(q, found); });
}

void api::on_devices(uint64_t ticket, const caf::expected<std::vector<storage::record>> &found) {
  answer(ticket, [&](api_connection &who, const question &q) { who.on_devices(q, found); });
}

void api::on_admin(uint64_t ticket, const caf::expected<admin_page> &page) {
  answer(ticket, [&](api_connection &who, const question &) { who.on_admin(page); });
}

void api::on_text(uint64_t ticket, std::string_view content_type, const caf::expected<std::string> &body) {
  answer(ticket, [&](api_connection &who, const question &) { who.on_text(content_type, body); });
}

} // namespace stentor::actors

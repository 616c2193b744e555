// SPDX-License-Identifier: Apache-2.0
#include "actors/api/api_actor.hpp"

#include "actors/core/node_context.hpp"
#include "actors/delivery/dispatcher.hpp"
#include "net/codec/json_writer.hpp"

#include <algorithm>

#include <unistd.h>

namespace stentor::actors {

namespace {

// The loops answer the inspector within one second; one more for the way.
constexpr std::chrono::seconds inspector_timeout{2};
// Membership or the directory first, a second each; then the loops.
constexpr std::chrono::seconds admin_timeout{3};

api_access access_of(const config &cfg) {
  return {cfg.dev_auth && cfg.api_listen.is_loopback(), cfg.api_keys, cfg.allow_origins};
}

} // namespace

api_actor::api_actor(caf::actor_config &cfg, loop_env &host, const api_deps &deps)
    : hosted_actor{cfg, host}, host_{host}, messages_{deps.messages}, directory_{deps.directory},
      requests_{deps.requests}, api_{new api{static_cast<api_host &>(*this), host.lim(),
                                             access_of(host.context().cfg)}} {}

void api_actor::accept(int fd) {
  count_handled();
  if (api_)
    api_->accept(fd);
  else
    ::close(fd);
}

void api_actor::on_outcome(uint64_t ticket, std::string, const outcome &result, uint32_t total_us) {
  count_handled();
  if (api_)
    api_->on_outcome(ticket, result, total_us);
}

void api_actor::drain() {
  if (api_)
    api_->drain();
}

// -- api_host ----

net::event_loop &api_actor::io() {
  return host_.io();
}

message_id api_actor::next_message_id() {
  return messages_.next_id();
}

void api_actor::submit(envelope_ptr e, uint64_t ticket) {
  e->answer_to.at.loop = host_.index();
  if (ticket != 0) {
    pending_verdict entry{asker::api, e->wants, source::http,   stage::accepted, {},
                          ticket,     {},       e->accepted_at, e->deadline};
    e->answer_to.correlation = messages_.open(std::move(entry));
    if (e->answer_to.correlation == 0) {
      outcome full;
      full.what = verdict::congested;
      full.detail = details::too_many_pending;
      host_.counters().message(full.what, source::http, e->wants);
      on_outcome(ticket, {}, full, 0);
      return;
    }
  }
  messages_.submit(std::move(e));
}

void api_actor::find_device(const device_id &device, uint64_t ticket) {
  directory_.lookup(device, [this, ticket](const lookup_answer &answer) {
    if (!api_)
      return;
    if (answer.error != errc::none)
      api_->on_device(ticket, make_error(answer.error));
    else if (answer.found)
      api_->on_device(ticket, std::optional{*answer.found});
    else
      api_->on_device(ticket, std::optional<storage::record>{});
  });
}

void api_actor::find_devices(const account_id &account, uint64_t ticket) {
  directory_.list(account, [this, ticket](const caf::expected<std::vector<storage::record>> &found) {
    if (api_)
      api_->on_devices(ticket, found);
  });
}

void api_actor::top_actors(uint32_t most, uint64_t ticket) {
  auto inspector = caf::actor_cast<caf::strong_actor_ptr>(host_.context().inspector);
  requests_.ask(inspector, inspector_timeout, caf::make_message(top_atom_v, most),
                [this, ticket](const caf::expected<caf::message> &answer) {
                  if (!api_)
                    return;
                  if (answer && answer->match_elements<std::vector<actor_info>>())
                    api_->on_text(ticket, "application/json",
                                  render_actors(answer->get_as<std::vector<actor_info>>(0)));
                  else
                    api_->on_text(ticket, {}, make_error(errc::timed_out));
                });
}

void api_actor::admin(const admin_question &what, uint64_t ticket) {
  auto inspector = caf::actor_cast<caf::strong_actor_ptr>(host_.context().inspector);
  requests_.ask(inspector, admin_timeout, caf::make_message(ask_atom_v, what),
                [this, ticket](const caf::expected<caf::message> &answer) {
                  if (!api_)
                    return;
                  if (answer && answer->match_elements<admin_page>())
                    api_->on_admin(ticket, answer->get_as<admin_page>(0));
                  else
                    api_->on_admin(ticket, make_error(errc::timed_out));
                });
}

void api_actor::metrics(uint64_t ticket) {
  // Not here: a millisecond of text would hold up every socket of the loop.
  auto inspector = caf::actor_cast<caf::strong_actor_ptr>(host_.context().inspector);
  requests_.ask(inspector, inspector_timeout, caf::make_message(metrics_atom_v),
                [this, ticket](const caf::expected<caf::message> &answer) {
                  if (!api_)
                    return;
                  if (answer && answer->match_elements<std::string>())
                    api_->on_text(ticket, metrics_content_type, answer->get_as<std::string>(0));
                  else
                    api_->on_text(ticket, {}, make_error(errc::timed_out));
                });
}

const char *api_actor::not_ready() const {
  auto &ctx = host_.context();
  return ctx.draining ? "draining" : ctx.view->why_not_ready();
}

void api_actor::count_refused(verdict v, want wants) {
  host_.counters().message(v, source::http, wants);
}

void api_actor::count_rejected(const char *reason) {
  host_.counters().rejected(reason);
}

void api_actor::count_bad_key() {
  host_.counters().auth_failure("api_key");
}

void api_actor::count_answer(int status) {
  host_.counters().http_answered(status);
}

void api_actor::count_connections(size_t open) {
  host_.counters().http_connections(open);
}

std::string render_actors(const std::vector<actor_info> &rows) {
  std::string out;
  net::json_writer w{out};
  w.begin_map(1);
  w.key("actors");
  w.begin_array(rows.size());
  for (auto &row : rows) {
    w.begin_map(8);
    w.key("name");
    w.text(row.name);
    w.key("subject");
    w.text(row.subject);
    w.key("loop");
    w.integer(row.loop);
    w.key("id");
    w.integer(row.id);
    w.key("handled");
    w.integer(row.handled);
    w.key("queued");
    w.integer(row.queued);
    w.key("peak");
    w.integer(row.peak);
    w.key("idle_ms");
    w.integer(static_cast<uint64_t>(std::max<int64_t>(row.idle_ms, 0)));
    w.end_map();
  }
  w.end_array();
  w.end_map();
  return out;
}

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
// The actor of the back ends' listener, one per loop: it owns the loop's `api` and connects it with the loop.
// Pushes take the same path as a device's messages, questions go to routers and inspector. Hosted on its
// loop; HTTP is the api's task.
#pragma once

#include "actors/api/api.hpp"
#include "actors/core/hosted_actor.hpp"
#include "actors/core/ports.hpp"
#include "actors/core/requests.hpp"
#include "actors/core/types.hpp"
#include "actors/delivery/ports.hpp"

#include <memory>
#include <string>

namespace stentor::actors {

class dispatcher;

/// What the API's actor works with, all of its loop.
struct api_deps {
  dispatcher &messages;
  binder &directory;
  actors::requests &requests;
};

class api_actor final : public hosted_actor, public verdict_sink, private api_host {
public:
  api_actor(caf::actor_config &cfg, loop_env &host, const api_deps &deps);

  const char *name() const override { return "api_actor"; }
  size_t queue_length() const noexcept override { return api_ ? api_->open_tickets() : 0; }

  /// A back end's connected descriptor, now ours.
  void accept(int fd);
  /// The verdict of a message that was submitted with `ticket`.
  void on_outcome(uint64_t ticket, std::string id, const outcome &result, uint32_t total_us) override;
  /// Answers what is under way, then closes; back ends that connect meanwhile are still served.
  void drain();

protected:
  void on_stop() override { api_.reset(); }

private:
  // -- api_host ----
  net::event_loop &io() override;
  message_id next_message_id() override;
  void submit(envelope_ptr e, uint64_t ticket) override;
  void find_device(const device_id &device, uint64_t ticket) override;
  void find_devices(const account_id &account, uint64_t ticket) override;
  void top_actors(uint32_t most, uint64_t ticket) override;
  void admin(const admin_question &what, uint64_t ticket) override;
  void metrics(uint64_t ticket) override;
  const char *not_ready() const override;
  void count_refused(verdict v, want wants) override;
  void count_rejected(const char *reason) override;
  void count_bad_key() override;
  void count_answer(int status) override;
  void count_connections(size_t open) override;

  loop_env &host_; ///< `hosted_actor::host` is not const
  dispatcher &messages_;
  binder &directory_;
  requests &requests_;
  std::unique_ptr<api> api_;
};

/// The rows of `GET /v1/admin/actors` as a JSON object.
std::string render_actors(const std::vector<actor_info> &rows);

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
// A loop's side of the directory: what its sessions and flows ask of it and give to it, what is put back
// after an outage, who is told of a takeover, and what became of writes whose answers were lost. One per
// loop, confined to it. The directory itself is an actor elsewhere (directory_actor.hpp).
#pragma once

#include "actors/core/ports.hpp"
#include "actors/delivery/ports.hpp"
#include "actors/directory/directory_client.hpp"
#include "actors/directory/restores.hpp"
#include "actors/directory/takeovers.hpp"
#include "actors/directory/unsettled_records.hpp"

namespace stentor::actors {

class loop_directory final : public binder, public resolver {
public:
  explicit loop_directory(const directory_deps &deps)
      : client_{deps, unsettled_}, unsettled_{deps, client_}, restores_{deps, client_, unsettled_},
        takeovers_{deps} {}

  // -- for the loop ----
  actors::restores &restores() noexcept { return restores_; }
  actors::takeovers &takeovers() noexcept { return takeovers_; }
  /// Sends what the turn gathered.
  void flush() { client_.flush(); }
  /// No more retries; unbinds that waited for a restore are sent, with the next `flush`.
  void stop() {
    restores_.stop();
    takeovers_.stop();
    unsettled_.stop();
  }
  /// After the last `flush`.
  void stop_asking() { client_.stop(); }

  // -- binder ----
  bool bind(storage::bind_request what) override { return client_.bind(std::move(what)); }
  void give_back(storage::unbind_request what, const account_id &account,
                 const caf::optional<route> &previous) override {
    client_.undo_bind(std::move(what), account, previous);
  }
  void give_back_unknown(storage::unbind_request what) override {
    client_.undo_unknown_bind(std::move(what));
  }
  void watch_for_record(const device_id &device, const session_ref &who) override {
    unsettled_.add(device, who);
  }
  void unbind(const session_ref &who, storage::unbind_request what) override {
    restores_.unbind(who, std::move(what));
  }
  void supersede(const route &previous, const device_id &device, epoch newer) override {
    takeovers_.tell(previous, device, newer);
  }
  void lookup(const device_id &device, lookup_handler on_answer) override {
    client_.lookup(device, std::move(on_answer));
  }
  void find_record(const device_id &device, const session_ref &who) override {
    client_.find_record(device, who);
  }
  void list(const account_id &account, list_handler on_answer, duration patience) override {
    client_.list(account, std::move(on_answer), patience);
  }
  void list_for(const session_ref &who, const account_id &account, listing why) override {
    client_.list_for(who, account, why);
  }
  void watch(const account_id &account, const session_ref &who) override { client_.watch(account, who); }
  void unwatch(const account_id &account, const session_ref &who) override { client_.unwatch(account, who); }
  void resync_again(const session_ref &who) override { client_.resync_again(who); }

  // -- resolver ----
  void resolve(const device_id &device, uint64_t ticket) override { client_.resolve(device, ticket); }
  void on_supersede_seen(incarnation by, const device_id &device, epoch newer) override {
    takeovers_.on_seen(by, device, newer);
  }

private:
  directory_client client_;
  unsettled_records unsettled_;
  actors::restores restores_;
  actors::takeovers takeovers_;
};

} // namespace stentor::actors

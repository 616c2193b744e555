// SPDX-License-Identifier: Apache-2.0
// Where the rooms of a loop meet without knowing each other: what a session needs of the directory, and a
// connection of its listener. The loop wires them; tests have their own. Confined to the loop.
#pragma once

#include "actors/core/types.hpp"
#include "cluster/time.hpp"

#include <functional>
#include <random>

namespace stentor::actors {

/// Why a session asked for the devices of its account.
enum class listing : uint8_t {
  devices, ///< the device asked; `unavailable` while the directory may lack some
  resync,  ///< it watches, and an event may have been lost: what is there, the rest follows as events
};

/// A session's way to the directory. Answers come in a later turn. It repeats what must not be lost.
class binder {
public:
  using list_handler = std::function<void(caf::expected<std::vector<storage::record>>)>;
  using lookup_handler = std::function<void(const lookup_answer &)>;
  /// How long the directory may take over a question: three seconds, and one more, so that its answer counts
  /// and not our guess.
  static constexpr std::chrono::milliseconds answer_time{4000};

  virtual ~binder() = default;

  /// -> `session_port::on_bound`. False if too many binds wait already: nothing was asked.
  [[nodiscard]] virtual bool bind(storage::bind_request what) = 0;
  /// Takes back a bind of a session that has ended. `previous` had the device before it, and may live.
  virtual void give_back(storage::unbind_request what, const account_id &account,
                         const caf::optional<route> &previous) = 0;
  /// Takes back a bind whose answer was lost. Who had the device before is not known: whichever session still
  /// has it, on any node, puts itself back.
  virtual void give_back_unknown(storage::unbind_request what) = 0;
  /// The session `who` no longer asks, and what became of its bind of `device` is not known.
  virtual void watch_for_record(const device_id &device, const session_ref &who) = 0;
  /// The session `who` ends or leaves: its record goes, after a restore of it that is under way.
  virtual void unbind(const session_ref &who, storage::unbind_request what) = 0;
  /// `device` is held here with `newer`; the session at `previous` held it before and must be told.
  virtual void supersede(const route &previous, const device_id &device, epoch newer) = 0;

  virtual void lookup(const device_id &device, lookup_handler on_answer) = 0;
  /// The same for a session -> `session_port::on_record_found`.
  virtual void find_record(const device_id &device, const session_ref &who) = 0;
  /// The devices of an account, within `patience`. `unavailable` while the directory may lack some.
  virtual void list(const account_id &account, list_handler on_answer,
                    duration patience = duration::max()) = 0;
  /// The same for a session -> `session_port::on_listed`, as long as it has not ended.
  virtual void list_for(const session_ref &who, const account_id &account, listing why) = 0;
  /// Events of the account go to the session until `unwatch`. -> `session_port::on_watch_refused` if they may
  /// not come; the session may be entered all the same, and must be taken out.
  virtual void watch(const account_id &account, const session_ref &who) = 0;
  virtual void unwatch(const account_id &account, const session_ref &who) = 0;
  /// -> `session_port::on_resync`, in a moment.
  virtual void resync_again(const session_ref &who) = 0;
};

/// Whether a listener may take one more device.
class admission_port {
public:
  virtual ~admission_port() = default;
  /// Counts the connection that asks. False past this loop's share of the node's accept rate.
  virtual bool admit() = 0;
  /// For one that was refused: when to come back, spread at random.
  virtual uint32_t retry_after_s() = 0;
};

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
// A session's claim to its device in the directory: from the question to the answer, by which epoch it holds
// the device, who took it over, until it is given up. Owned by one session; speaks to the directory through
// `binder`. It closes no connection and sends no frame.
#pragma once

#include "actors/core/ports.hpp"
#include "actors/delivery/ports.hpp"
#include "actors/delivery/session_state.hpp"
#include "actors/session/session_turn.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>

namespace stentor::actors {

class binding {
public:
  enum class phase : uint8_t {
    asking,   ///< waits for the directory
    resuming, ///< bound; waits for the state of the session before
    live,
    leaving,  ///< superseded or closing: takes no message, its connection has not ended yet
    detached, ///< its connection is lost; waits to be resumed
    ended,
  };

  /// `resume` names the session before, if the device showed its token.
  explicit binding(const std::optional<resume_token> &resume);

  phase where() const noexcept { return phase_; }
  /// By which the device is held; 0 before the directory's answer.
  epoch ep() const noexcept { return ep_; }
  bool is_live() const noexcept { return phase_ == phase::live; }
  /// Whether messages must wait: the device has no `welcome` yet.
  bool is_waiting() const noexcept { return phase_ == phase::asking || phase_ == phase::resuming; }
  /// The directory answered, and the session has not left.
  bool is_held() const noexcept { return phase_ == phase::live || phase_ == phase::resuming; }
  /// The device is held elsewhere with a newer epoch, or given up for good.
  bool is_superseded() const noexcept { return superseded_by_ > ep_; }
  /// Whether a message that came by the route with `by` may be delivered. Once it may not, it never may
  /// again.
  bool takes_messages(epoch by) const noexcept;
  /// What the directory should have: `held` with `ep`.
  hold_word word() const noexcept;
  /// The phase in a word, for operators.
  const char *name() const noexcept;

  // -- the question ----
  /// Asks for the device. False if too many binds wait already: nothing was asked.
  [[nodiscard]] bool ask(const session_turn &t, storage::directory_time lease_until) const;
  enum class answer : uint8_t {
    late,     ///< the session no longer waits; what the directory gave is given back
    refused,  ///< certainly not bound
    unknown,  ///< a record may stand, or will within `binder::answer_time`: look for it after that
    given_up, ///< bound, and given back: the device has gone, or is held elsewhere with a newer epoch
    resuming, ///< bound, and the session before was asked for its state, to be told to `secret`'s holder
    live,     ///< bound
  };
  /// The directory's answer. The phase is `resuming` after that answer only; `become_live` is the session's.
  answer on_bound(const bind_answer &what, const session_turn &t, storage::directory_time lease_until);
  /// The directory's answer to `binder::find_record`, after a bind of unknown outcome. True if it must be
  /// asked again a moment later.
  [[nodiscard]] bool on_record_found(const lookup_answer &what, const session_turn &t,
                                     storage::directory_time lease_until);

  // -- the end ----
  enum class effect : uint8_t { none, leave, end };
  /// The device is held elsewhere with `newer`.
  effect on_superseded(epoch newer) noexcept;
  /// The device's next session takes the state: nothing is held below `newer` from now on.
  void supersede(epoch newer) noexcept { superseded_by_ = std::max(superseded_by_, newer); }
  /// The directory holds the device with this epoch now.
  void adopt(epoch newer) noexcept;
  /// The node lost its place in the cluster: no message is taken any more.
  void give_up() noexcept { superseded_by_ = std::numeric_limits<epoch>::max(); }
  /// Takes the record out of the directory.
  void unbind(const session_turn &t, storage::directory_time lease_until) const;
  void become(phase next) noexcept;

private:
  bool is_given_up() const noexcept { return superseded_by_ == std::numeric_limits<epoch>::max(); }
  bool is_reachable(const resume_token &token, const session_turn &t) const;
  void ask_for_state(const session_turn &t) const;
  void give_back(const bind_answer &what, const session_turn &t, storage::directory_time lease_until) const;

  epoch ep_ = 0;
  epoch superseded_by_ = 0;
  std::unique_ptr<resume_token> resume_; ///< until live
  phase phase_ = phase::asking;
  uint8_t looks_ = 0; ///< for what a bind of unknown outcome left
};

} // namespace stentor::actors

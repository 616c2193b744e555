// SPDX-License-Identifier: Apache-2.0
// What a device sends: kept until its `welcome`, read, limited in rate, and its messages handed in with their
// ids, deadlines and the entry under which it is told the verdict. Owned by one session.
#pragma once

#include "actors/session/ledger.hpp"
#include "actors/session/session_turn.hpp"
#include "cluster/token_bucket.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace stentor::actors {

class inbound {
public:
  // -- before the welcome ----
  bool is_early() const noexcept { return early_ != nullptr; }
  /// Keeps a frame until the welcome; false if there are too many, or they are too large.
  [[nodiscard]] bool keep(std::span<const char> body, const limits &lim);
  /// What was kept, in order; nothing is kept from now on.
  std::vector<std::string> take_early();

  // -- frames ----
  enum class reading : uint8_t {
    good,
    bad,    ///< refused; the device was told, if it is live
    broken, ///< refused, and the client must be closed: nothing in it was readable, or the last of many
  };
  /// Reads a frame. `text` gets the reason for a `broken` one.
  reading read(std::span<const char> body, net::client_frame &frame, std::string &text, session_turn &t);
  /// Whether the device's rate allows one more frame; a refused one was answered.
  [[nodiscard]] bool admit(const net::client_frame &frame, ledger &book, session_turn &t);
  /// Hands a message in, to a device or an account, or tells its device the verdict that says why not.
  void send(const net::client_frame &frame, ledger &book, session_turn &t) const;
  /// Confirms a message that was written to this device.
  void ack(std::string_view id, ledger &book, const session_turn &t) const;

private:
  struct early_frames {
    std::vector<std::string> all;
    size_t bytes = 0;
  };
  std::unique_ptr<early_frames> early_ = std::make_unique<early_frames>();
  token_bucket rate_;
  uint8_t bad_frames_ = 0;
};

/// An `error` frame for a live device. `id`: the sender's own, empty if the error is about no message.
void tell_error(errc code, std::string_view message, std::string_view id, session_turn &t);

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
// What a session is besides its connection: the part that a resume hands over to the device's next session. A
// value; owned by one session at a time.
#pragma once

#include "actors/delivery/open_messages.hpp"
#include "cluster/envelope.hpp"
#include "cluster/idempotency.hpp"
#include "cluster/ids.hpp"
#include "cluster/unacked.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stentor::actors {

/// 128 random bits that prove the right to resume a session.
using resume_secret = std::array<uint8_t, 16>;

/// The verdict of one device's copy of an account message.
struct copy_verdict {
  std::string device;
  outcome result;
};

/// A verdict for the device as a sender; kept while it is away.
struct owed_verdict {
  std::string id; ///< the sender's own id of the message
  outcome result;
  uint32_t total_us = 0;
  std::unique_ptr<std::vector<copy_verdict>> copies; ///< of an account message; null for any other
};

/// `welcome.session` as the device keeps it: where the session is, and the secret.
struct resume_token {
  incarnation inc = 0; ///< names the node too: no two nodes share one
  session_ref session;
  resume_secret secret{};
};
/// 51 characters that need no escaping in a URL.
std::string to_text(const resume_token &token);
/// Nothing for anything `to_text` did not write: the text comes from outside.
std::optional<resume_token> resume_token_from(std::string_view text);
/// What shows the right to a session's state: the secret, bound to the account of whoever asks. Another
/// account's device of the same id (a shared TV) cannot show it.
resume_secret proof_of(const resume_secret &secret, const account_id &account);
/// Compares in constant time.
bool same_secret(const resume_secret &a, const resume_secret &b) noexcept;

struct session_state {
  idempotency keys;
  unacked unconfirmed;
  std::vector<owed_verdict> owed; ///< at most `max_owed`, oldest dropped
  static constexpr size_t max_owed = 64;
  open_messages open; ///< of the device as a sender
};

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
// The idempotency keys that reached one device: a second message with a key is not delivered again but gets
// the first one's verdict. Lives in the target session, travels with a hand-over. Pure; an empty one is a
// single pointer.
#pragma once

#include "cluster/ids.hpp"
#include "cluster/limits.hpp"
#include "cluster/time.hpp"
#include "cluster/verdict.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stentor {

enum class key_state : uint8_t {
  fresh,       ///< never seen: deliver, then `settle`
  in_progress, ///< the first message has no verdict yet
  duplicate,   ///< the first message was delivered
  other_body,  ///< seen with another payload
  full,        ///< every remembered key is in progress: no room for one more
};

/// What `begin` found; `first` and `by` for `duplicate` only.
struct key_answer {
  key_state what = key_state::fresh;
  std::optional<verdict> first;
  via by;
};

class idempotency {
public:
  struct entry {
    device_id from;
    std::string key;
    uint64_t digest = 0;
    time_point when; ///< of the first message; this process's clock: ages travel between nodes, not times
    std::optional<verdict> settled; ///< none while in progress
    via by;
  };

  /// Looks (`from`, `key`) up and, where it is fresh, remembers it as in progress. `digest` is of the
  /// payload; `from` is empty for back ends. At most `lim.idempotency_keys` are kept, each for
  /// `lim.idempotency_window`; the oldest settled one gives way, one in progress never does (`full`).
  [[nodiscard]] key_answer begin(const device_id &from, std::string_view key, uint64_t digest, time_point now,
                                 const limits &lim);
  /// The verdict of the message under the key. Only what reached a socket or a store is remembered: for any
  /// other verdict the key is forgotten, and the sender may try again. What is remembered stays: a message
  /// that was `written` may end `acked`, which is remembered instead, or without an ack, and was written all
  /// the same.
  void settle(const device_id &from, std::string_view key, verdict v, const via &by);

  /// Moves out every key, oldest first, for a hand-over to another node. Keys in progress too: until their
  /// message ended where it is, a repetition must not be delivered. Its verdict must be told to the heir's
  /// `settle`.
  [[nodiscard]] std::vector<entry> take_entries();
  /// Takes in what another session remembered. Keys known here win; past the bounds the oldest are dropped.
  void adopt(std::vector<entry> entries, time_point now, const limits &lim);

  size_t size() const noexcept { return entries_ ? entries_->size() : 0; }

private:
  using list = std::vector<entry>;

  entry *find(const device_id &from, std::string_view key) const noexcept;
  void forget_old(time_point now, const limits &lim);
  bool forget_oldest_settled();
  void release_if_empty() noexcept;

  std::unique_ptr<list> entries_; ///< oldest first, null where empty; a few dozen, so a scan is fastest
};

} // namespace stentor

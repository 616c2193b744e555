// SPDX-License-Identifier: Apache-2.0
// One message of a device to its whole account: a copy for each online device, and one verdict frame when
// every copy has its own. Confined to its loop.
#pragma once

#include "actors/delivery/ports.hpp"
#include "actors/delivery/session_state.hpp"
#include "cluster/envelope.hpp"
#include "cluster/time.hpp"
#include "storage/directory.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace stentor::actors {

class dispatcher;
class loop_env;

/// The verdict of an account message: the worst of its copies; `offline` where there was none.
outcome worst_of(const std::vector<copy_verdict> &copies);

class fanouts final : public verdict_sink, public account_port {
public:
  fanouts(loop_env &host, dispatcher &messages, binder &directory)
      : host_{host}, messages_{messages}, directory_{directory} {}

  /// Asks the directory who is online, within the time that `pattern` has.
  void submit(envelope pattern, const account_id &account, const device_id &except,
              const session_ref &sender) override;
  /// The same to these records.
  void send(const envelope &pattern, const std::vector<storage::record> &to, const device_id &except,
            const session_ref &sender);
  /// A copy's verdict, from the dispatcher.
  void on_outcome(uint64_t ticket, std::string device, const outcome &result, uint32_t total_us) override;

private:
  struct fanout {
    session_ref sender;
    message_id message;
    want wants = want::written;
    size_t missing = 0;
    uint32_t slowest_us = 0;
    std::vector<copy_verdict> copies;
  };
  void finish(fanout done);
  void fail(const envelope &pattern, const session_ref &sender);

  loop_env &host_;
  dispatcher &messages_;
  binder &directory_;
  uint64_t last_ticket_ = 0;
  std::unordered_map<uint64_t, fanout> open_; ///< bounded by the correlations that each copy opens
};

} // namespace stentor::actors

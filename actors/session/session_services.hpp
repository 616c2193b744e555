// SPDX-License-Identifier: Apache-2.0
// What connections and sessions work with, all of their loop: its ports and its values. One per loop;
// outlives them.
#pragma once

#include "cluster/ids.hpp"
#include "cluster/limits.hpp"
#include "net/codec/protocol.hpp"

#include <string>

namespace stentor::actors {

class account_port;
class admission_port;
class binder;
class loop_counters;
class message_port;
class session_table;

struct session_services {
  message_port &messages;
  account_port &accounts;
  binder &directory;
  admission_port &admission;
  session_table &sessions;

  const limits &lim;
  loop_counters &counters;
  std::string &scratch; ///< to encode one frame in
  const node_id &node;
  const incarnation &inc; ///< known once the node has joined
  size_t loops = 1;       ///< of this node
  net::codec codec{};
};

} // namespace stentor::actors

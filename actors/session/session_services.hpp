// SPDX-License-Identifier: Apache-2.0
// What connections and sessions work with, all of their loop. One per loop; outlives them.
#pragma once

#include "net/codec/protocol.hpp"

namespace stentor::actors {

class admission_port;
class binder;
class dispatcher;
class fanouts;
class links;
class outbox;
class session_table;

struct session_services {
  dispatcher &messages;
  actors::fanouts &fanouts;
  actors::links &links;
  actors::outbox &outbox;
  session_table &sessions;
  binder &directory;
  admission_port &admission;
  net::codec codec{};
};

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
// The parts of one event loop and how they are wired: who is given whom. Built by its loop, confined to it.
#pragma once

#include "actors/acceptors.hpp"
#include "actors/api/api_actor.hpp"
#include "actors/core/hosted_actor.hpp"
#include "actors/core/node_context.hpp"
#include "actors/core/requests.hpp"
#include "actors/delivery/dispatcher.hpp"
#include "actors/delivery/fanout.hpp"
#include "actors/delivery/links.hpp"
#include "actors/delivery/outbox.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/directory/loop_directory.hpp"
#include "actors/drainer.hpp"
#include "actors/loop_inbox.hpp"
#include "actors/session/session_services.hpp"

namespace stentor::actors {

class loop;

struct loop_parts {
  loop_parts(loop &host, node_context &ctx, admission_port &admission);

  session_table sessions;
  actors::links links;
  actors::outbox outbox;
  actors::requests requests;
  dispatcher messages;
  actors::fanouts fanouts;
  loop_directory directory;
  session_services services;
  actors::acceptors acceptors;
  actors::drainer drainer;
  hosted_ptr<loop_inbox> inbox; ///< the oldest actor
  hosted_ptr<api_actor> api;
};

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
// What the parts of a loop's directory side work with, all of that loop.
#pragma once

namespace stentor::actors {

class dispatcher;
class links;
class loop_env;
class outbox;
class requests;
class session_table;

struct directory_deps {
  loop_env &host;
  actors::requests &requests;
  session_table &sessions;
  actors::links &links;
  actors::outbox &outbox;
  dispatcher &messages;
};

} // namespace stentor::actors

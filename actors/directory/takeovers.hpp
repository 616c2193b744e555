// SPDX-License-Identifier: Apache-2.0
// Tells the previous holder of a device that it has a newer one here: at once on this node, over the link and
// again until answered on another, through the directory where the link does not serve. Confined to its loop.
#pragma once

#include "actors/directory/directory_deps.hpp"
#include "cluster/ids.hpp"
#include "cluster/supersede_notices.hpp"
#include "net/timer_wheel.hpp"
#include "storage/directory.hpp"

#include <vector>

namespace stentor::actors {

class takeovers {
public:
  explicit takeovers(const directory_deps &deps)
      : host_{deps.host}, requests_{deps.requests}, sessions_{deps.sessions}, links_{deps.links},
        outbox_{deps.outbox} {}

  /// `device` is held here with `newer`; `previous` held it before.
  void tell(const route &previous, const device_id &device, epoch newer);
  /// The node `by` has heard it.
  void on_seen(incarnation by, const device_id &device, epoch newer);
  /// That incarnation is over: nobody is left there to tell.
  void on_dead(incarnation inc);
  /// Word left in the directory for this node: each of its loops looks for the sessions concerned.
  void on_notices(const std::vector<storage::notice> &notices);
  void stop() { tick_.cancel(); }

private:
  void on_tick();
  void work();
  void send(const supersede_notice &what);
  void post(const std::vector<supersede_notice> &what);

  loop_env &host_;
  requests &requests_;
  session_table &sessions_;
  links &links_;
  outbox &outbox_;
  supersede_notices notices_;
  net::timer_for<takeovers, &takeovers::on_tick> tick_{this};
};

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
// The address of an event loop for ordinary actors: answers, device events, batches of other nodes, news of
// links and the inspector's questions come here and go on to whom they concern. Hosted on its loop.
#pragma once

#include "actors/core/hosted_actor.hpp"
#include "actors/core/interfaces.hpp"

#include <vector>

namespace stentor::actors {

class loop;

class loop_inbox final : public hosted_actor {
public:
  loop_inbox(caf::actor_config &cfg, loop_env &host, loop &whose);

  const char *name() const override { return "loop_inbox"; }

protected:
  bool on_message(caf::mailbox_element &what) override;
  void on_stop() override {}

private:
  loop &loop_;
  void on_link_news(const link_news &news);
  std::vector<actor_info> busiest(uint32_t most);
};

} // namespace stentor::actors

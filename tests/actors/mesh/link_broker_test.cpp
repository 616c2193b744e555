// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/link_broker.hpp"

#include <gtest/gtest.h>

#include <caf/all.hpp>

namespace stentor::actors::test {
namespace {

using namespace std::chrono_literals;

TEST(link_broker, keeps_nothing_that_is_sent_to_it_after_its_end) {
  caf::actor_system_config settings;
  settings.add_message_types<caf::id_block::stentor>();
  settings.set("scheduler.max-threads", size_t{2});
  transport_options links;
  links.cluster = "c";
  ASSERT_FALSE(configure_transport(settings, links));
  caf::actor_system sys{settings};
  auto broker = link_broker_of(sys);
  caf::scoped_actor self{sys};
  caf::anon_send_exit(broker, caf::exit_reason::kill);
  self->wait_for(broker);
  // A down message or a reply, say, of an actor that ends a moment after the broker.
  auto late =
      sys.spawn<caf::detached>([broker](caf::event_based_actor *me) { me->send(broker, caf::tick_atom_v); });
  auto address = late.address();
  self->wait_for(std::exchange(late, nullptr));
  auto until = std::chrono::steady_clock::now() + 5s;
  while (caf::actor_cast<caf::actor>(address) && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(1ms);
  EXPECT_FALSE(caf::actor_cast<caf::actor>(address)) << "a message in the broker's mailbox holds its sender";
}

} // namespace
} // namespace stentor::actors::test

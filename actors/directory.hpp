// SPDX-License-Identifier: Apache-2.0
// The directory actor: the only caller of storage on this node. Answers every request, in the batches in
// which routers ask, and passes the events that its writes made to the routers of the accounts concerned.
// Detached where storage blocks.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/metrics.hpp"

#include <memory>

namespace stentor::actors {

struct directory_state {
  /// Declared, so that this is no aggregate: C++20 would let CAF initialise the first member from the actor's
  /// pointer.
  directory_state() = default;
  static constexpr const char *name = "directory";
  std::shared_ptr<storage::directory> store;
  std::shared_ptr<metrics> numbers;
  std::vector<router_actor> routers;
  bool wanted = false;  ///< somebody wants events
  bool watched = false; ///< `cursor` stands in the stream
  std::string cursor;
  /// How often events are asked for: others write them, too. Zero where this actor makes them all.
  std::chrono::milliseconds poll{0};

  std::vector<bind_answer> bind(const std::vector<storage::bind_request> &batch);
  bool unbind(const std::vector<storage::unbind_request> &batch);
  std::vector<restore_answer> restore(const std::vector<storage::restore_request> &batch);
  /// One batch; true where there is more.
  bool sweep(const node_id &node, incarnation inc);
  void notify(const node_id &node, incarnation inc, const std::vector<storage::notice> &notices);
  std::vector<lookup_answer> lookup(const std::vector<device_id> &devices);
  caf::expected<std::vector<storage::record>> list(const account_id &account);
  caf::expected<std::vector<storage::record>> walk(incarnation inc, slot first, size_t count);
  bool watch();
  uint64_t count();
  void adopt(const std::vector<caf::strong_actor_ptr> &handles);
  void publish_events();

private:
  bool begin_watch();
  void tell_resync();
  void count_batch(size_t requests, size_t failures);
};

directory_actor::behavior_type directory(directory_actor::stateful_pointer<directory_state> self,
                                         std::shared_ptr<storage::directory> store,
                                         std::shared_ptr<metrics> numbers, std::chrono::milliseconds poll);

} // namespace stentor::actors

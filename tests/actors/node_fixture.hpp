// SPDX-License-Identifier: Apache-2.0
// A node without threads: loops turned by hand, ordinary actors on CAF's deterministic coordinator, a clock
// that only the test moves, devices on socket pairs. One thread does everything, so a schedule is what the
// test says it is.
#pragma once

#include "actors/loop.hpp"
#include "actors/loop_parts.hpp"
#include "actors/session/session.hpp"
#include "net/websocket/ws_frame.hpp"
#include "storage/memory_directory.hpp"
#include "tests/actors/directory/troubled_store.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <vector>

namespace stentor::actors::test {

/// A device at the other end of a socket pair; speaks JSON.
class device final : net::frame_sink {
public:
  /// Takes over `fd`. Sends its upgrade request at once.
  device(int fd, const std::string &query);
  ~device() override;

  void send(const nlohmann::json &frame);
  /// Reads what is there.
  void read();
  /// Closes its side without a word.
  void vanish();
  /// Shrinks what the kernel takes for it, so that the server's cork fills.
  void read_slowly();

  /// Frames of one type, oldest first.
  std::vector<nlohmann::json> frames(const std::string &type) const;
  /// The `data` of every `msg`, in order.
  std::vector<nlohmann::json> data() const;
  /// The verdict of a message of ours; empty while there is none.
  std::string verdict_of(const std::string &id) const;
  size_t verdicts_of(const std::string &id) const;
  std::string resume_token() const;
  bool is_welcome() const { return !frames("welcome").empty(); }
  uint16_t close_code() const noexcept { return close_code_; }
  const std::string &http_status() const noexcept { return status_; }

private:
  bool on_message(net::opcode kind, std::span<char> body) override;
  bool on_control(net::opcode kind, std::span<char> body) override;

  int fd_;
  net::frame_reader reader_;
  std::string head_;
  std::string status_;
  uint16_t close_code_ = 0;
  bool upgraded_ = false;
  std::vector<nlohmann::json> received_;
};

/// What the nodes of one test share: the actor system with its coordinator, and the directory.
class world {
public:
  world();
  ~world();
  void run_actors();
  /// The one that got its first message last, before all others.
  void run_newest_actor();

  caf::actor_system &system() noexcept { return *sys_; }
  const std::shared_ptr<storage::memory_directory> &store() noexcept { return store_; }
  /// The same as the nodes reach it.
  const std::shared_ptr<troubled_store> &troubles() noexcept { return troubles_; }

private:
  caf::actor_system_config settings_;
  std::unique_ptr<caf::actor_system> sys_;
  caf::scheduler::test_coordinator *coordinator_ = nullptr;
  std::shared_ptr<storage::memory_directory> store_;
  std::shared_ptr<troubled_store> troubles_;
};

class node {
public:
  /// A node alone in a world of its own.
  explicit node(size_t loops = 2, limits lim = {});
  /// One of several, with links that the test makes.
  node(world &in, const std::string &name, incarnation inc, size_t loops = 1, limits lim = {});
  ~node();

  /// A device of account `acme` (or another) on one loop, not turned yet.
  std::unique_ptr<device> connect(size_t loop, const std::string &name, const std::string &resume = {},
                                  const std::string &account = "acme");
  /// The same, turned until it has its welcome.
  std::unique_ptr<device> join(size_t loop, const std::string &name, const std::string &resume = {});
  /// One turn of one loop, without the actors on the coordinator.
  void turn(size_t loop);
  /// Everything, until nothing moves.
  void settle();
  /// Moves the clock, then settles; in steps, as a running node would see it.
  void pass(std::chrono::milliseconds time);

  node_context &context() noexcept { return *ctx_; }
  loop &at(size_t i) noexcept { return *loops_[i]; }
  storage::memory_directory &store() noexcept { return *world_.store(); }
  troubled_store &troubles() noexcept { return *world_.troubles(); }
  caf::actor_system &system() noexcept { return world_.system(); }
  void run_actors() { world_.run_actors(); }
  void run_newest_actor() { world_.run_newest_actor(); }
  /// News of a link to `other`, up with `link_epoch` or down, to every loop of this node.
  void tell_link(node &other, uint32_t link_epoch, bool up);
  /// Whether the directory holds the device.
  bool is_online(const std::string &name);

private:
  node(std::unique_ptr<world> own, size_t loops, limits lim);
  node(world *in, const std::string &name, incarnation inc, size_t loops, limits lim, bool clustered);

  std::unique_ptr<world> own_world_;
  world &world_;
  std::unique_ptr<node_context> ctx_;
  std::vector<std::unique_ptr<loop>> loops_;
  std::vector<device *> devices_;
};

/// Moves the clock while nobody turns.
void leap(std::chrono::milliseconds time);

/// Moves the one clock of all tests, then turns these nodes until nothing moves; in steps.
void pass(std::chrono::milliseconds time, std::initializer_list<node *> nodes);

} // namespace stentor::actors::test

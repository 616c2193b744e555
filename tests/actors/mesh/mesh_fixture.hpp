// SPDX-License-Identifier: Apache-2.0
// Nodes that link for real: an actor system each, TCP on loopback, the real clock. One process or several:
// what they share is a socket. And a proxy between two of them that can stall or cut.
#pragma once

#include "actors/loop.hpp"
#include "actors/loop_parts.hpp"
#include "actors/mesh/mesh.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace stentor::actors::test {

/// Values of one thread waited for by another.
template <class T>
class arrivals {
public:
  void put(T x) {
    std::lock_guard guard{mutex_};
    all_.push_back(std::move(x));
    changed_.notify_all();
  }
  /// Waits until `holds` is true of all that came; false where it is not within the time.
  bool wait(const std::function<bool(const std::vector<T> &)> &holds,
            std::chrono::milliseconds most = std::chrono::seconds{8}) {
    std::unique_lock guard{mutex_};
    return changed_.wait_for(guard, most, [&] { return holds(all_); });
  }
  /// What `pick` makes of the latest that it makes something of.
  template <class F>
  auto last(F pick) {
    std::lock_guard guard{mutex_};
    for (auto i = all_.rbegin(); i != all_.rend(); ++i)
      if (auto picked = pick(*i))
        return picked;
    return decltype(pick(all_.front())){};
  }
  std::vector<T> all() {
    std::lock_guard guard{mutex_};
    return all_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> all_;
};

/// A loop inbox as far as links know it: hosted, takes batches.
class batch_sink final : public hosted_actor {
public:
  batch_sink(caf::actor_config &cfg, loop_env &host) : hosted_actor{cfg, host} {}
  const char *name() const override { return "batch_sink"; }
  arrivals<link_batch> batches;
  /// Takes them instead, on the loop; set before the first link.
  std::function<void(const link_batch &)> tap;

protected:
  bool on_message(caf::mailbox_element &what) override;
  void on_stop() override {}
};

struct heard {
  link_news news;
  std::chrono::steady_clock::time_point at;
};

struct node_options {
  std::string name;
  incarnation inc = 0;
  std::string cluster = "test";
  std::string app_cluster{}; ///< of the transport; empty: the same
  tls_files tls{};
  transport_limits lim{};
  size_t workers = 0;
  bool can_renew = true;
  protocol_range protocol{};
};

class mesh_node {
public:
  explicit mesh_node(node_options options);
  ~mesh_node();

  const std::string &address() const noexcept { return handle_.address; }
  uint16_t port() const;
  storage::lease lease(const std::string &at = {}) const;
  void view(std::vector<storage::lease> leases);
  void sever(const mesh_node &other, uint32_t epoch);
  /// Waits for the `nth` (from 1) news about `other` that says `up`.
  bool hears(const mesh_node &other, bool up, size_t nth = 1,
             std::chrono::milliseconds most = std::chrono::seconds{8}) {
    return hears_of(other.options_.inc, up, nth, most);
  }
  bool hears_of(incarnation inc, bool up, size_t nth = 1,
                std::chrono::milliseconds most = std::chrono::seconds{8});
  std::vector<heard> news_of(const mesh_node &other) { return news_of(other.options_.inc); }
  std::vector<heard> news_of(incarnation inc);
  /// What it said of its peer port: why nobody can link, or "" once somebody can.
  arrivals<std::string> &troubles() noexcept { return *troubles_; }
  void stop_mesh() { handle_.stop(); }
  /// Sends a batch from this node's inbox to the inbox that its latest link to the other named.
  void send(const mesh_node &other, link_batch batch) { send_to(other.options_.inc, std::move(batch)); }
  void send_to(incarnation inc, link_batch batch);

  caf::actor_system &system() noexcept { return *sys_; }
  mesh_handle &mesh() noexcept { return handle_; }
  batch_sink &sink() noexcept { return *sink_; }
  const link_counters &counters() const noexcept { return handle_.counters(); }
  const node_options &options() const noexcept { return options_; }

private:
  node_options options_;
  caf::actor_system_config settings_;
  std::unique_ptr<caf::actor_system> sys_;
  std::unique_ptr<node_context> ctx_;
  std::unique_ptr<loop> loop_;
  std::thread thread_;
  hosted_ptr<batch_sink> sink_;
  caf::actor ear_;
  std::shared_ptr<arrivals<std::string>> troubles_ = std::make_shared<arrivals<std::string>>();
  std::shared_ptr<arrivals<heard>> news_ = std::make_shared<arrivals<heard>>();
  mesh_handle handle_;
};

/// Tells each the leases of all.
void introduce(std::vector<mesh_node *> nodes);

/// Forwards 127.0.0.1:port() to a port; can hold everything back, or drop its connections.
class stall_proxy {
public:
  explicit stall_proxy(uint16_t target);
  ~stall_proxy();
  uint16_t port() const noexcept { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  /// Neither reads nor accepts while true.
  void stall(bool on) { stalled_ = on; }
  /// Closes every connection, once.
  void cut() { cut_ = true; }

private:
  void run();
  uint16_t target_;
  uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<bool> stalled_{false}, cut_{false}, stop_{false};
  std::thread thread_;
};

/// A port of 127.0.0.1 where no node listens.
class stranger_listener {
public:
  stranger_listener();
  ~stranger_listener();
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  /// The next connection; -1 where none comes within some seconds.
  int accept() const;

private:
  int fd_ = -1;
  uint16_t port_ = 0;
};

/// A socket of a stranger, connected to 127.0.0.1.
class stranger {
public:
  explicit stranger(uint16_t port);
  /// Of whoever dials.
  explicit stranger(const stranger_listener &listener);
  ~stranger();
  void send(std::string_view bytes) const;
  /// Whether the other side closed within the time.
  bool is_closed(std::chrono::milliseconds most = std::chrono::seconds{8}) const;
  bool is_connected() const noexcept { return connected_; }
  /// Reads the node's handshake, sent first: the actor that stands at its port; 0 if none comes.
  uint64_t read_port_actor() const;

private:
  std::string read(size_t count) const;
  int fd_ = -1;
  bool connected_ = false;
};

/// Resident memory of this process.
size_t resident_bytes();
/// What it has allocated and not freed; 0 under a sanitizer.
size_t heap_bytes();

} // namespace stentor::actors::test

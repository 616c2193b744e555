// SPDX-License-Identifier: Apache-2.0
// What one connection at the peer port may send: an allow list by operation, message category, receiver and
// types, checked before CAF sees the bytes (docs/cluster-protocol.md#what-the-peer-port-accepts). CAF 0.17
// trusts all of these. Pure: no actor, no socket, no clock. One per connection, owned by the link broker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

namespace stentor::actors {

using local_actor_ids = std::unordered_set<uint64_t>;

/// This node's actors that others may send to. The same for every link: a hello names them all.
struct link_receivers {
  local_actor_ids ports; ///< the peer port's actor, and those that stood there before it
  local_actor_ids inboxes;
  local_actor_ids routers;
};

struct link_bounds {
  size_t max_message_bytes = 32 * 1024 * 1024; ///< of a linked peer
  size_t max_first_bytes = 64 * 1024;          ///< a hello, or the answer to it
};

class link_filter {
public:
  /// A BASP header as CAF 0.17.6 writes it.
  static constexpr size_t header_bytes = 32;
  /// A node id in CAF's handshakes: kind, process and host.
  static constexpr size_t node_bytes = 32;

  enum class verdict : uint8_t {
    pass,
    drop,      ///< harmless, and nobody here waits for it; of a payload only
    malformed, ///< not what any CAF node would send at this point
    forbidden, ///< CAF would carry it out, and no node of ours sends it
  };

  /// `receivers` must outlive the filter and may change. `own_node` is this node's id in CAF's form.
  link_filter(const link_receivers &receivers, std::string own_node, link_bounds bounds, bool dialled);

  /// Of exactly `header_bytes`. After `pass` with a length, `payload` is next.
  [[nodiscard]] verdict header(std::span<const char> bytes);
  /// Of the length that the last header told.
  [[nodiscard]] verdict payload(std::span<const char> bytes);
  /// Why the last verdict was not `pass`; a static text.
  const char *why() const noexcept { return why_; }

  /// CAF has taken the handshake.
  void greet() noexcept { greeted_ = true; }
  /// The node has said a good hello.
  void adopt() noexcept { adopted_ = true; }
  /// This local actor has sent the node a request: answers to it may come.
  void expect_answer_for(uint64_t actor) { askers_.insert(actor); }

  bool is_dialled() const noexcept { return dialled_; }
  bool is_greeted() const noexcept { return greeted_; }
  bool is_adopted() const noexcept { return adopted_; }

private:
  struct basp_header {
    uint8_t operation = 0, flags = 0;
    uint32_t length = 0;
    uint64_t data = 0, from = 0, to = 0;
  };
  verdict say(verdict what, const char *why) noexcept {
    why_ = why;
    return what;
  }
  verdict within(size_t least, size_t most);
  verdict handshake();
  verdict message();
  verdict named_message();
  verdict notice();
  verdict handshake_payload(std::string_view bytes);
  verdict message_payload(std::string_view bytes);
  verdict notice_payload(std::string_view bytes);
  /// Whom we dialled stands where the directory says, and may send right behind its answer to our hello,
  /// before we have read that.
  bool is_open() const noexcept { return adopted_ || dialled_; }

  const link_receivers *receivers_;
  std::string own_node_;
  std::string their_node_;
  link_bounds bounds_;
  local_actor_ids askers_;
  basp_header now_;
  const char *why_ = "";
  uint8_t handshakes_ = 0;
  bool dialled_, greeted_ = false, adopted_ = false;
  bool hello_seen_ = false;
};

} // namespace stentor::actors

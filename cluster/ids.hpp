// SPDX-License-Identifier: Apache-2.0
// Names of things: devices, accounts, nodes, sessions and routes to them. Pure values, any thread.
#pragma once

#include "cluster/errc.hpp"

#include <caf/expected.hpp>
#include <caf/meta/type_name.hpp>

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace stentor {

/// The longest id, in bytes: long enough for a UUID with prefixes, short enough to hold two in a cache line
/// pair.
inline constexpr size_t max_id_bytes = 128;

/// Whether `text` is 1 to 128 bytes of `[A-Za-z0-9._:@-]`.
bool is_valid_id(std::string_view text) noexcept;

/// A name of one kind. Two kinds never convert into each other; an empty id means "none".
template <class Tag>
class id {
public:
  id() = default;

  /// Checks `text`; `errc::invalid_id` where it is not an id.
  [[nodiscard]] static caf::expected<id> make(std::string_view text) {
    if (!is_valid_id(text))
      return make_error(errc::invalid_id);
    return id{std::string{text}};
  }

  /// For text that was checked before (a token's claims, another id).
  static id trusted(std::string text) { return id{std::move(text)}; }

  const std::string &str() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }
  friend bool operator==(const id &, const id &) = default;
  friend auto operator<=>(const id &, const id &) = default;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector &f, id &x) {
    return f(caf::meta::type_name(Tag::name), x.text_);
  }

private:
  explicit id(std::string text) : text_{std::move(text)} {}
  std::string text_;
};

struct device_tag {
  static constexpr const char *name = "device_id";
};
struct account_tag {
  static constexpr const char *name = "account_id";
};
struct node_tag {
  static constexpr const char *name = "node_id";
};
using device_id = id<device_tag>;
using account_id = id<account_tag>;
using node_id = id<node_tag>;

/// A node's start. A restarted node is another incarnation, and records of the old one are dead.
using incarnation = uint64_t;

/// A device's bind number, given by the directory; it never goes back.
using epoch = uint64_t;

/// A session within one incarnation of one node. `generation` is never reused; 0 means "none".
struct session_ref {
  uint16_t loop = 0;
  uint32_t index = 0;
  uint64_t generation = 0;
  friend bool operator==(const session_ref &, const session_ref &) = default;
  friend auto operator<=>(const session_ref &, const session_ref &) = default;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector &f, session_ref &x) {
  return f(caf::meta::type_name("session_ref"), x.loop, x.index, x.generation);
}

/// A loop of a node, where lane items go and answers return.
struct place {
  incarnation inc = 0; ///< 0: this node
  /// The link that the question came by; an answer takes no later one: what was under way on a link that
  /// ended is settled already. 0: any link.
  uint32_t link_epoch = 0;
  uint16_t loop = 0;
  friend bool operator==(const place &, const place &) = default;
};

/// Where a device's session is, or was.
struct route {
  node_id node;
  incarnation inc = 0;
  session_ref session;
  epoch ep = 0;
  friend bool operator==(const route &, const route &) = default;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector &f, route &x) {
  return f(caf::meta::type_name("route"), x.node, x.inc, x.session, x.ep);
}

} // namespace stentor

template <class Tag>
struct std::hash<stentor::id<Tag>> {
  size_t operator()(const stentor::id<Tag> &x) const noexcept { return std::hash<std::string>{}(x.str()); }
};

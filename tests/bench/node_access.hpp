// SPDX-License-Identifier: Apache-2.0
// How devices prove themselves to the servers of one scenario: not at all (development mode), or by tokens
// signed with a secret made for it. Handed to every node of a cluster alike. Any thread.
#pragma once

#include <caf/expected.hpp>

#include <string>

namespace stentor::bench {

class node_access {
public:
  static node_access development() { return node_access{{}}; }
  /// A fresh secret.
  static node_access tokens();
  /// The same secret in another process of this benchmark.
  static node_access with_secret(std::string secret) { return node_access{std::move(secret)}; }

  bool has_tokens() const noexcept { return !secret_.empty(); }
  const std::string &secret() const noexcept { return secret_; }
  /// stentord's flag for it.
  std::string flag() const;
  /// A good HS256 token for this device.
  caf::expected<std::string> token(const std::string &device, const std::string &account) const;
  /// The same for a device that may send to every account.
  caf::expected<std::string> token_to_all(const std::string &device, const std::string &account) const;

private:
  caf::expected<std::string> sign(const std::string &device, const std::string &account, bool to_all) const;
  explicit node_access(std::string secret) : secret_(std::move(secret)) {}

  std::string secret_; ///< empty: development mode
};

} // namespace stentor::bench

// SPDX-License-Identifier: Apache-2.0
// One OpenSSL context for all links of a node: TLS 1.3, certificates of the cluster's own CA required in both
// directions. Loaded once, so that a half-written file cannot end a running node. Any thread.
#pragma once

#include <caf/expected.hpp>

#include <memory>
#include <string>

#include <openssl/ssl.h>

namespace stentor::actors {

/// PEM files. All three or none.
struct tls_files {
  std::string ca;          ///< whose certificates are believed
  std::string certificate; ///< this node's, with its chain
  std::string key;
  bool empty() const noexcept { return ca.empty() && certificate.empty() && key.empty(); }
};

class tls_context {
public:
  /// `errc::config` with OpenSSL's words where a file is missing, unreadable or does not fit the others.
  [[nodiscard]] static caf::expected<std::shared_ptr<const tls_context>> make(const tls_files &files);

  using session = std::unique_ptr<SSL, decltype(&SSL_free)>;
  /// A session on a connected or connecting socket, which it does not own; null where memory is out.
  session make_session(int fd, bool accepted) const;

private:
  explicit tls_context(SSL_CTX *ctx) : ctx_{ctx, &SSL_CTX_free} {}
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> ctx_;
};

/// OpenSSL's oldest error of this thread, in its words, with all of them taken off its queue.
std::string take_tls_error();

} // namespace stentor::actors

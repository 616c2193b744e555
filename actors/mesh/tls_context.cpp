// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/tls_context.hpp"

#include "cluster/errc.hpp"

#include <array>

#include <openssl/err.h>

namespace stentor::actors {

namespace {

caf::error wrong(const std::string &what, const std::string &path) {
  return make_error(errc::config, "cannot use " + what + " '" + path + "': " + take_tls_error());
}

} // namespace

std::string take_tls_error() {
  auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0)
    return "no reason given";
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

caf::expected<std::shared_ptr<const tls_context>> tls_context::make(const tls_files &files) {
  if (files.ca.empty() || files.certificate.empty() || files.key.empty())
    return make_error(errc::config, "TLS between nodes needs all of peer-ca, peer-cert and peer-key");
  ERR_clear_error();
  std::shared_ptr<tls_context> result{new tls_context{SSL_CTX_new(TLS_method())}};
  auto *ctx = result->ctx_.get();
  if (!ctx)
    return make_error(errc::config, "no TLS: " + take_tls_error());
  SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
  // A link's connection is never resumed: a new one is a new link.
  SSL_CTX_set_num_tickets(ctx, 0);
  // How a severed connection ends; BASP's messages have their length, so nothing can be cut short unseen.
  SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  if (SSL_CTX_use_certificate_chain_file(ctx, files.certificate.c_str()) != 1)
    return wrong("the certificate", files.certificate);
  if (SSL_CTX_use_PrivateKey_file(ctx, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return wrong("the key", files.key);
  if (SSL_CTX_check_private_key(ctx) != 1)
    return wrong("the certificate with this key", files.key);
  if (SSL_CTX_load_verify_locations(ctx, files.ca.c_str(), nullptr) != 1)
    return wrong("the CA", files.ca);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return std::shared_ptr<const tls_context>{std::move(result)};
}

tls_context::session tls_context::make_session(int fd, bool accepted) const {
  session result{SSL_new(ctx_.get()), &SSL_free};
  if (!result || SSL_set_fd(result.get(), fd) != 1)
    return {nullptr, &SSL_free};
  if (accepted)
    SSL_set_accept_state(result.get());
  else
    SSL_set_connect_state(result.get());
  return result;
}

} // namespace stentor::actors

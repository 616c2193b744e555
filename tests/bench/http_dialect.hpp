// SPDX-License-Identifier: Apache-2.0
// How the generator speaks as a back end: direct pushes over keep-alive connections, one message a request or
// an NDJSON batch. One object serves all its connections; the generator's thread.
#pragma once

#include "tests/bench/device_dialect.hpp"

#include <string>

namespace stentor::bench {

class http_dialect final : public dialect {
public:
  /// `names` names the devices. `batch`: messages go to `/v1/messages`, as many as stand before
  /// `end_request`; otherwise each has a request of its own with the payload encoded as the devices encode.
  http_dialect(const device_dialect &names, format encoding, bool batch)
      : names_(names), encoding_(encoding), batch_(batch) {}

  bool greet(connection &, std::string &) override { return true; }
  size_t consume(fleet &f, connection &c, std::string_view bytes) override;
  void append_message(std::string &out, const payload_fields &fields) override;
  void end_request(std::string &out) override;

private:
  const device_dialect &names_;
  format encoding_;
  bool batch_;
  std::string body_; ///< of the request under way
};

/// One response at the front of `bytes`: its size with headers, 0 where it is not complete, and `body` with
/// chunks joined. `status` is -1 where it is not HTTP/1.1 with a known length.
size_t read_response(std::string_view bytes, int &status, std::string &body);

} // namespace stentor::bench

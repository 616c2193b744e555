// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/floor_dialect.hpp"

#include "tests/bench/floor_server.hpp"
#include "tests/bench/payload.hpp"

namespace stentor::bench {

bool floor_dialect::greet(connection &c, std::string &out) {
  append_message(out, {register_target, c.index, 0, 0});
  return true;
}

size_t floor_dialect::consume(fleet &f, connection &c, std::string_view bytes) {
  size_t taken = 0;
  for (; bytes.size() - taken >= payload_bytes && c.fd >= 0; taken += payload_bytes)
    f.events().on_message(c, bytes.substr(taken, payload_bytes));
  return taken;
}

void floor_dialect::append_message(std::string &out, const payload_fields &fields) {
  auto at = out.size();
  out.resize(at + payload_bytes);
  write_payload(out.data() + at, fields);
}

} // namespace stentor::bench

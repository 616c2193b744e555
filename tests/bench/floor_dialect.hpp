// SPDX-License-Identifier: Apache-2.0
// How the generator speaks to the floor: bare 128-byte frames, the first of which registers.
#pragma once

#include "tests/bench/fleet.hpp"

namespace stentor::bench {

class floor_dialect final : public dialect {
public:
  bool greet(connection &c, std::string &out) override;
  size_t consume(fleet &f, connection &c, std::string_view bytes) override;
  void append_message(std::string &out, const payload_fields &fields) override;
};

} // namespace stentor::bench

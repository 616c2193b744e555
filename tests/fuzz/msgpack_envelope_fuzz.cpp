// SPDX-License-Identifier: Apache-2.0
// Any bytes as a MessagePack frame of a client, of a server, and as a payload.
#include "tests/fuzz/envelope_fuzz.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace stentor;
  net::test::fuzz_envelope(format::msgpack, {reinterpret_cast<const char *>(data), size});
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Any bytes as a MessagePack frame of a client, of a server, and as a payload; what we make of them must be
// what msgpack-c makes of them.
#include "tests/fuzz/envelope_fuzz.hpp"
#include "tests/net/codec/frame_oracle.hpp"

#include <cstdint>
#include <cstdio>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace stentor;
  std::string_view input{reinterpret_cast<const char *>(data), size};
  net::test::fuzz_envelope(format::msgpack, input);
  if (auto found = test::disagreement(input); !found.empty()) {
    std::fprintf(stderr, "msgpack-c disagrees: %s\n", found.c_str());
    std::abort();
  }
  return 0;
}

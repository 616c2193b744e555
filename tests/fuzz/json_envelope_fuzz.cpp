// SPDX-License-Identifier: Apache-2.0
// Any bytes as a JSON frame of a client, of a server, and as a payload; msgpack-c must read the payload's
// image as we do.
#include "tests/fuzz/envelope_fuzz.hpp"
#include "tests/net/codec/frame_oracle.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace stentor;
  std::string_view input{reinterpret_cast<const char *>(data), size};
  net::test::fuzz_envelope(format::json, input);
  if (auto image = net::transcode(format::json, format::msgpack, input))
    net::test::must(test::read_by_library(*image).size == image->size() &&
                    test::disagreement(*image).empty());
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Any bytes as a batch of lane items from another node: what is taken keeps its promises, and means the same
// after it was told to a third node.
#include "tests/actors/delivery/wire_fixture.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace stentor::actors;
  static const auto from_a = test::at_b();
  std::string again, once_more;
  auto err = decode({reinterpret_cast<const char *>(data), size}, from_a, [&](lane_item &item) {
    if (!test::broken_promise(item).empty())
      std::abort();
    encode(again, item, from_a);
  });
  if (err && err != stentor::errc::malformed && err != stentor::errc::too_deep)
    std::abort();
  auto there = test::at_a();
  if (decode(again, there, [&](lane_item &item) { encode(once_more, item, there); }) || once_more != again)
    std::abort();
  return 0;
}

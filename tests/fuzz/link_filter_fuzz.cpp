// SPDX-License-Identifier: Apache-2.0
// Any bytes at the peer port, framed as the link broker frames them: nothing passes before the handshake, and
// whatever passes later is on the allow list.
#include "actors/mesh/link_filter.hpp"

#include <cstdlib>
#include <string>

namespace {

using namespace stentor::actors;
using verdict = link_filter::verdict;

const link_receivers receivers{{16}, {6, 7}, {9}};

void require(bool holds) {
  if (!holds)
    std::abort();
}

/// What must be true of a message that CAF gets to see.
void check_passed(const link_filter &filter, std::string_view header, std::string_view payload) {
  auto operation = header[0];
  if (operation == 0 || operation == 1)
    return;
  require(filter.is_greeted());
  require(operation == 2 || operation == 4 || operation == 5);
  require(operation == 4 || operation == 5 || (header[8] & 0x70) == 0x10); // category and answered flag
  require(header[3] == 0);
  if (operation == 2) {
    require(payload.size() > 4 && payload[0] == 0);
    for (auto word : {"@exit", "@down", "@strong_actor_ptr", "_msg", "@timeout", "@message"})
      require(payload.substr(4, static_cast<uint8_t>(payload[3])).find(word) == std::string_view::npos);
  }
}

void feed(std::string_view bytes, bool dialled, bool adopts) {
  link_filter filter{receivers,
                     std::string("\0\0\x3e\x9a\xab\x9b\xac\x79", 8) + std::string(24, 'o'),
                     {4096, 1024},
                     dialled};
  filter.expect_answer_for(19);
  while (bytes.size() >= link_filter::header_bytes) {
    auto header = bytes.substr(0, link_filter::header_bytes);
    bytes.remove_prefix(header.size());
    if (filter.header(header) != verdict::pass)
      return;
    size_t length = 0;
    for (auto byte : header.substr(4, 4))
      length = length << 8 | static_cast<uint8_t>(byte);
    require(length <= 4096);
    if (bytes.size() < length)
      return;
    auto payload = bytes.substr(0, length);
    bytes.remove_prefix(length);
    switch (filter.payload(payload)) {
    case verdict::pass:
      check_passed(filter, header, payload);
      break;
    case verdict::drop:
      continue;
    case verdict::malformed:
    case verdict::forbidden:
      return;
    }
    filter.greet();
    if (adopts && header[0] == 2)
      filter.adopt();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view bytes{reinterpret_cast<const char *>(data), size};
  feed(bytes, false, false);
  feed(bytes, false, true);
  feed(bytes, true, false);
  return 0;
}

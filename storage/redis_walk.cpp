// SPDX-License-Identifier: Apache-2.0
// The Redis directory's records by slot, for audits: one HGETALL a slot, pipelined.
#include "storage/redis_directory.hpp"

#include <algorithm>

namespace stentor::storage {

namespace {

/// Each answers all of a slot's records: some hundred thousand bytes a pipeline with a million devices.
constexpr size_t slots_a_pipeline = 128;

} // namespace

auto redis_directory::records_in(slot first, size_t count) -> result<std::vector<record>> {
  if (auto failure = usable())
    return failure;
  std::vector<record> found;
  auto end = std::min(size_t{first} + std::min(count, slot_count), slot_count);
  for (size_t next = first; next < end;) {
    redis_pipeline ask;
    for (; next < end && ask.size() < slots_a_pipeline; ++next)
      ask.add({"HGETALL", keys_.records(static_cast<slot>(next))});
    auto said = run(ask);
    if (!said)
      return said.error();
    for (auto &reply : *said) {
      if (auto failure = connection_.error_of(reply))
        return failure;
      for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
        auto &device = reply.elements[i].text;
        if (auto x = redis_record_from(reply.elements[i + 1].text); x && is_valid_id(device))
          found.push_back({device_id::trusted(device), std::move(x->account), std::move(x->at)});
      }
    }
  }
  return found;
}

} // namespace stentor::storage

// SPDX-License-Identifier: Apache-2.0
// Two nodes whose clocks differ by years, one lane item of every kind with every optional part, and items as
// text, so that what left one node compares with what came to the other.
#pragma once

#include "actors/delivery/wire.hpp"

#include <string>
#include <vector>

namespace stentor::actors::test {

using std::chrono::microseconds;
using namespace std::chrono_literals;

inline constexpr incarnation third = 0x3333333333333333;

/// `a` sends to `b`, and back.
inline wire_link at_a() {
  return {node_id::trusted("a"), 0x1111111111111111, 0x2222222222222222, 3, time_point{5h + 17us}};
}
inline wire_link at_b() {
  return {node_id::trusted("b"), 0x2222222222222222, 0x1111111111111111, 8, time_point{90000h + 123456us}};
}

std::shared_ptr<const sender> full_sender();
/// A message of `a` at `now` with every optional part.
envelope_ptr full_envelope(time_point now);
/// With none of them.
envelope_ptr plain_envelope(time_point now);
outcome full_outcome();
std::unique_ptr<session_state> full_state(time_point now);
/// Of every kind, some in several shapes. None is `route_lost`.
std::vector<lane_item> all_items(time_point now);

/// Everything in `item`, which is used up. Times are relative to the link's now, places are as the node on
/// the other side (`as_told`) or this one sees them.
std::string text_of(lane_item &item, const wire_link &link, bool as_told = false);

std::string encoded(lane_item item, const wire_link &link);
/// The text of each item taken, and the error's text as the last one where there is one.
std::vector<std::string> decoded(std::string_view batch, const wire_link &link);

/// Whether what was taken from outside keeps all promises of a decoded item; the text of the first it breaks.
std::string broken_promise(const lane_item &item);

} // namespace stentor::actors::test

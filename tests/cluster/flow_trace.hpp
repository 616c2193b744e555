// SPDX-License-Identifier: Apache-2.0
// What became of numbered messages from several senders to one device, and the promises that such a record
// must keep. The checker knows nothing of flows: a test feeds it broken records to prove that it can fail.
#pragma once

#include "cluster/verdict.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace stentor::test {

struct trace_event {
  enum class kind : uint8_t {
    sent,    ///< handed to the flow; a sender's numbers go up
    written, ///< reached the device
    ended,   ///< got its final verdict
  };
  kind what;
  int sender;
  int number;
  verdict v = verdict::written; ///< for `ended`
};

using trace = std::vector<trace_event>;

/// The first promise `t` breaks, as a sentence; empty where it keeps them all.
inline std::string broken_promise(const trace &t) {
  struct state {
    bool written = false;
    bool ended = false;
  };
  std::map<std::pair<int, int>, state> messages;
  std::map<int, int> last_written;
  for (const auto &event : t) {
    auto name = "message " + std::to_string(event.number) + " of sender " + std::to_string(event.sender);
    std::pair key{event.sender, event.number};
    if (event.what == trace_event::kind::sent) {
      messages[key];
      continue;
    }
    auto found = messages.find(key);
    if (found == messages.end())
      return name + " was never sent";
    auto &m = found->second;
    if (event.what == trace_event::kind::written) {
      if (m.ended)
        return name + " was delivered after its verdict";
      if (std::exchange(m.written, true))
        return name + " was delivered twice";
      auto [last, first] = last_written.try_emplace(event.sender, event.number);
      if (!first && last->second > event.number)
        return name + " was delivered after message " + std::to_string(last->second);
      last->second = event.number;
    } else {
      if (std::exchange(m.ended, true))
        return name + " got two verdicts";
      if (m.written != (event.v == verdict::written))
        return name + (m.written ? " was delivered and ended " : " was not delivered and ended ") +
               std::string{to_string(event.v)};
    }
  }
  for (const auto &[key, m] : messages)
    if (!m.ended)
      return "message " + std::to_string(key.second) + " of sender " + std::to_string(key.first) +
             " got no verdict";
  return {};
}

} // namespace stentor::test

// SPDX-License-Identifier: Apache-2.0
#include "actors/telemetry/metrics.hpp"

#include "actors/telemetry/metrics_table.hpp"

#include <sstream>

#include <prometheus/text_serializer.h>

namespace stentor::actors {

std::string_view to_string(queue x) noexcept {
  switch (x) {
  case queue::inbox:
    return "inbox";
  case queue::lane_bytes:
    return "lane_bytes";
  case queue::pending_verdicts:
    return "pending_verdicts";
  case queue::link_bytes:
    return "link_bytes";
  case queue::unbinds:
    return "unbinds";
  }
  return "other";
}

void loop_counters::publish(const net::io_counters &io) noexcept {
  n_.polls.publish(io.polls);
  n_.receives.publish(io.receives);
  n_.sends.publish(io.sends);
  n_.accepts.publish(io.accepts);
  n_.bytes_in.publish(io.bytes_in);
  n_.bytes_out.publish(io.bytes_out);
}

void loop_counters::publish(const flow_table &flows) noexcept {
  n_.flows.set(static_cast<int64_t>(flows.size()));
  n_.flows_busy.set(static_cast<int64_t>(flows.busy()));
  n_.route_hits.publish(flows.counts().hits);
  n_.route_misses.publish(flows.counts().misses);
  n_.flow_evictions.publish(flows.counts().evictions);
  n_.flow_turns.publish(flows.counts().turns);
}

metrics::metrics(node_id node, size_t loops) : name_{std::move(node)} {
  for (size_t i = 0; i < loops; ++i)
    loops_.push_back(std::make_unique<loop_counters>());
}

std::string metrics::exposition() const {
  std::vector<prometheus::MetricFamily> families;
  for (auto &entry : all_metrics()) {
    prometheus::MetricFamily family{entry.name, entry.help, entry.type, {}};
    entry.collect(*this, family);
    families.push_back(std::move(family));
  }
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(out, families);
  return std::move(out).str();
}

std::string metrics_markdown() {
  std::string text = "| metric | type | labels | meaning | when to look |\n|---|---|---|---|---|\n";
  for (auto &entry : all_metrics()) {
    auto type = entry.type == prometheus::MetricType::Counter ? "counter"
                : entry.type == prometheus::MetricType::Gauge ? "gauge"
                                                              : "histogram";
    text += "| `" + entry.name + "` | " + type + " | " + entry.labels + " | " + entry.help + " | " +
            entry.look + " |\n";
  }
  return text;
}

} // namespace stentor::actors

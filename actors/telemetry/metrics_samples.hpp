// SPDX-License-Identifier: Apache-2.0
// How rows of the metrics' table read their samples. Internal to the metrics.
#pragma once

#include "actors/telemetry/metrics_table.hpp"

#include <string>
#include <vector>

#include <prometheus/metric_family.h>

namespace stentor::actors {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

inline void add(MetricFamily &family, double value, labels with = {}) {
  ClientMetric sample;
  sample.label = std::move(with);
  if (family.type == MetricType::Gauge)
    sample.gauge.value = value;
  else
    sample.counter.value = value;
  family.metric.push_back(std::move(sample));
}

template <class Get>
double sum(const metrics &m, Get get) {
  double total = 0;
  for (auto &loop : m.loops())
    total += static_cast<double>(get(loop->values()));
  return total;
}

template <class Get>
auto each_loop(Get get) {
  return [get](const metrics &m, MetricFamily &family) {
    for (size_t i = 0; i < m.loops().size(); ++i)
      add(family, static_cast<double>(get(m.loops()[i]->values())), {{"loop", std::to_string(i)}});
  };
}

inline auto total(counter loop_values::*member) {
  return [member](const metrics &m, MetricFamily &family) {
    add(family, sum(m, [&](auto &loop) { return (loop.*member).value(); }));
  };
}

inline auto per_loop(gauge loop_values::*member) {
  return each_loop([member](auto &loop) { return (loop.*member).value(); });
}

template <class T>
auto of_node(std::atomic<T> node_counters::*member) {
  return [member](const metrics &m, MetricFamily &family) {
    add(family, static_cast<double>((m.node().*member).load(std::memory_order_relaxed)));
  };
}

} // namespace stentor::actors

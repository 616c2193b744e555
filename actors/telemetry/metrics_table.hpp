// SPDX-License-Identifier: Apache-2.0
// The table of metrics: name, type, what it means, when to worry, and how it is collected. Drives the
// exposition and docs/metrics.md. Internal to the metrics.
#pragma once

#include "actors/telemetry/metrics.hpp"

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <prometheus/metric_family.h>

namespace stentor::actors {

struct metric {
  std::string name;
  prometheus::MetricType type;
  std::string labels; ///< their names and values, for people; empty for none
  std::string help;
  std::string look; ///< an alert or a hint; empty for none
  /// Adds the samples to a family that has name, help and type.
  std::function<void(const metrics &, prometheus::MetricFamily &)> collect;
};

/// All metrics, in the order of the exposition.
std::span<const metric> all_metrics();

/// Those about the cluster, a part of them.
std::vector<metric> cluster_metrics();

// -- what the kernel counts for this process; 0 where /proc is not to be had ----
double process_cpu_s();
double process_start_s(); ///< since 1970
double process_resident_bytes();
double process_open_fds();
double process_max_fds();

} // namespace stentor::actors

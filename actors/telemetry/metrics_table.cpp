// SPDX-License-Identifier: Apache-2.0
#include "actors/telemetry/metrics_table.hpp"

#include "actors/telemetry/metrics_samples.hpp"

#include <algorithm>

namespace stentor::actors {

namespace {

template <class Words>
auto by_word(const char *label, Words loop_values::*member) {
  return [=](const metrics &m, MetricFamily &family) {
    for (size_t i = 0; i < Words::size; ++i)
      add(family, sum(m, [&](auto &loop) { return (loop.*member).value(i); }),
          {{label, std::string{Words::word(i)}}});
  };
}

void add_histogram(MetricFamily &family, const std::vector<const time_histogram *> &deps, labels with = {}) {
  ClientMetric sample;
  sample.label = std::move(with);
  uint64_t cumulative = 0;
  double sum_s = 0;
  for (auto *part : deps)
    sum_s += static_cast<double>(part->sum_ns()) / 1e9;
  for (size_t i = 0; i <= time_histogram::bucket_count; ++i) {
    for (auto *part : deps)
      cumulative += part->in_bucket(i);
    if (i < time_histogram::bucket_count)
      sample.histogram.bucket.push_back({cumulative, time_histogram::bound_s(i)});
  }
  // The count is made of the same reads as the buckets: a reader between two writes sees them agree.
  sample.histogram.sample_count = cumulative;
  sample.histogram.sample_sum = sum_s;
  family.metric.push_back(std::move(sample));
}

// -- verdicts ----

template <class Each>
void for_verdicts(Each each) {
  for (size_t v = 0; v < verdict_count; ++v)
    for (auto by : {source::device, source::http})
      for (auto w : {want::written, want::acked, want::errors, want::none})
        each(static_cast<verdict>(v), by, w);
}

double settled(const metrics &m, verdict v, source by, want w) {
  return sum(m, [&](auto &loop) {
    return loop.messages[static_cast<size_t>(v)][static_cast<size_t>(by)][static_cast<size_t>(w)].value();
  });
}

void collect_messages(const metrics &m, MetricFamily &family) {
  for_verdicts([&](verdict v, source by, want w) {
    add(family, settled(m, v, by, w),
        {{"verdict", std::string{to_string(v)}},
         {"source", by == source::device ? "device" : "http"},
         {"want", std::string{to_string(w)}}});
  });
}

/// What a verdict says about us: the sender's own mistakes are no failure to deliver.
enum class result : uint8_t { delivered, not_delivered, unknown, sender };

result result_of(verdict v) {
  switch (v) {
  case verdict::written:
  case verdict::acked:
  case verdict::stored:
  case verdict::duplicate:
    return result::delivered;
  case verdict::offline:
  case verdict::expired:
  case verdict::congested:
    return result::not_delivered;
  case verdict::unreachable:
    return result::unknown;
  case verdict::refused:
  case verdict::limited:
  case verdict::invalid:
    return result::sender;
  }
  return result::unknown;
}

std::array<double, 4> results(const metrics &m) {
  std::array<double, 4> by_result{};
  for_verdicts([&](verdict v, source by, want w) {
    by_result[static_cast<size_t>(result_of(v))] += settled(m, v, by, w);
  });
  return by_result;
}

void collect_deliveries(const metrics &m, MetricFamily &family) {
  auto counts = results(m);
  auto names = std::to_array<const char *>({"delivered", "not_delivered", "unknown", "sender"});
  for (size_t i = 0; i < names.size(); ++i)
    add(family, counts[i], {{"result", names[i]}});
}

void collect_ratio(const metrics &m, MetricFamily &family) {
  auto [delivered, not_delivered, unknown, sender] = results(m);
  auto tried = delivered + not_delivered + unknown;
  add(family, tried == 0 ? 1 : delivered / tried);
}

// -- groups of members ----

void collect_flows(const metrics &m, MetricFamily &family) {
  auto busy = sum(m, [](auto &l) { return l.flows_busy.value(); });
  auto all = sum(m, [](auto &l) { return l.flows.value(); });
  add(family, busy, {{"state", "busy"}});
  add(family, std::max(all - busy, 0.0), {{"state", "quiet"}});
}

void collect_routes(const metrics &m, MetricFamily &family) {
  add(family, sum(m, [](auto &l) { return l.route_hits.value(); }), {{"result", "hit"}});
  add(family, sum(m, [](auto &l) { return l.route_misses.value(); }), {{"result", "miss"}});
}

void collect_http(const metrics &m, MetricFamily &family) {
  for (size_t hundreds = 1; hundreds <= 5; ++hundreds)
    add(family, sum(m, [&](auto &l) { return l.http_answers[hundreds].value(); }),
        {{"status", std::to_string(hundreds) + "xx"}});
}

void collect_depths(const metrics &m, MetricFamily &family) {
  for (size_t i = 0; i < m.loops().size(); ++i)
    for (size_t q = 0; q < queue_count; ++q)
      add(family, static_cast<double>(m.loops()[i]->values().depths[q].value()),
          {{"queue", std::string{to_string(static_cast<queue>(q))}}, {"loop", std::to_string(i)}});
}

void collect_overflows(const metrics &m, MetricFamily &family) {
  for (size_t q = 0; q < queue_count; ++q)
    add(family, sum(m, [&](auto &l) { return l.overflows[q].value(); }),
        {{"queue", std::string{to_string(static_cast<queue>(q))}}});
}

void collect_lag(const metrics &m, MetricFamily &family) {
  for (size_t i = 0; i < m.loops().size(); ++i)
    add_histogram(family, {&m.loops()[i]->values().lag}, {{"loop", std::to_string(i)}});
}

void collect_verdict_time(const metrics &m, MetricFamily &family) {
  std::vector<const time_histogram *> deps;
  for (auto &loop : m.loops())
    deps.push_back(&loop->values().verdict_time);
  add_histogram(family, deps);
}

auto of_process(double (*read)()) {
  return [read](const metrics &, MetricFamily &family) { add(family, read()); };
}

// -- the table ----

std::vector<metric> build_table() {
  using l = loop_values;
  using n = node_counters;
  constexpr auto c = MetricType::Counter, g = MetricType::Gauge, h = MetricType::Histogram;
  return {
      {"stentor_info", g, "`version`, `node`", "Always 1.", "count by version during a rollout",
       [](const metrics &m, MetricFamily &f) {
         add(f, 1, {{"version", STENTOR_VERSION}, {"node", m.name().str()}});
       }},
      {"stentor_messages_total", c, "`verdict`, `source` device or http, `want`",
       "Messages by their final verdict, at the loop that accepted them.",
       "`unreachable` above 0.1 % of all: a node or the directory is in trouble", collect_messages},
      {"stentor_deliveries_total", c, "`result` delivered, not_delivered, unknown, sender",
       "The same by what the verdict says about the cluster; `sender` counts messages refused for the "
       "sender's own mistake.",
       "the ratio over time: rate of `delivered` divided by rate of all but `sender`", collect_deliveries},
      {"stentor_delivery_ratio", g, "",
       "Delivered messages divided by all but the senders' mistakes, since start; 1 before the first.",
       "use the rates for alerts, this for a glance", collect_ratio},
      {"stentor_verdict_seconds", h, "", "Time from accepting a message to its final verdict.",
       "p99 above a quarter of `default-timeout`", collect_verdict_time},

      {"stentor_late_verdicts_total", c, "",
       "Verdicts that came after the sender had received `unreachable`.",
       "any steady rate: `default-timeout` is too short for this load", total(&l::late_verdicts)},
      {"stentor_frames_received_total", c, "", "Frames from devices.", "", total(&l::frames_in)},

      {"stentor_connects_total", c, "", "Devices that connected and authenticated.",
       "ten times the usual: a reconnect storm", total(&l::sessions_opened)},
      {"stentor_connections", g, "`loop`", "Open device connections.", "one loop far above the others",
       per_loop(&l::connections)},
      {"stentor_sessions", g, "`loop`", "Sessions, with or without a connection.", "",
       per_loop(&l::sessions)},
      {"stentor_closes_total", c, "`reason`", "Device connections that ended.",
       "`slow`, `dead` or `reset` rising together: the network; `protocol`: a client release",
       by_word("reason", &l::closes)},
      {"stentor_rejected_total", c, "`reason`",
       "Handshakes, frames and requests refused because of their content.",
       "any steady rate: a broken or hostile client; `misrouted`: a bug was stopped, report it",
       by_word("reason", &l::rejected)},
      {"stentor_auth_failures_total", c, "`why`", "Devices and back ends that failed to authenticate.",
       "`signature` or `key`: a wrong key rollout or an attack", by_word("why", &l::auth_failures)},
      {"stentor_handovers_total", c, "`result`", "Resumes of a session, by result.",
       "`timed_out`: loops are too busy", by_word("result", &l::handovers)},

      {"stentor_flows", g, "`state` busy, quiet",
       "Flows of messages to devices: `busy` with messages that wait, or `quiet`, only remembered.",
       "`busy` that stays high: the directory is slow", collect_flows},
      {"stentor_flow_turns_total", c, "", "Flows whose device turned out to have moved.",
       "a rise without reconnects", total(&l::flow_turns)},
      {"stentor_route_cache_total", c, "`result` hit, miss",
       "Messages whose route was known, or had to be looked up.",
       "misses near half: `route-cache` is too small", collect_routes},
      {"stentor_route_cache_evictions_total", c, "", "Quiet routes evicted to make room.", "",
       total(&l::flow_evictions)},
      {"stentor_queue_depth", g, "`queue` inbox, lane_bytes, pending_verdicts, link_bytes, unbinds; `loop`",
       "What waits for a loop: actor messages and batches, data bytes from other loops, messages without a "
       "verdict, data bytes in flight to other nodes, devices whose disconnect the directory has not yet "
       "received.",
       "`inbox` or `lane_bytes` that grow: the loop is at its limit", collect_depths},
      {"stentor_queue_overflows_total", c, "`queue`", "Messages that a full queue returned as `congested`.",
       "any steady rate", collect_overflows},
      {"stentor_loop_lag_seconds", h, "`loop`",
       "Length of a loop's turn: how long a ready socket may have waited.",
       "p99 above 50 ms: the node is at its limit", collect_lag},

      {"stentor_http_requests_total", c, "`status` 1xx to 5xx", "Back-end requests that were answered.",
       "5xx above 1 %", collect_http},
      {"stentor_http_connections", g, "`loop`", "Open connections of back ends.", "",
       per_loop(&l::http_connections)},

      {"stentor_io_polls_total", c, "", "Waits for readiness (epoll_wait).", "", total(&l::polls)},
      {"stentor_io_receives_total", c, "", "recv calls.", "", total(&l::receives)},
      {"stentor_io_sends_total", c, "", "send calls.", "divided by messages: how well turns coalesce",
       total(&l::sends)},
      {"stentor_io_accepts_total", c, "", "Accepted sockets.",
       "far above connects: connections without a handshake", total(&l::accepts)},
      {"stentor_io_received_bytes_total", c, "", "Bytes from sockets.", "", total(&l::bytes_in)},
      {"stentor_io_sent_bytes_total", c, "", "Bytes that the kernel accepted.", "", total(&l::bytes_out)},

      {"stentor_directory_devices", g, "", "Devices bound in the directory; may be an estimate.", "",
       of_node(&n::directory_devices)},

      {"stentor_directory_requests_total", c, "", "Requests to the directory.", "",
       of_node(&n::directory_requests)},
      {"stentor_directory_batches_total", c, "", "Batches of these requests.", "",
       of_node(&n::directory_batches)},
      {"stentor_directory_failures_total", c, "", "Requests the store could not answer.", "any",
       of_node(&n::directory_failures)},
      {"stentor_directory_refused_total", c, "",
       "Requests refused because too many waited for the directory.",
       "any: the directory is too slow for this node", of_node(&n::directory_refused)},
      {"stentor_directory_late_total", c, "", "Requests whose turn came after their sender had timed out.",
       "any: the directory is too slow for this node", of_node(&n::directory_late)},

      {"process_cpu_seconds_total", c, "", "CPU time of the process.", "", of_process(process_cpu_s)},
      {"process_resident_memory_bytes", g, "", "Memory in RAM.", "", of_process(process_resident_bytes)},
      {"process_open_fds", g, "", "Open file descriptors.", "above 90 % of `process_max_fds`",
       of_process(process_open_fds)},
      {"process_max_fds", g, "", "Descriptors that the process may open.", "", of_process(process_max_fds)},
      {"process_start_time_seconds", g, "", "When the process started, seconds since 1970.",
       "changes: it restarted", of_process(process_start_s)},
  };
}

} // namespace

std::span<const metric> all_metrics() {
  static const auto table = [] {
    auto all = build_table();
    // Before what the process says, which comes last.
    auto at = std::ranges::find_if(all, [](auto &x) { return x.name.starts_with("process_"); });
    auto cluster = cluster_metrics();
    all.insert(at, std::make_move_iterator(cluster.begin()), std::make_move_iterator(cluster.end()));
    return all;
  }();
  return table;
}

} // namespace stentor::actors

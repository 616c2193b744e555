// SPDX-License-Identifier: Apache-2.0
// The table's rows about the cluster: leases, links, restores, audits.
#include "actors/telemetry/metrics_samples.hpp"

#include "cluster/disagreement.hpp"

namespace stentor::actors {

namespace {

template <class T>
auto of_links(std::atomic<T> link_counters::*member) {
  return [member](const metrics &m, MetricFamily &family) {
    add(family, static_cast<double>((m.links().*member).load(std::memory_order_relaxed)));
  };
}

/// The sum of all round trips: divided by the pongs, the mean.
void collect_round_trip(const metrics &m, MetricFamily &family) {
  add(family, static_cast<double>(m.links().round_trip_us.load(std::memory_order_relaxed)) / 1e6);
}

void collect_link_ends(const metrics &m, MetricFamily &family) {
  for (size_t i = 0; i < link_end_count; ++i)
    add(family, static_cast<double>(m.links().ended[i].load(std::memory_order_relaxed)),
        {{"reason", std::string{to_string(static_cast<link_end>(i))}}});
}

void collect_peer_refusals(const metrics &m, MetricFamily &family) {
  for (size_t i = 0; i < peer_refusal_count; ++i)
    add(family, static_cast<double>(m.links().refused[i].load(std::memory_order_relaxed)),
        {{"why", std::string{to_string(static_cast<peer_refusal>(i))}}});
}

void collect_repairs(const metrics &m, MetricFamily &family) {
  for (size_t i = 0; i < disagreement_count; ++i)
    add(family, static_cast<double>(m.node().repairs[i].load(std::memory_order_relaxed)),
        {{"kind", std::string{to_string(static_cast<disagreement>(i))}}});
}

} // namespace

std::vector<metric> cluster_metrics() {
  using l = loop_values;
  using n = node_counters;
  using k = link_counters;
  constexpr auto c = MetricType::Counter, g = MetricType::Gauge;
  return {
      {"stentor_cluster_members", g, "", "Nodes in this node's view, itself included.",
       "differs between nodes for more than 3 s", of_node(&n::members)},
      {"stentor_lease_renewals_total", c, "", "Attempts to renew this node's lease.",
       "stops: the node is stuck", of_node(&n::lease_renewals)},
      {"stentor_lease_failures_total", c, "", "Renewals that failed.", "any", of_node(&n::lease_failures)},
      {"stentor_fenced_total", c, "", "Times this node had to stop writing to devices.", "any",
       of_node(&n::fenced)},
      {"stentor_fenced_turns_total", c, "",
       "Loop turns in which nothing could be done because the node had no lease.", "",
       total(&l::fenced_turns)},
      {"stentor_directory_outage", g, "", "1 while the directory is unreachable for the whole cluster.", "1",
       of_node(&n::outage)},
      {"stentor_restores_total", c, "", "Times all sessions were restored to the directory.", "",
       of_node(&n::restores)},
      {"stentor_restored_devices_total", c, "", "Devices restored to the directory.", "",
       total(&l::restored)},
      {"stentor_restore_lost_total", c, "", "Devices that another node held by the time of the restore.", "",
       total(&l::restore_lost)},
      {"stentor_swept_records_total", c, "", "Records of dead nodes removed by this node.", "",
       of_node(&n::swept)},
      {"stentor_link_batches_total", c, "", "Batches sent to other nodes.", "", total(&l::link_batches)},
      {"stentor_link_messages_total", c, "", "Messages of devices and back ends in these batches.",
       "near the batches under load: turns do not coalesce", total(&l::link_messages)},
      {"stentor_link_sent_bytes_total", c, "", "Bytes of these batches.", "", total(&l::link_bytes_out)},

      {"stentor_links", g, "", "Links to other nodes that are up.", "below `stentor_cluster_members` - 1",
       of_links(&k::up)},
      {"stentor_links_begun_total", c, "", "Links that came up.",
       "far above the nodes that started: links flap", of_links(&k::begun)},
      {"stentor_links_ended_total", c, "`reason` silent, closed, asked, replaced, left_view, stopped",
       "Links that ended; all but `closed` and `stopped` were severed by this node.",
       "`silent`: the network between two nodes; `asked`: a bug or a peer that hangs", collect_link_ends},
      {"stentor_link_connect_failures_total", c, "", "Attempts to dial other nodes that led to no link.",
       "a steady rate: a peer address is unreachable", of_links(&k::connect_failures)},
      {"stentor_peers_refused_total", c, "`why` malformed, silent, crowded, tls, hello, forbidden",
       "Connections closed at the peer port, most of them before they became links.",
       "`hello`: two clusters or versions mixed; `malformed` or `tls`: something other than a node connects; "
       "`forbidden`: a peer tries to control this node",
       collect_peer_refusals},
      {"stentor_peer_port_restarts_total", c, "", "Times the actor at the peer port ended and was restarted.",
       "any: a bug", of_links(&k::port_restarts)},
      {"stentor_link_pings_total", c, "", "Pings sent.", "", of_links(&k::pings)},
      {"stentor_link_pongs_total", c, "", "Pings answered.", "falls behind the pings: a link is about to end",
       of_links(&k::pongs)},
      {"stentor_link_round_trip_seconds_total", c, "", "Sum of the round-trip times of all answered pings.",
       "divided by pongs, above 20 ms: the network, or CAF's threads are busy", collect_round_trip},

      {"stentor_presence_disagreements", g, "",
       "Records and sessions of this node that differed twice in the auditor's last round.",
       "above 0 in two rounds", of_node(&n::disagreements)},
      {"stentor_presence_repairs_total", c, "`kind` orphan, missing, elsewhere",
       "Disagreements repaired: a record without its session was removed; a session without its record was "
       "restored; a session whose device is held elsewhere was ended.",
       "any: a bug, or a directory that lost writes", collect_repairs},
      {"stentor_presence_audited_total", c, "", "Binds that the auditor checked with the loops.",
       "stops: nothing is audited", of_node(&n::audited)},
      {"stentor_presence_audit_rounds_total", c, "", "Complete passes over all slots.",
       "stops: the directory does not answer", of_node(&n::audit_rounds)},
      {"stentor_link_overflows_total", c, "", "Links severed because too many bytes waited for them.", "any",
       of_links(&k::overflows)},
      {"stentor_resolves_total", c, "",
       "Lookups of where a device is, to this node's routers or another node's.",
       "far above connects: the route cache is too small", total(&l::resolves)},
      {"stentor_accept_budget", g, "`loop`",
       "Connections per second that are accepted now; 0 without a limit.",
       "below the configured rate: turns are long, a reconnect storm is being slowed down",
       per_loop(&l::accept_budget)},
  };
}

} // namespace stentor::actors

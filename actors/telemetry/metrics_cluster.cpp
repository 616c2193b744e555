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
      {"stentor_lease_renewals_total", c, "", "Tries to renew this node's lease.", "stops: the node is stuck",
       of_node(&n::lease_renewals)},
      {"stentor_lease_failures_total", c, "", "Renewals that failed.", "any", of_node(&n::lease_failures)},
      {"stentor_fenced_total", c, "", "Times this node had to stop writing to devices.", "any",
       of_node(&n::fenced)},
      {"stentor_fenced_turns_total", c, "", "Turns of loops in which nothing could be done without a lease.",
       "", total(&l::fenced_turns)},
      {"stentor_directory_outage", g, "", "1 while the directory is away for the whole cluster.", "1",
       of_node(&n::outage)},
      {"stentor_restores_total", c, "", "Times all sessions were put back into the directory.", "",
       of_node(&n::restores)},
      {"stentor_restored_devices_total", c, "", "Devices put back.", "", total(&l::restored)},
      {"stentor_restore_lost_total", c, "", "Devices that were held elsewhere by then.", "",
       total(&l::restore_lost)},
      {"stentor_swept_records_total", c, "", "Records of dead nodes removed by this node.", "",
       of_node(&n::swept)},
      {"stentor_link_batches_total", c, "", "Batches sent to other nodes.", "", total(&l::link_batches)},
      {"stentor_link_messages_total", c, "", "Messages of devices and back ends in them.",
       "near the batches under load: turns do not coalesce", total(&l::link_messages)},
      {"stentor_link_sent_bytes_total", c, "", "Bytes of these batches.", "", total(&l::link_bytes_out)},

      {"stentor_links", g, "", "Links to other nodes that are up.", "below `stentor_cluster_members` - 1",
       of_links(&k::up)},
      {"stentor_links_begun_total", c, "", "Links that began.",
       "far above the nodes that started: links flap", of_links(&k::begun)},
      {"stentor_links_ended_total", c, "`reason` silent, closed, asked, replaced, left_view, stopped",
       "Links that ended; all but `closed` and `stopped` were severed by this node.",
       "`silent`: the network between two nodes; `asked`: a bug or a peer that hangs", collect_link_ends},
      {"stentor_link_connect_failures_total", c, "", "Dials of other nodes that no link came of.",
       "a steady rate: a peer address that cannot be reached", of_links(&k::connect_failures)},
      {"stentor_peers_refused_total", c, "`why` malformed, silent, crowded, tls, hello, forbidden",
       "Connections cut at the peer port, most of them before they were links.",
       "`hello`: two clusters or versions mixed; `malformed` or `tls`: something else than a node connects; "
       "`forbidden`: it tries to command this node",
       collect_peer_refusals},
      {"stentor_peer_port_restarts_total", c, "",
       "Times the actor at the peer port had ended and was started again.", "any: a bug",
       of_links(&k::port_restarts)},
      {"stentor_link_pings_total", c, "", "Pings sent.", "", of_links(&k::pings)},
      {"stentor_link_pongs_total", c, "", "Pings answered.", "falls behind the pings: a link is about to end",
       of_links(&k::pongs)},
      {"stentor_link_round_trip_seconds_total", c, "", "Sum of the round trips of all answered pings.",
       "by pongs above 20 ms: the network, or CAF's threads are busy", collect_round_trip},

      {"stentor_presence_disagreements", g, "",
       "Records and sessions of this node that differed twice in the auditor's last round.",
       "above 0 in two rounds", of_node(&n::disagreements)},
      {"stentor_presence_repairs_total", c, "`kind` orphan, missing, elsewhere",
       "Disagreements mended: a record without its session removed; a session without its record put back; a "
       "session "
       "ended whose device is held elsewhere.",
       "any: a bug, or a directory that lost writes", collect_repairs},
      {"stentor_presence_audited_total", c, "", "Binds that the auditor asked the loops about.",
       "stops: nothing is audited", of_node(&n::audited)},
      {"stentor_presence_audit_rounds_total", c, "", "Walks over all slots.",
       "stops: the directory does not answer", of_node(&n::audit_rounds)},
      {"stentor_link_overflows_total", c, "", "Links severed because too many bytes waited for them.", "any",
       of_links(&k::overflows)},
      {"stentor_resolves_total", c, "", "Questions where a device is, to this node's routers or another's.",
       "far above connects: the route cache is too small", total(&l::resolves)},
      {"stentor_accept_budget", g, "`loop`", "Connections a second that are taken in now; 0 without a limit.",
       "below the configured rate: turns are long, a storm is being slowed", per_loop(&l::accept_budget)},
  };
}

} // namespace stentor::actors

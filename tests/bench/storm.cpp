// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/storm.hpp"

#include "cluster/errc.hpp"
#include "tests/bench/crowds.hpp"
#include "tests/bench/device_dialect.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/reach.hpp"
#include "tests/bench/wave.hpp"

#include <algorithm>
#include <memory>

namespace stentor::bench {

namespace {

constexpr size_t victim = storm_nodes - 1;
constexpr uint64_t second_ns = 1'000'000'000;
constexpr uint64_t warm_ns = second_ns;
constexpr uint64_t phase_ns = 5 * second_ns;
constexpr uint64_t swept_after_kill_ns =
    9 * second_ns; // its lease is over and it is declared dead within 7 s
constexpr uint64_t back_limit_ns = 60 * second_ns;
constexpr uint64_t settle_limit_ns = 10 * second_ns;
constexpr uint64_t ask_every_ns = 5'000'000; // the crowd whether all are back
constexpr uint64_t late_ns = 500'000;        // as in round.cpp

/// Devices in pairs on the first three nodes, and their messages.
class traffic {
public:
  traffic(device_dialect &speaks, const cluster_target &nodes) {
    for (uint32_t i = 0; i < storm_pairs * 2; ++i)
      devices_.add(speaks, nodes.node(i % victim).device_address());
  }

  caf::error open() {
    if (auto wave = open_wave(devices_, {}, 64, {}, true); !wave)
      return std::move(wave.error());
    load_options wanted;
    wanted.streams = pairs_plan(storm_pairs * 2);
    wanted.rate = storm_rate;
    wanted.wants_verdict = true;
    load_ = std::make_unique<load>(devices_, std::move(wanted));
    devices_.listen_to(load_.get());
    load_->start(steady_ns());
    return {};
  }
  ~traffic() { devices_.listen_to(nullptr); }

  /// Sends on until `done(now)`.
  template <class Done>
  void run_until(Done done) {
    for (uint64_t now; !done(now = steady_ns());)
      devices_.turn(load_->pace(now));
  }
  void run_until_ns(uint64_t end) {
    run_until([end](auto now) { return now >= end; });
  }
  void settle() {
    load_->stop();
    for (auto end = steady_ns() + settle_limit_ns; !load_->is_settled() && steady_ns() < end;)
      devices_.turn(1'000'000);
    // What comes now comes twice: leave it a moment to show.
    for (auto end = steady_ns() + 20'000'000; steady_ns() < end;)
      devices_.turn(1'000'000);
  }
  load &messages() noexcept { return *load_; }
  const fleet &devices() const noexcept { return devices_; }

private:
  fleet devices_{2};
  std::unique_ptr<load> load_;
};

/// For `count` devices with tokens.
caf::expected<device_dialect_options> speech(char prefix, uint32_t count, const node_access &access) {
  device_dialect_options result{format::msgpack, prefix, want::written, {}};
  device_dialect names{result};
  for (uint32_t i = 0; i < count; ++i) {
    auto token = access.token(names.device_name(i), names.account_name(i));
    if (!token)
      return std::move(token.error());
    result.tokens.push_back(std::move(*token));
  }
  return result;
}

/// Lets the traffic run until the crowd says that all its devices were lost and are back.
caf::expected<crowd_report> wait_for_return(traffic &running, const crowd_process &crowd, uint64_t count,
                                            uint64_t killed_ns) {
  caf::expected<crowd_report> said{crowd_report{}};
  caf::error failed;
  uint64_t ask_at = killed_ns;
  auto is_asked = false;
  running.run_until([&](uint64_t now) {
    if (is_asked && crowd.has_answer()) {
      is_asked = false;
      said = crowd.answer();
    } else if (!is_asked && now >= ask_at) {
      ask_at = now + ask_every_ns;
      is_asked = true;
      failed = crowd.tell(crowd_command::report);
    }
    return failed || !said || (said->lost >= count && said->connected == count) ||
           now > killed_ns + back_limit_ns;
  });
  if (failed)
    return failed;
  if (said && said->connected < count)
    return make_error(errc::io, std::to_string(count - said->connected) + " of " + std::to_string(count) +
                                    " devices were not back after 60 s");
  return said;
}

} // namespace

caf::expected<storm_result> run_storm(const options &how, unsigned source_net) {
  auto devices_each = std::max<uint32_t>(1, how.node_devices / storm_nodes);
  auto started = cluster_target::start(how, storm_nodes, node_access::tokens(), how.generator_core,
                                       admission::as_shipped);
  if (!started)
    return std::move(started.error());
  auto &nodes = **started;
  auto crowds = gather_crowds(how, nodes, devices_each, source_net);
  if (!crowds)
    return std::move(crowds.error());
  for (auto command : {crowd_command::connect, crowd_command::survive})
    if (auto said = tell_all(*crowds, command); !said)
      return std::move(said.error());
  // Everybody comes back before the lease of the dead node is over. So that there is something to sweep, and
  // a verdict says that it was swept, one device stays away.
  auto left_options = speech('l', 1, nodes.access());
  auto options = speech('t', storm_pairs * 2, nodes.access());
  if (!options || !left_options)
    return std::move(options ? left_options.error() : options.error());
  device_dialect left_speaks{std::move(*left_options)};
  fleet left_behind{3};
  left_behind.add(left_speaks, nodes.node(victim).device_address());
  if (auto wave = open_wave(left_behind, {}, 1, {}, true); !wave)
    return std::move(wave.error());
  device_dialect speaks{std::move(*options)};
  traffic running{speaks, nodes};
  if (auto failed = running.open())
    return failed;

  storm_result out;
  auto &messages = running.messages();
  running.run_until_ns(steady_ns() + warm_ns);
  messages.record(true);
  running.run_until_ns(steady_ns() + phase_ns);
  out.phases.before = messages.take_figures();
  out.is_disturbed = out.phases.before.lag.percentile(0.99) > late_ns;

  auto killed_ns = steady_ns();
  nodes.kill_node(victim);
  auto back = wait_for_return(running, (*crowds)[victim], devices_each, killed_ns);
  if (!back)
    return std::move(back.error());
  out.phases.during = messages.take_figures();
  running.run_until_ns(steady_ns() + phase_ns);
  out.phases.after = messages.take_figures();
  running.run_until_ns(killed_ns + swept_after_kill_ns);
  out.phases.sweep = messages.take_figures();
  running.settle();

  auto noticed_ns = back->first_loss_ns - killed_ns;
  out.until_half_ns = noticed_ns + back->back_p50_ns;
  out.until_most_ns = noticed_ns + back->back_p99_ns;
  out.until_all_ns = back->last_return_ns - killed_ns;
  out.away_p99_ns = back->away_p99_ns;
  out.try_p99_ns = back->try_p99_ns;
  out.failed_tries = back->failed_tries;
  out.checked = messages.checked();
  out.wrong_verdicts = messages.wrong_verdicts();
  out.healthy_lost = running.devices().size() - running.devices().ready_count();
  out.first_failure = messages.failure();

  auto said_of_left = verdict_of(nodes, 0, left_speaks.device_name(0));
  if (!said_of_left)
    return std::move(said_of_left.error());
  out.left_behind = *said_of_left;
  out.sample = std::min(storm_sample, devices_each);
  auto reached =
      reach(nodes, {0, 1, 2}, static_cast<uint32_t>(victim) * devices_each, devices_each, out.sample);
  if (!reached)
    return std::move(reached.error());
  out.reached = reached->devices;
  out.not_reached = std::move(reached->failure);
  auto said = tell_all(*crowds, crowd_command::report);
  if (!said)
    return std::move(said.error());
  for (size_t i = 0; i < storm_nodes; ++i) {
    out.missing += devices_each - (*said)[i].connected;
    out.healthy_lost += (*said)[i].lost - (i == victim ? devices_each : 0);
  }
  return out;
}

} // namespace stentor::bench

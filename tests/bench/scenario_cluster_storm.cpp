// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/scenarios_cluster.hpp"
#include "tests/bench/storm.hpp"

#include <algorithm>
#include <vector>

namespace stentor::bench {

namespace {

constexpr double all_back_s = 10;
constexpr int most_tries = 1; // a round takes some 30 s

using rounds = std::vector<storm_result>;

/// `value(round)` of each, in units of `unit_ns`.
template <class F>
std::vector<double> times(const rounds &all, double unit_ns, F value) {
  std::vector<double> result;
  for (auto &x : all)
    result.push_back(double(value(x)) / unit_ns);
  return result;
}

void add_phase(report &out, const std::string &what, const rounds &all, load_figures storm_phases::*phase) {
  // Where coming back took so long that the sweep was over before.
  if (std::all_of(all.begin(), all.end(), [&](auto &x) { return (x.phases.*phase).messages == 0; }))
    return;
  struct measured {
    const char *name;
    histogram load_figures::*values;
  };
  for (auto [fraction, word] : {std::pair{0.5, " p50, ms"}, std::pair{0.99, " p99, ms"}})
    for (auto [name, values] :
         {measured{"verdict", &load_figures::verdict_delay}, measured{"delivery", &load_figures::latency},
          measured{"the generator's own lag", &load_figures::lag}})
      if (values != &load_figures::lag || fraction > 0.5)
        out.add({what + ": " + name + word,
                 {},
                 times(all, 1e6, [&, fraction = fraction, values = values](auto &x) {
                   return (x.phases.*phase.*values).percentile(fraction);
                 })});
}

/// A count that must be 0.
void add_none(report &out, std::string measure, uint64_t count, std::string text = {}) {
  finding x{std::move(measure)};
  x.text = text.empty() ? std::to_string(count) : std::move(text);
  x.compared = {double(count)};
  x.compared_unit = "";
  x.hold(0, "0");
  out.add(std::move(x));
}

void add_checks(report &out, const std::string &what, const rounds &all) {
  verification sum;
  uint64_t wrong = 0, missing = 0, lost = 0, sample = 0, reached = 0, failed_tries = 0, not_swept = 0;
  std::string last_word;
  for (auto &x : all) {
    sum.add(x.checked);
    wrong += x.wrong_verdicts;
    missing += x.missing;
    lost += x.healthy_lost;
    sample += x.sample;
    reached += x.reached;
    not_swept += x.left_behind != verdict::offline;
    last_word += (last_word.empty() ? "" : " / ") + std::string{to_string(x.left_behind)};
    failed_tries += x.failed_tries;
    if (!x.first_failure.empty())
      out.note(what + ": traffic: " + x.first_failure);
    if (!x.not_reached.empty())
      out.note(what + ": not reached: " + x.not_reached);
  }
  auto number = [](auto x) { return std::to_string(x); };
  add_none(out, what + ": connections of the survivors that were lost", lost);
  add_none(out, what + ": idle devices not connected at the end", missing);
  add_none(out, what + ": moved devices not reached from another node, of " + number(sample),
           sample - reached);
  add_none(out, what + ": a device that stayed away is not `offline` 9 s after the kill", not_swept,
           last_word);
  auto bad = sum.lost + sum.duplicated + sum.reordered + sum.misrouted + sum.damaged + wrong;
  add_none(out,
           what + ": lost / duplicated / reordered / misrouted / damaged / wrong verdicts, of " +
               number(sum.sent) + " messages",
           bad,
           number(sum.lost) + " / " + number(sum.duplicated) + " / " + number(sum.reordered) + " / " +
               number(sum.misrouted) + " / " + number(sum.damaged) + " / " + number(wrong));
  out.note(what + ": " + number(failed_tries) + " tries to come back failed, over " + number(all.size()) +
           " rounds.");
}

} // namespace

caf::error run_cluster_storm(const options &how, report &out) {
  auto in_all = how.node_devices / storm_nodes * storm_nodes;
  auto what = "cluster storm, " + std::to_string(in_all) + " devices on 4 nodes, 1 killed";
  unsigned begun = 0, repeated = 0, kept_disturbed = 0;
  auto run = [&](int round) {
    how.progress(what + " " + std::to_string(round + 1) + "/" + std::to_string(how.connect_pairs));
    // Addresses of its own each time: ports of the last one may still be waiting.
    return run_storm(how, 120 + begun++ % 30 * unsigned{storm_nodes});
  };
  rounds all;
  for (int i = 0; i < how.connect_pairs; ++i) {
    auto round = run(i);
    for (int again = 0; round && round->is_disturbed && again < std::min(how.tries, most_tries); ++again) {
      ++repeated;
      round = run(i);
    }
    if (!round)
      return std::move(round.error());
    kept_disturbed += round->is_disturbed;
    all.push_back(std::move(*round));
  }

  auto is_standard = in_all == 12'000;
  auto add = [&](const char *measure, uint64_t storm_result::*field) {
    out.add({what + ": " + measure, {}, times(all, 1e9, [&](auto &x) { return x.*field; })});
  };
  add("until half of the lost are back, s", &storm_result::until_half_ns);
  add("until 99 % are back, s", &storm_result::until_most_ns);
  finding back{what + ": until all are back, s", {}, times(all, 1e9, [](auto &x) { return x.until_all_ns; })};
  back.compared = back.ours;
  back.compared_unit = "s";
  back.hold(is_standard ? std::optional{all_back_s} : std::nullopt, "≤ 10 s");
  out.add(std::move(back));
  add("a lost device, from its loss to its welcome p99, s", &storm_result::away_p99_ns);
  out.add({what + ": a lost device, from its last try to its welcome p99, ms",
           {},
           times(all, 1e6, [](auto &x) { return x.try_p99_ns; })});
  add_phase(out, what + ", 5 s before", all, &storm_phases::before);
  add_phase(out, what + ", until all are back", all, &storm_phases::during);
  add_phase(out, what + ", 5 s after", all, &storm_phases::after);
  add_phase(out, what + ", until the dead node is swept", all, &storm_phases::sweep);
  add_checks(out, what, all);
  if (repeated + kept_disturbed > 0)
    out.note(what + ": " + std::to_string(repeated) + " disturbed rounds repeated, " +
             std::to_string(kept_disturbed) + " still disturbed after the last try and kept.");
  return {};
}

} // namespace stentor::bench

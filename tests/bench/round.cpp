// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/round.hpp"

#include "tests/bench/core_watch.hpp"

#include <unistd.h>

namespace stentor::bench {

namespace {

constexpr uint64_t settle_limit_ns = 10'000'000'000;
constexpr uint64_t late_ns =
    500'000; // the bar: a generator late by more at p99 says nothing about the server

/// Answers what the server asks the fleets whose round it is not.
class attendant {
public:
  attendant(const fleet &busy, const std::vector<fleet *> &all) : busy_(&busy), all_(all) {}

  void serve() {
    for (auto *f : all_)
      if (f != busy_)
        f->turn(0);
    next_ns_ = steady_ns() + attended_every_ns;
  }
  void serve_if_due(uint64_t now_ns) {
    if (now_ns >= next_ns_)
      serve();
  }

private:
  const fleet *busy_;
  const std::vector<fleet *> &all_;
  uint64_t next_ns_ = 0;
};

} // namespace

round_result run_round(fleet &f, load &traffic, const std::vector<pid_t> &servers, const round_times &times,
                       const counter_reader &system_calls) {
  round_result result;
  attendant others{f, times.fleets};
  // What waits for this fleet since its last round is older than this round's messages.
  f.turn(0);
  if (f.ready_count() < f.size()) {
    result.failure =
        std::to_string(f.size() - f.ready_count()) + " connections were lost before, first " + f.first_loss();
    return result;
  }
  f.listen_to(&traffic);
  auto run_until = [&](uint64_t end) {
    for (uint64_t now; (now = steady_ns()) < end && traffic.failure().empty();) {
      auto wait = std::min(traffic.pace(now), end - now);
      f.turn(times.spin ? 0 : wait);
      others.serve_if_due(now);
    }
  };
  auto began = steady_ns();
  traffic.start(began);
  run_until(began + times.warm_ns);
  others.serve();

  auto own_cpu = cpu_of(::getpid());
  core_watch cores{servers};
  auto calls = system_calls ? system_calls() : 0;
  auto cpu = cpu_of(servers);
  auto from = steady_ns();
  traffic.record(true);
  run_until(from + times.measure_ns);
  traffic.record(false);
  auto to = steady_ns();
  result.server = cpu_of(servers) - cpu;
  result.system_calls = system_calls ? system_calls() - calls : 0;
  result.kept_waiting_ns = cores.kept_waiting_ns();
  result.generator_cpu_ns = (cpu_of(::getpid()) - own_cpu).total_ns;
  result.wall_ns = to - from;

  traffic.stop();
  for (auto end = to + settle_limit_ns; !traffic.is_settled() && steady_ns() < end;)
    f.turn(1'000'000);
  // What comes now comes twice: leave it a moment to show.
  for (auto end = steady_ns() + 20'000'000; steady_ns() < end;)
    f.turn(1'000'000);
  f.listen_to(nullptr);
  others.serve();
  auto figures = traffic.take_figures();
  result.messages = figures.messages;
  result.latency = std::move(figures.latency);
  result.verdict_delay = std::move(figures.verdict_delay);
  result.lag = std::move(figures.lag);
  result.checked = traffic.checked();
  result.wrong_verdicts = traffic.wrong_verdicts();
  result.failure = traffic.failure();
  return result;
}

bool is_disturbed(const round_result &round) noexcept {
  if (round.lag.count() > 0)
    return round.lag.percentile(0.99) > late_ns;
  return round.kept_waiting_ns > round.wall_ns / 10;
}

interleaved run_interleaved(const std::vector<side> &sides, int repetitions, int tries,
                            const std::function<void(const std::string &)> &progress) {
  interleaved result;
  result.rounds.resize(sides.size());
  for (int repetition = 0; repetition < repetitions; ++repetition)
    for (size_t i = 0; i < sides.size(); ++i) {
      auto which = (i + static_cast<size_t>(repetition)) % sides.size();
      progress(sides[which].name + " " + std::to_string(repetition + 1) + "/" + std::to_string(repetitions));
      auto round = sides[which].run();
      for (int again = 0; is_disturbed(round) && round.failure.empty() && again < tries; ++again) {
        ++result.repeated;
        round = sides[which].run();
      }
      result.kept_disturbed += is_disturbed(round);
      result.rounds[which].push_back(std::move(round));
    }
  return result;
}

} // namespace stentor::bench

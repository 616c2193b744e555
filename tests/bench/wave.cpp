// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/wave.hpp"

#include "cluster/errc.hpp"

#include <string>

namespace stentor::bench {

namespace {

constexpr uint64_t limit_ns = 60'000'000'000;
// Between two looks at what has come: few enough that greetings do not wait for the rest of the wave.
constexpr size_t opened_per_turn = 32;

struct wave final : fleet_events {
  explicit wave(fleet &f) : connections(f), began(f.size()) {}

  bool open(connection &c) {
    began[c.index] = steady_ns();
    return connections.open(c);
  }
  void on_ready(connection &c) override { result.wait.record(steady_ns() - began[c.index]); }
  void on_lost(connection &c, std::string_view why) override {
    ++result.lost;
    reason = why;
    again.push_back(&c);
  }

  fleet &connections;
  std::vector<uint64_t> began;
  std::vector<connection *> again;
  std::string reason = "no answer";
  wave_result result;
};

} // namespace

caf::expected<wave_result> open_wave(fleet &f, const std::vector<pid_t> &servers, size_t at_once,
                                     const std::function<bool()> &is_done, bool yields) {
  wave w{f};
  f.listen_to(&w);
  w.result.connections = f.size() - f.ready_count();
  auto cpu = cpu_of(servers);
  auto begin = steady_ns();
  auto out_of_sockets = false;
  for (size_t next = 0; f.ready_count() < f.size() || (is_done && !is_done());) {
    for (size_t opened = 0; next < f.size() && f.under_way() < at_once && opened < opened_per_turn; ++next)
      if (f.at(next).at == connection::stage::closed) {
        out_of_sockets = out_of_sockets || !w.open(f.at(next));
        ++opened;
      }
    auto may_open = next < f.size() && !(yields && f.under_way() >= at_once);
    f.turn(may_open ? 0 : 100'000);
    for (auto *c : std::exchange(w.again, {}))
      out_of_sockets = out_of_sockets || !w.open(*c);
    if (out_of_sockets || steady_ns() - begin > limit_ns) {
      f.listen_to(nullptr);
      return make_error(errc::io, out_of_sockets ? "the generator has no more sockets or ports"
                                                 : "not all connections came up: " + w.reason);
    }
  }
  w.result.wall_ns = steady_ns() - begin;
  w.result.server = cpu_of(servers) - cpu;
  f.listen_to(nullptr);
  return std::move(w.result);
}

} // namespace stentor::bench

// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sys/utsname.h>
#include <thread>

namespace stentor::bench {

namespace {

/// Three significant digits, without exponents.
std::string number_text(double x) {
  char text[64];
  auto digits = x == 0 || std::abs(x) >= 100 ? 0 : std::abs(x) >= 10 ? 1 : 2;
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}

std::string summary_text(const std::vector<double> &values, const std::string &unit = {}) {
  if (values.empty())
    return "–";
  auto x = summarize(values);
  auto text = number_text(x.median) + unit;
  if (values.size() > 1)
    text += " ±" + std::to_string(std::lround(x.spread() * 100)) + "%";
  return text;
}

nlohmann::json summary_json(const std::vector<double> &values) {
  if (values.empty())
    return nullptr;
  auto x = summarize(values);
  return {{"median", x.median}, {"least", x.least}, {"most", x.most}, {"values", values}};
}

nlohmann::json machine() {
  utsname name{};
  ::uname(&name);
  std::string model = "unknown";
  std::ifstream in{"/proc/cpuinfo"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name"))
      model = line.substr(std::min(line.size(), line.find(':') + 2));
  return {{"kernel", name.release}, {"processor", model}, {"cores", std::thread::hardware_concurrency()}};
}

nlohmann::json latency_json(const histogram &x) {
  return {{"p50", double(x.percentile(0.5)) / 1e3},
          {"p99", double(x.percentile(0.99)) / 1e3},
          {"p99.9", double(x.percentile(0.999)) / 1e3},
          {"max", double(x.max()) / 1e3}};
}

} // namespace

std::optional<bool> finding::is_met() const {
  auto values = judged();
  if (!limit || values.empty())
    return {};
  auto median = summarize(values).median;
  return at_least ? median >= *limit : median <= *limit;
}

bool report::is_good() const {
  return failures_.empty() &&
         std::none_of(findings_.begin(), findings_.end(), [](auto &x) { return x.is_met() == false; });
}

void report::keep(const std::string &scenario, const std::string &side,
                  const std::vector<round_result> &rounds) {
  for (auto &x : rounds)
    rounds_.push_back(
        {{"scenario", scenario},
         {"side", side},
         {"messages", x.messages},
         {"seconds", double(x.wall_ns) / 1e9},
         {"messages_per_s", double(x.messages) * 1e9 / double(std::max<uint64_t>(1, x.wall_ns))},
         {"server_cpu_us", x.cpu_us()},
         {"server_user_us", x.per_message(user_ns(x.server) / 1e3)},
         {"server_system_us", x.per_message((double(x.server.total_ns) - user_ns(x.server)) / 1e3)},
         {"generator_cpu_us", x.per_message(double(x.generator_cpu_ns) / 1e3)},
         {"latency_us", latency_json(x.latency)},
         {"verdict_delay_us", x.verdict_delay.count() ? latency_json(x.verdict_delay) : nlohmann::json{}},
         {"generator_lag_us", x.lag.count() ? latency_json(x.lag) : nlohmann::json{}},
         {"kept_waiting_ms", double(x.kept_waiting_ns) / 1e6},
         {"sent", x.checked.sent},
         {"lost", x.checked.lost},
         {"duplicated", x.checked.duplicated},
         {"reordered", x.checked.reordered},
         {"misrouted", x.checked.misrouted},
         {"damaged", x.checked.damaged},
         {"wrong_verdicts", x.wrong_verdicts}});
}

std::string report::markdown() const {
  auto out = "| measure | " + beside_ + " | stentor | compared | bar | |\n|---|---|---|---|---|---|\n";
  for (auto &x : findings_) {
    auto judged = x.judged();
    auto met = x.is_met();
    auto unit = x.compared_unit.empty() ? "" : " " + x.compared_unit;
    out += "| " + x.measure + " | " + (x.floor_text.empty() ? summary_text(x.floor) : x.floor_text) + " | " +
           (x.text.empty() ? summary_text(x.ours) : x.text) + " | " + summary_text(judged, unit) + " | " +
           (x.bar.empty() ? "reported" : x.bar) + " | " + (met ? *met ? "pass" : "**FAIL**" : "") + " |\n";
  }
  for (auto &x : notes_)
    out += "\n" + x + "\n";
  for (auto &x : failures_)
    out += "\n**FAILED**: " + x + "\n";
  return out;
}

nlohmann::json report::json() const {
  auto list = nlohmann::json::array();
  for (auto &x : findings_) {
    auto met = x.is_met();
    list.push_back({{"measure", x.measure},
                    {beside_, summary_json(x.floor)},
                    {"stentor", summary_json(x.ours)},
                    {"compared", summary_json(x.judged())},
                    {"limit", x.limit ? nlohmann::json(*x.limit) : nlohmann::json{}},
                    {"bar", x.bar},
                    {"met", met ? nlohmann::json(*met) : nlohmann::json{}}});
  }
  return {{"machine", machine()},  {"findings", list},  {"notes", notes_},
          {"failures", failures_}, {"rounds", rounds_}, {"good", is_good()}};
}

} // namespace stentor::bench

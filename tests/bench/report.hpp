// SPDX-License-Identifier: Apache-2.0
// What a run found, each figure beside the floor's (or another server's) and the bar it is held to; as a
// table for people and as JSON for machines. Pure.
#pragma once

#include "tests/bench/round.hpp"
#include "tests/bench/statistics.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace stentor::bench {

/// One line of the table. Values are one a round (or pair), in the unit named in `measure`.
struct finding {
  std::string measure;
  std::vector<double> floor{};     ///< empty: the floor has no such figure
  std::vector<double> ours{};      ///< empty: the floor alone was measured
  std::vector<double> compared{};  ///< what is held against `limit`; empty: `ratios(ours, floor)`
  std::string compared_unit = "×"; ///< of `compared` in the table: `×` for ratios
  std::optional<double> limit{};   ///< met where the median of `compared` is at most this
  std::string bar{};               ///< `limit` in words; empty: reported only
  std::string text{};              ///< shown in place of `ours`
  std::string floor_text{};        ///< shown in place of `floor`
  bool at_least = false;           ///< `limit` is met where the median of `compared` is at least this

  void hold(std::optional<double> at_most, std::string in_words) {
    limit = at_most;
    bar = at_most ? std::move(in_words) : std::string{};
  }
  void hold_at_least(std::optional<double> limit_below, std::string in_words) {
    hold(limit_below, std::move(in_words));
    at_least = true;
  }
  std::vector<double> judged() const { return compared.empty() ? ratios(ours, floor) : compared; }
  /// Nothing where there is no bar or nothing to judge.
  std::optional<bool> is_met() const;
};

class report {
public:
  /// `beside`: whose figures are in `finding::floor`.
  explicit report(std::string beside = "floor") : beside_(std::move(beside)) {}

  void add(finding found) { findings_.push_back(std::move(found)); }
  void note(std::string text) { notes_.push_back(std::move(text)); }
  /// Every round of one side, for the JSON.
  void keep(const std::string &scenario, const std::string &side, const std::vector<round_result> &rounds);
  /// A scenario that could not be finished: the run has failed.
  void fail(std::string text) { failures_.push_back(std::move(text)); }

  const std::vector<finding> &findings() const noexcept { return findings_; }
  /// Everything ran, and every bar that was judged was met.
  bool is_good() const;

  std::string markdown() const;
  nlohmann::json json() const;

private:
  std::string beside_;
  std::vector<finding> findings_;
  std::vector<std::string> notes_;
  std::vector<std::string> failures_;
  nlohmann::json rounds_ = nlohmann::json::array();
};

/// `value(round)` of each round.
template <class F>
std::vector<double> each(const std::vector<round_result> &rounds, F value) {
  std::vector<double> result;
  for (auto &round : rounds)
    result.push_back(static_cast<double>(value(round)));
  return result;
}

} // namespace stentor::bench

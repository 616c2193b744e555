// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/scenarios.hpp"

#include "cluster/errc.hpp"

namespace stentor::bench {

options of_other(options how) {
  how.server_program = how.against_program;
  return how;
}

caf::error check_rounds(const interleaved &all, const std::vector<side> &sides) {
  for (size_t i = 0; i < sides.size(); ++i)
    for (auto &round : all.rounds[i]) {
      if (!round.failure.empty())
        return make_error(errc::io, sides[i].name + ": " + round.failure);
      if (round.messages == 0)
        return make_error(errc::io, sides[i].name + ": no message arrived");
    }
  return {};
}

void add_verification(report &out, const std::string &what, const interleaved &all) {
  verification sum;
  uint64_t wrong = 0;
  for (auto &rounds : all.rounds)
    for (auto &round : rounds) {
      sum.add(round.checked);
      wrong += round.wrong_verdicts;
    }
  auto bad = sum.lost + sum.duplicated + sum.reordered + sum.misrouted + sum.damaged + wrong;
  finding x;
  x.measure = what + ": lost / duplicated / reordered / misrouted / damaged / wrong verdicts, of " +
              std::to_string(sum.sent) + " messages";
  x.text = std::to_string(sum.lost) + " / " + std::to_string(sum.duplicated) + " / " +
           std::to_string(sum.reordered) + " / " + std::to_string(sum.misrouted) + " / " +
           std::to_string(sum.damaged) + " / " + std::to_string(wrong);
  x.compared = {static_cast<double>(bad)};
  x.compared_unit = "";
  x.limit = 0;
  x.bar = "0";
  out.add(std::move(x));
}

void note_disturbances(report &out, const std::string &what, const interleaved &all) {
  if (all.repeated + all.kept_disturbed > 0)
    out.note(what + ": " + std::to_string(all.repeated) + " disturbed rounds repeated, " +
             std::to_string(all.kept_disturbed) + " still disturbed after the last try and kept.");
}

} // namespace stentor::bench

// SPDX-License-Identifier: Apache-2.0
// What several rounds of one measure come to: the median, with the spread beside it. Medians, because one
// disturbed round must not move the figure. Pure.
#pragma once

#include <vector>

namespace stentor::bench {

struct summary {
  double median = 0;
  double least = 0;
  double most = 0;
  /// Half the distance between the extremes, relative to the median: the "±" of a table. 0 for a median of 0.
  double spread() const noexcept { return median == 0 ? 0 : (most - least) / 2 / median; }
};

/// All zero for an empty input; the mean of the middle two for an even number.
summary summarize(std::vector<double> values);

/// One ratio a pair, so that what slows a whole pair (a noisy neighbour) cancels out. Pairs with a zero
/// denominator are left out. Both of the same length.
std::vector<double> ratios(const std::vector<double> &numerators, const std::vector<double> &denominators);

} // namespace stentor::bench

// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/statistics.hpp"

#include <algorithm>
#include <cstddef>

namespace stentor::bench {

summary summarize(std::vector<double> values) {
  if (values.empty())
    return {};
  std::sort(values.begin(), values.end());
  auto middle = values.size() / 2;
  auto median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

std::vector<double> ratios(const std::vector<double> &numerators, const std::vector<double> &denominators) {
  std::vector<double> result;
  for (size_t i = 0; i < std::min(numerators.size(), denominators.size()); ++i)
    if (denominators[i] != 0)
      result.push_back(numerators[i] / denominators[i]);
  return result;
}

} // namespace stentor::bench

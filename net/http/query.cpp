// SPDX-License-Identifier: Apache-2.0
#include "net/http/query.hpp"

#include "cluster/percent.hpp"

#include <algorithm>

namespace stentor::net {

query_parameter find_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    auto equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != name)
      continue;
    std::string encoded{pair.substr(std::min(equals + 1, pair.size()))};
    std::replace(encoded.begin(), encoded.end(), '+', ' ');
    query_parameter found{query_parameter::kind::good, {}};
    if (!percent_decode(encoded, found.value))
      found = {query_parameter::kind::broken, {}};
    return found;
  }
  return {};
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  auto found = find_parameter(query, name);
  if (found.what != query_parameter::kind::good)
    return std::nullopt;
  return std::move(found.value);
}

} // namespace stentor::net

// SPDX-License-Identifier: Apache-2.0
// The part of the directory's contract that auditors stand on: records by slot. The provider is described in
// directory_contract.hpp.
#pragma once

#include "cluster/slots.hpp"
#include "tests/storage/directory_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace stentor::storage::test {

template <class Provider>
class walk_contract : public directory_fixture<Provider> {};

TYPED_TEST_SUITE_P(walk_contract);

TYPED_TEST_P(walk_contract, walks_every_record_by_slot_exactly_once) {
  std::vector<record> expected;
  for (int i = 0; i < 40; ++i) {
    auto d = device("walk-" + std::to_string(i));
    auto to = at(i % 2 ? "n1" : "n2", 1, 100 + i);
    to.ep = this->bound(d, to);
    expected.push_back({d, account("a"), to});
  }
  ASSERT_TRUE(this->release("n2", 1)) << "records of the dead are told, too";
  std::vector<record> walked;
  for (size_t first = 0; first < slot_count; first += 512) {
    auto some = this->dir().records_in(static_cast<slot>(first), 512);
    ASSERT_TRUE(some) << render(some.error());
    for (auto &x : *some) {
      EXPECT_GE(slot_of(x.device), first);
      EXPECT_LT(slot_of(x.device), first + 512);
      walked.push_back(x);
    }
  }
  auto by_device = [](auto &x, auto &y) { return x.device < y.device; };
  std::sort(expected.begin(), expected.end(), by_device);
  std::sort(walked.begin(), walked.end(), by_device);
  EXPECT_EQ(walked, expected);
}

TYPED_TEST_P(walk_contract, walks_no_slot_past_the_last) {
  this->bound(device("d"), at("n1", 1, 1));
  auto s = slot_of(device("d"));
  EXPECT_EQ(this->dir().records_in(s, 1)->size(), 1u);
  EXPECT_EQ(this->dir().records_in(s, SIZE_MAX)->size(), 1u);
  EXPECT_TRUE(this->dir().records_in(s, 0)->empty());
  EXPECT_TRUE(this->dir().records_in(static_cast<slot>(slot_count), 5)->empty());
}

REGISTER_TYPED_TEST_SUITE_P(walk_contract, walks_every_record_by_slot_exactly_once,
                            walks_no_slot_past_the_last);

} // namespace stentor::storage::test

// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/crowd_child.hpp"

#include <gtest/gtest.h>

using namespace stentor::bench;

TEST(crowd, names_devices_and_accounts_in_sixteen_characters) {
  for (uint32_t number : {0u, 35'999u, UINT32_MAX}) {
    EXPECT_EQ(crowd_device_name(number).size(), 16u);
    EXPECT_EQ(crowd_account_name(number).size(), 16u);
  }
}

TEST(crowd, puts_three_devices_into_an_account) {
  EXPECT_EQ(crowd_account_name(0), crowd_account_name(2));
  EXPECT_NE(crowd_account_name(2), crowd_account_name(3));
  EXPECT_NE(crowd_device_name(0), crowd_device_name(1));
}

// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/verify.hpp"

#include <gtest/gtest.h>

#include <string>

using namespace stentor::bench;
using finding = verifier::finding;

namespace {

payload_fields message(uint32_t target, uint32_t stream, uint64_t number) {
  return {target, stream, number, 7};
}

std::string encoded(const payload_fields &fields) {
  std::string bytes(payload_bytes, '\0');
  write_payload(bytes.data(), fields);
  return bytes;
}

} // namespace

TEST(payload, reads_back_what_was_written) {
  payload_fields x{4'000'000'000u, 17, UINT64_MAX, 123'456'789'012};
  auto bytes = encoded(x);
  EXPECT_EQ(read_payload(bytes), x);
  EXPECT_EQ(read_target(bytes.data()), x.target);
}

TEST(payload, refuses_a_change_of_any_single_byte) {
  auto good = encoded(message(1, 2, 3));
  for (size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = bad[i] == '0' ? '1' : '0';
    EXPECT_FALSE(read_payload(bad)) << "byte " << i;
  }
  EXPECT_FALSE(read_payload(std::string_view{good}.substr(1)));
  EXPECT_FALSE(read_payload(good + "x"));
}

TEST(payload, needs_no_escape_in_json) {
  for (auto c : encoded(message(1, 2, 3))) {
    EXPECT_GE(c, ' ');
    EXPECT_NE(c, '"');
    EXPECT_NE(c, '\\');
  }
}

TEST(payload, keeps_stream_and_number_in_a_message_id) {
  std::string id(message_id_bytes, '\0');
  write_message_id(id.data(), 17'999, 9'876'543'210);
  uint32_t stream = 0;
  uint64_t number = 0;
  EXPECT_TRUE(read_message_id(id, stream, number));
  EXPECT_EQ(stream, 17'999u);
  EXPECT_EQ(number, 9'876'543'210u);
  EXPECT_FALSE(read_message_id("01AN4Z07BY79KA1307SR9X4MV3", stream, number));
}

TEST(verifier, finds_nothing_wrong_when_all_arrive_in_order) {
  verifier x{2};
  for (uint64_t i = 0; i < 10; ++i)
    for (uint32_t stream : {0u, 1u})
      EXPECT_EQ(x.arrived(5, message(5, stream, x.next_number(stream))), finding::good);
  EXPECT_TRUE(x.result().is_clean());
  EXPECT_EQ(x.result().arrived, 20u);
  EXPECT_EQ(x.outstanding(), 0u);
}

TEST(verifier, counts_a_message_in_the_middle_that_never_arrives_as_lost) {
  verifier x{1};
  for (int i = 0; i < 3; ++i)
    x.next_number(0);
  x.arrived(1, message(1, 0, 0));
  x.arrived(1, message(1, 0, 2));
  EXPECT_EQ(x.result().lost, 1u);
  EXPECT_EQ(x.result().reordered, 0u);
}

TEST(verifier, counts_the_end_of_a_stream_that_never_arrives_as_lost) {
  verifier x{1};
  for (int i = 0; i < 4; ++i)
    x.next_number(0);
  x.arrived(1, message(1, 0, 0));
  EXPECT_EQ(x.result().lost, 3u);
}

TEST(verifier, counts_a_second_arrival_as_duplicated) {
  verifier x{1};
  x.next_number(0);
  x.arrived(1, message(1, 0, 0));
  EXPECT_EQ(x.arrived(1, message(1, 0, 0)), finding::duplicated);
  EXPECT_EQ(x.result().duplicated, 1u);
  EXPECT_EQ(x.result().lost, 0u);
}

TEST(verifier, does_not_let_a_duplicate_make_up_for_a_loss) {
  verifier x{1};
  x.next_number(0);
  x.next_number(0);
  x.arrived(1, message(1, 0, 1));
  x.arrived(1, message(1, 0, 1));
  EXPECT_EQ(x.result().duplicated, 1u);
  EXPECT_EQ(x.result().lost, 1u);
}

TEST(verifier, counts_a_late_arrival_as_reordered_once_and_not_as_lost) {
  verifier x{1};
  for (int i = 0; i < 3; ++i)
    x.next_number(0);
  x.arrived(1, message(1, 0, 1));
  EXPECT_EQ(x.arrived(1, message(1, 0, 0)), finding::reordered);
  EXPECT_EQ(x.arrived(1, message(1, 0, 0)), finding::duplicated);
  x.arrived(1, message(1, 0, 2));
  auto result = x.result();
  EXPECT_EQ(result.reordered, 1u);
  EXPECT_EQ(result.duplicated, 1u);
  EXPECT_EQ(result.lost, 0u);
}

TEST(verifier, counts_an_arrival_at_another_device_as_misrouted_and_still_waits_for_the_right_one) {
  verifier x{1};
  x.next_number(0);
  EXPECT_EQ(x.arrived(2, message(1, 0, 0)), finding::misrouted);
  EXPECT_EQ(x.outstanding(), 1u);
  EXPECT_EQ(x.arrived(1, message(1, 0, 0)), finding::good);
  EXPECT_EQ(x.result().misrouted, 1u);
}

TEST(verifier, counts_what_was_never_sent_or_does_not_read_as_damaged) {
  verifier x{1};
  x.next_number(0);
  EXPECT_EQ(x.arrived(1, {}), finding::damaged);
  EXPECT_EQ(x.arrived(1, message(1, 9, 0)), finding::damaged);
  EXPECT_EQ(x.arrived(1, message(1, 0, 1)), finding::damaged);
  EXPECT_EQ(x.result().damaged, 3u);
}

TEST(verification, adds_up_and_is_clean_only_without_any_finding) {
  verification sum;
  EXPECT_TRUE(sum.is_clean());
  for (auto field : {&verification::lost, &verification::duplicated, &verification::reordered,
                     &verification::misrouted, &verification::damaged}) {
    verification one;
    one.*field = 2;
    EXPECT_FALSE(one.is_clean());
    sum.add(one);
    EXPECT_EQ(sum.*field, 2u);
  }
}

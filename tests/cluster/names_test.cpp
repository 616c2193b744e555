// SPDX-License-Identifier: Apache-2.0
// Ids, verdict names and the rights an envelope carries.
#include "cluster/envelope.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace stentor {
namespace {

// -- ids ----

TEST(id, takes_1_to_128_bytes_of_its_alphabet) {
  EXPECT_TRUE(is_valid_id("a"));
  EXPECT_TRUE(is_valid_id("AZaz09._:@-"));
  EXPECT_TRUE(is_valid_id(std::string(128, 'x')));
  EXPECT_FALSE(is_valid_id(""));
  EXPECT_FALSE(is_valid_id(std::string(129, 'x')));
}

TEST(id, refuses_every_other_byte_at_every_place) {
  const std::string_view good = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-";
  for (int c = 0; c < 256; ++c) {
    auto byte = static_cast<char>(c);
    auto expected = good.find(byte) != std::string_view::npos;
    for (size_t place = 0; place < 3; ++place) {
      std::string text = "abc";
      text[place] = byte;
      EXPECT_EQ(is_valid_id(text), expected) << "byte " << c << " at " << place;
    }
  }
}

TEST(id, keeps_its_text_and_answers_bad_text_with_an_error) {
  auto good = device_id::make("pump-7");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->str(), "pump-7");
  auto bad = device_id::make("pump 7");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error(), make_error(errc::invalid_id));
  EXPECT_TRUE(device_id{}.empty());
}

// -- verdicts ----

TEST(verdict, names_every_value_once_and_reads_the_name_back) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < verdict_count; ++i) {
    auto v = static_cast<verdict>(i);
    EXPECT_TRUE(names.insert(to_string(v)).second) << to_string(v);
    EXPECT_EQ(verdict_from(to_string(v)), v);
  }
  for (auto text : {"", "Written", "written ", "unknown"})
    EXPECT_EQ(verdict_from(text), std::nullopt) << text;
}

TEST(verdict, reads_the_four_wants_and_nothing_else) {
  for (auto w : {want::written, want::acked, want::errors, want::none})
    EXPECT_EQ(want_from(to_string(w)), w);
  EXPECT_EQ(want_from("all"), std::nullopt);
  EXPECT_EQ(want_from(""), std::nullopt);
}

TEST(verdict, names_the_stages_in_their_order) {
  std::string all;
  for (auto s : {stage::accepted, stage::directory, stage::sent, stage::session, stage::written})
    all += std::string{to_string(s)} + " ";
  EXPECT_EQ(all, "accepted directory sent session written ");
  EXPECT_LT(stage::directory, stage::sent);
}

TEST(verdict, is_told_as_the_sender_wants) {
  for (size_t i = 0; i < verdict_count; ++i) {
    auto v = static_cast<verdict>(i);
    auto is_success = v == verdict::written || v == verdict::acked;
    EXPECT_TRUE(is_wanted(want::written, v));
    EXPECT_TRUE(is_wanted(want::acked, v));
    EXPECT_EQ(is_wanted(want::errors, v), !is_success) << to_string(v);
    EXPECT_FALSE(is_wanted(want::none, v));
  }
}

TEST(verdict, has_the_status_and_the_certainty_of_the_protocol) {
  struct row {
    int status;
    bool certain_loss;
  };
  const std::map<verdict, row> table{
      {verdict::written, {200, false}},     {verdict::acked, {200, false}},
      {verdict::stored, {202, false}},      {verdict::offline, {404, true}},
      {verdict::refused, {403, true}},      {verdict::limited, {429, true}},
      {verdict::invalid, {400, true}},      {verdict::expired, {410, true}},
      {verdict::congested, {503, true}},    {verdict::duplicate, {200, false}},
      {verdict::unreachable, {504, false}},
  };
  ASSERT_EQ(table.size(), verdict_count);
  for (const auto &[v, expected] : table) {
    EXPECT_EQ(http_status(v), expected.status) << to_string(v);
    EXPECT_EQ(is_certain_loss(v), expected.certain_loss) << to_string(v);
  }
}

// -- rights ----

envelope from(const std::string &device, const std::string &account,
              std::shared_ptr<const grants> allowed = nullptr) {
  envelope e;
  e.from = std::make_shared<const sender>(
      sender{device_id::trusted(device), account_id::trusted(account), std::move(allowed)});
  return e;
}

TEST(envelope, of_a_device_may_target_its_own_account_only) {
  auto e = from("d", "home");
  EXPECT_TRUE(may_target(e, account_id::trusted("home")));
  EXPECT_FALSE(may_target(e, account_id::trusted("other")));
  EXPECT_FALSE(may_target(e, account_id{}));
}

TEST(envelope, of_a_device_may_target_the_accounts_granted_besides) {
  auto allowed = std::make_shared<grants>();
  allowed->accounts = {account_id::trusted("office"), account_id::trusted("car")};
  auto e = from("d", "home", allowed);
  EXPECT_EQ(e.from_device().str(), "d");
  EXPECT_TRUE(may_target(e, account_id::trusted("home")));
  EXPECT_TRUE(may_target(e, account_id::trusted("car")));
  EXPECT_FALSE(may_target(e, account_id::trusted("ca")));
  allowed->any_account = true;
  EXPECT_TRUE(may_target(e, account_id::trusted("ca")));
}

TEST(envelope, of_a_back_end_may_target_every_account) {
  envelope e;
  EXPECT_TRUE(may_target(e, account_id::trusted("any")));
  EXPECT_TRUE(e.from_device().empty());
}

TEST(envelope, costs_more_than_its_payload) {
  envelope e;
  e.data = std::make_shared<const std::string>(1000, 'x');
  EXPECT_GT(e.cost(), 1000u);
}

} // namespace
} // namespace stentor

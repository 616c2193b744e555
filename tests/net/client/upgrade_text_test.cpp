// SPDX-License-Identifier: Apache-2.0
#include "net/client/upgrade_text.hpp"

#include <gtest/gtest.h>

#include "net/websocket/upgrade.hpp"

namespace stentor::net::client {
namespace {

TEST(upgrade_text, knows_the_example_of_rfc_6455) {
  EXPECT_EQ(upgrade_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(make_upgrade_key().size(), 24u);
  EXPECT_NE(make_upgrade_key(), make_upgrade_key());
}

TEST(upgrade_text, keeps_every_option_in_its_place) {
  device_options options;
  options.host = "h:1";
  options.token = "t.o.k";
  options.device = "a&b=c d";
  options.resume = "x/y";
  options.headers = {{"Origin", "http://here"}};
  auto text = *upgrade_text(options, "key");
  EXPECT_TRUE(text.starts_with("GET /v1/connect?device=a%26b%3Dc%20d&resume=x%2Fy HTTP/1.1\r\nHost: h:1\r\n"))
      << text;
  EXPECT_NE(text.find("\r\nAuthorization: Bearer t.o.k\r\n"), text.npos);
  EXPECT_NE(text.find("\r\nOrigin: http://here\r\n"), text.npos);
  options.path = "/p?late_errors=1";
  EXPECT_TRUE(upgrade_text(options, "key")->starts_with("GET /p?late_errors=1&device="));
}

TEST(upgrade_text, refuses_options_that_break_out_of_their_line) {
  auto with = [](auto change) {
    device_options options;
    options.host = "h";
    change(options);
    return upgrade_text(options, "key");
  };
  EXPECT_TRUE(with([](auto &) {}));
  EXPECT_FALSE(with([](auto &x) { x.token = "a\r\nX: y"; }));
  EXPECT_FALSE(with([](auto &x) { x.host = "a\nX: y"; }));
  EXPECT_FALSE(with([](auto &x) { x.path = "/a b"; }));
  EXPECT_FALSE(with([](auto &x) { x.path = "a"; }));
  EXPECT_FALSE(with([](auto &x) { x.path = "/a\r\n"; }));
  EXPECT_FALSE(with([](auto &x) { x.headers = {{"A: b\r\nC", "d"}}; }));
  EXPECT_FALSE(with([](auto &x) { x.headers = {{"A", "b\nc"}}; }));
}

} // namespace
} // namespace stentor::net::client

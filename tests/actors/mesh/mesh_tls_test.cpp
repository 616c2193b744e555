// SPDX-License-Identifier: Apache-2.0
#include "actors/mesh/dial.hpp"
#include "actors/mesh/tls_context.hpp"

#include "tests/actors/mesh/mesh_fixture.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stentor::actors::test {

namespace {

using namespace std::chrono_literals;

/// Certificates for nodes a, b and c, made once a process by scripts/dev-ca.
tls_files certificate(const std::string &ca, const std::string &node) {
  auto dir = std::filesystem::temp_directory_path() / ("stentor-ca-" + std::to_string(getpid())) / ca;
  if (!std::filesystem::exists(dir / "c.pem")) {
    auto command = std::string{STENTOR_SOURCE_DIR} + "/scripts/dev-ca " + dir.string() + " a b c >/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0);
  }
  return {(dir / "ca.pem").string(), (dir / (node + ".pem")).string(), (dir / (node + ".key")).string()};
}

/// A port of loopback that is taken, so that nobody else gets it, and where nothing listens.
class refusing_port {
public:
  refusing_port() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr *>(&address), size), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr *>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  refusing_port(const refusing_port &) = delete;
  refusing_port &operator=(const refusing_port &) = delete;
  ~refusing_port() { close(socket_); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

private:
  int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  uint16_t port_ = 0;
};

class mesh_tls : public testing::Test {
protected:
  static void TearDownTestSuite() {
    std::filesystem::remove_all(std::filesystem::temp_directory_path() /
                                ("stentor-ca-" + std::to_string(getpid())));
  }
};

TEST_F(mesh_tls, three_nodes_link_and_batches_arrive_in_order) {
  mesh_node a{{.name = "a", .inc = 1, .tls = certificate("ca", "a")}};
  mesh_node b{{.name = "b", .inc = 2, .tls = certificate("ca", "b")}};
  mesh_node c{{.name = "c", .inc = 3, .tls = certificate("ca", "c")}};
  introduce({&a, &b, &c});
  for (auto *x : {&b, &c})
    ASSERT_TRUE(a.hears(*x, true) && x->hears(a, true));
  ASSERT_TRUE(b.hears(c, true) && c.hears(b, true));
  constexpr uint32_t count = 100;
  for (uint32_t i = 0; i < count; ++i) {
    link_batch batch;
    batch.data_messages = i;
    // From nothing to several TLS records, and little in all: here no credit holds back what a slow machine
    // would leave the heartbeats waiting behind.
    batch.items = std::string(size_t{i} * 199, 'x');
    a.send(b, batch);
    c.send(b, batch);
  }
  ASSERT_TRUE(b.sink().batches.wait([](auto &all) { return all.size() == 2 * count; }));
  uint64_t sum = 0;
  for (auto &batch : b.sink().batches.all())
    sum += batch.items.size();
  EXPECT_EQ(sum, 2 * 199 * (uint64_t{count} * (count - 1) / 2));
}

TEST_F(mesh_tls, a_certificate_of_another_ca_is_refused_by_both_sides) {
  mesh_node a{{.name = "a", .inc = 1, .tls = certificate("ca", "a")}};
  mesh_node b{{.name = "b", .inc = 2, .tls = certificate("other", "b")}};
  introduce({&a, &b});
  EXPECT_FALSE(a.hears(b, true, 1, 700ms));
  EXPECT_TRUE(b.news_of(a).empty());
  EXPECT_GT(a.counters().refused[static_cast<size_t>(peer_refusal::tls)], 0);
  EXPECT_GT(a.counters().connect_failures, 0);
}

TEST_F(mesh_tls, a_client_without_a_certificate_is_refused) {
  // It trusts the right CA, but shows a certificate of another.
  auto files = certificate("other", "a");
  files.ca = certificate("ca", "a").ca;
  mesh_node a{{.name = "a", .inc = 1, .tls = files}};
  mesh_node b{{.name = "b", .inc = 2, .tls = certificate("ca", "b")}};
  introduce({&a, &b});
  EXPECT_FALSE(a.hears(b, true, 1, 700ms));
  EXPECT_GT(b.counters().refused[static_cast<size_t>(peer_refusal::tls)], 0);
}

TEST_F(mesh_tls, a_node_without_tls_is_refused) {
  mesh_node a{{.name = "a", .inc = 1}};
  mesh_node b{{.name = "b", .inc = 2, .tls = certificate("ca", "b")}};
  introduce({&a, &b});
  EXPECT_FALSE(a.hears(b, true, 1, 700ms));
}

TEST_F(mesh_tls, what_is_dialled_and_closed_in_one_turn_of_the_multiplexer_is_gone) {
  mesh_node a{{.name = "a", .inc = 1, .tls = certificate("ca", "a")}};
  auto &via = *links_of(a.system());
  refusing_port taken;
  auto nobody = net::parse_address(taken.address());
  ASSERT_TRUE(nobody);
  std::promise<int> made;
  via.multiplexer().dispatch([&] {
    auto dialled = dial(via, *nobody);
    if (!dialled)
      return made.set_value(-1);
    (*dialled)->configure_read(caf::io::receive_policy::exactly(1));
    (*dialled)->remove_from_loop(); // as a broker that closes it
    made.set_value(static_cast<int>((*dialled)->hdl().id()));
  });
  auto fd = made.get_future().get();
  ASSERT_GE(fd, 0);
  auto until = std::chrono::steady_clock::now() + 5s;
  while (fcntl(fd, F_GETFD) != -1 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(5ms);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1) << "the connection keeps itself alive";
  EXPECT_EQ(a.counters().refused[static_cast<size_t>(peer_refusal::tls)], 0)
      << "nobody there is no matter of TLS";
}

TEST_F(mesh_tls, a_stalled_link_is_severed_and_heals_as_without_tls) {
  mesh_node a{{.name = "a", .inc = 1, .tls = certificate("ca", "a")}};
  mesh_node b{{.name = "b", .inc = 2, .tls = certificate("ca", "b")}};
  stall_proxy between{b.port()};
  a.view({b.lease(between.address())});
  b.view({a.lease()});
  ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
  auto began = std::chrono::steady_clock::now();
  between.stall(true);
  link_batch batch;
  batch.items = std::string(1024 * 1024, 'x');
  for (int i = 0; i < 16; ++i)
    a.send(b, batch);
  ASSERT_TRUE(a.hears(b, false) && b.hears(a, false));
  for (auto when : {a.news_of(b).back().at, b.news_of(a).back().at})
    EXPECT_LT(when - began, 1300ms);
  between.stall(false);
  ASSERT_TRUE(a.hears(b, true, 2) && b.hears(a, true, 2));
  auto of_old_link = b.sink().batches.all().size();
  a.send(b, batch);
  EXPECT_TRUE(b.sink().batches.wait([&](auto &all) { return all.size() > of_old_link; }));
}

TEST_F(mesh_tls, a_cut_and_an_asked_for_severing_heal) {
  mesh_node a{{.name = "a", .inc = 1, .tls = certificate("ca", "a")}};
  mesh_node b{{.name = "b", .inc = 2, .tls = certificate("ca", "b")}};
  stall_proxy between{b.port()};
  a.view({b.lease(between.address())});
  b.view({a.lease()});
  ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
  between.cut();
  ASSERT_TRUE(a.hears(b, true, 2) && b.hears(a, true, 2));
  b.sever(a, b.news_of(a).back().news.link_epoch);
  EXPECT_TRUE(a.hears(b, true, 3) && b.hears(a, true, 3));
}

TEST_F(mesh_tls, strangers_that_fail_or_wait_do_not_touch_a_link) {
  mesh_node a{{.name = "a", .inc = 1, .tls = certificate("ca", "a")}};
  mesh_node b{{.name = "b", .inc = 2, .tls = certificate("ca", "b")}};
  introduce({&a, &b});
  ASSERT_TRUE(a.hears(b, true) && b.hears(a, true));
  std::vector<std::unique_ptr<stranger>> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(std::make_unique<stranger>(b.port()));
    stranger rude{b.port()};
    rude.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n");
    EXPECT_TRUE(rude.is_closed());
  }
  link_batch batch;
  a.send(b, batch);
  b.send(a, batch);
  EXPECT_TRUE(a.sink().batches.wait([](auto &all) { return all.size() == 1; }));
  EXPECT_TRUE(b.sink().batches.wait([](auto &all) { return all.size() == 1; }));
  EXPECT_EQ(a.news_of(b).size(), 1);
  EXPECT_EQ(b.news_of(a).size(), 1);
  EXPECT_EQ(b.counters().refused[static_cast<size_t>(peer_refusal::tls)], 20);
}

TEST_F(mesh_tls, files_that_do_not_fit_are_an_error_at_start) {
  auto good = certificate("ca", "a");
  EXPECT_TRUE(tls_context::make(good));
  auto wrong_key = good;
  wrong_key.key = certificate("ca", "b").key;
  auto missing = good;
  missing.ca = "/nonexistent/ca.pem";
  auto partial = good;
  partial.key.clear();
  for (auto &files : {wrong_key, missing, partial}) {
    auto made = tls_context::make(files);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), make_error(errc::config));
  }
}

} // namespace

} // namespace stentor::actors::test

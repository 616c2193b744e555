// SPDX-License-Identifier: Apache-2.0
#include "tests/actors/node_fixture.hpp"

#include "actors/directory/directory_actor.hpp"
#include "actors/directory/router.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stentor::actors::test {

using namespace std::chrono_literals;

namespace {

// Ahead of every timer wheel, which starts at the real time; from there only `pass` moves it.
time_point test_time = std::chrono::steady_clock::now() + std::chrono::hours{24};
time_point test_clock() {
  return test_time;
}

constexpr incarnation test_incarnation = 77;

config test_config(size_t loops, const limits &lim) {
  auto cfg = default_config();
  cfg.node = node_id::trusted("test-node");
  cfg.loops = loops;
  cfg.dev_auth = true;
  cfg.lim = lim;
  return cfg;
}

} // namespace

// -- device ----

device::device(int fd, const std::string &query)
    : fd_{fd}, reader_{net::frame_reader::role::client, size_t{1024} * 1024} {
  auto request = "GET /v1/connect?" + query +
                 " HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                 "Sec-WebSocket-Protocol: stentor.v1.json\r\n\r\n";
  EXPECT_EQ(::send(fd_, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
}

device::~device() {
  vanish();
}

void device::vanish() {
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = -1;
}

void device::read_slowly() {
  int small = 4096;
  setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
}

void device::send(const nlohmann::json &frame) {
  std::string bytes;
  net::append_masked_frame(bytes, net::opcode::text, frame.dump(), 0x11223344);
  EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT),
            static_cast<ssize_t>(bytes.size()));
}

void device::read() {
  if (fd_ < 0)
    return;
  std::vector<char> buffer(64 * 1024 + net::event_loop::read_slack);
  for (;;) {
    auto n = ::recv(fd_, buffer.data(), 64 * 1024, MSG_DONTWAIT);
    if (n <= 0)
      return;
    std::span<char> bytes{buffer.data(), static_cast<size_t>(n)};
    if (!upgraded_) {
      head_.append(bytes.data(), bytes.size());
      auto end = head_.find("\r\n\r\n");
      if (end == std::string::npos)
        continue;
      status_ = head_.substr(9, 3);
      upgraded_ = true;
      auto rest = head_.substr(end + 4);
      auto size = rest.size();
      rest.resize(size + net::event_loop::read_slack);
      if (status_ == "101")
        reader_.feed({rest.data(), size}, *this);
      continue;
    }
    auto error = reader_.feed(bytes, *this);
    EXPECT_FALSE(error) << error.reason;
  }
}

bool device::on_message(net::opcode, std::span<char> body) {
  received_.push_back(nlohmann::json::parse(body.begin(), body.end()));
  return true;
}

bool device::on_control(net::opcode kind, std::span<char> body) {
  if (kind != net::opcode::close)
    return true;
  close_code_ = static_cast<uint16_t>(net::parse_close(body));
  std::string answer;
  net::append_masked_frame(answer, net::opcode::close, std::string_view{body.data(), body.size()}, 1);
  ::send(fd_, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return true;
}

std::vector<nlohmann::json> device::frames(const std::string &type) const {
  std::vector<nlohmann::json> found;
  for (auto &frame : received_)
    if (frame.at("t") == type)
      found.push_back(frame);
  return found;
}

std::vector<nlohmann::json> device::data() const {
  std::vector<nlohmann::json> found;
  for (auto &frame : frames("msg"))
    found.push_back(frame.at("data"));
  return found;
}

std::string device::verdict_of(const std::string &id) const {
  for (auto &frame : frames("verdict"))
    if (frame.at("id") == id)
      return frame.at("verdict");
  return {};
}

size_t device::verdicts_of(const std::string &id) const {
  size_t count = 0;
  for (auto &frame : frames("verdict"))
    count += frame.at("id") == id;
  return count;
}

std::string device::resume_token() const {
  return frames("welcome").at(0).at("session");
}

// -- node ----

world::world() {
  settings_.add_message_types<caf::id_block::stentor>();
  settings_.set("scheduler.policy", caf::atom("testing"));
  sys_ = std::make_unique<caf::actor_system>(settings_);
  coordinator_ = dynamic_cast<caf::scheduler::test_coordinator *>(&sys_->scheduler());
  store_ = std::make_shared<storage::memory_directory>();
  troubles_ = std::make_shared<troubled_store>(store_);
}

world::~world() = default;

void world::run_actors() {
  while (coordinator_->try_run_once()) {
  }
}

void world::run_newest_actor() {
  coordinator_->try_run_once_lifo();
}

node::node(size_t loops, limits lim) : node{std::make_unique<world>(), loops, lim} {}

node::node(std::unique_ptr<world> own, size_t loops, limits lim)
    : node{own.get(), "test-node", test_incarnation, loops, lim, false} {
  own_world_ = std::move(own);
}

node::node(world &in, const std::string &name, incarnation inc, size_t loops, limits lim)
    : node{&in, name, inc, loops, lim, true} {}

node::node(world *in, const std::string &name, incarnation inc, size_t loops, limits lim, bool clustered)
    : world_{*in} {
  auto cfg = test_config(loops, lim);
  cfg.node = node_id::trusted(name);
  if (clustered)
    cfg.cluster.name = "test-cluster";
  ctx_ = std::make_unique<node_context>(system(), cfg);
  ctx_->inc = inc;
  ctx_->boot_now = [] { return boot_time{test_time.time_since_epoch()}; };
  auto lease = store().renew({ctx_->id, ctx_->inc, 0, {}, false}, std::chrono::hours{1});
  ctx_->view->lease_end = lease->until;
  ctx_->view->lease.publish(boot_time::max(), boot_time::max());
  for (uint16_t i = 0; i < loops; ++i) {
    auto io = net::event_loop::make();
    EXPECT_TRUE(io);
    (*io)->set_clock(&test_clock);
    loops_.push_back(std::make_unique<loop>(*ctx_, i, std::move(*io)));
    ctx_->inboxes.push_back(loops_.back()->inbox().self());
  }
  std::vector<loop *> all;
  for (auto &host : loops_)
    all.push_back(host.get());
  for (auto &host : loops_)
    host->meet(all);
  ctx_->directory = system().spawn(directory, std::shared_ptr<storage::directory>{world_.troubles()},
                                   ctx_->metrics, ctx_->view, 0ms);
  std::vector<caf::strong_actor_ptr> handles;
  for (size_t i = 0; i < loops; ++i) {
    ctx_->routers.push_back(system().spawn(router, ctx_->directory, ctx_->view, ctx_->lim().max_watchers));
    handles.push_back(caf::actor_cast<caf::strong_actor_ptr>(ctx_->routers.back()));
  }
  caf::anon_send(ctx_->directory, adopt_atom_v, std::move(handles));
  settle();
}

node::~node() {
  for (auto &host : loops_)
    host->stop_everything();
  for (auto &handle : ctx_->routers)
    caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(ctx_->directory, caf::exit_reason::user_shutdown);
  run_actors();
  ctx_->routers.clear();
  ctx_->directory = nullptr;
  ctx_->inboxes.clear();
  loops_.clear();
  ctx_.reset();
}

void node::tell_link(node &other, uint32_t link_epoch, bool up) {
  link_news news{other.ctx_->id, other.ctx_->inc, link_epoch, up, {}, {}, up ? "" : "cut by the test"};
  if (up) {
    for (auto &host : other.loops_)
      news.inboxes.push_back(host->inbox().self());
    for (auto &handle : other.ctx_->routers)
      news.routers.push_back(caf::actor_cast<caf::strong_actor_ptr>(handle));
  }
  for (auto &host : loops_)
    caf::anon_send(caf::actor_cast<caf::actor>(host->inbox().self()), link_atom_v, news);
}

std::unique_ptr<device> node::connect(size_t at, const std::string &name, const std::string &resume,
                                      const std::string &account) {
  std::array<int, 2> ends{};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  auto query = "device=" + name + "&account=" + account + (resume.empty() ? "" : "&resume=" + resume);
  auto result = std::make_unique<device>(ends[1], query);
  make_hosted<connection>(system(), *loops_[at], *loops_[at], loops_[at]->parts().services, ends[0])->start();
  return result;
}

std::unique_ptr<device> node::join(size_t at, const std::string &name, const std::string &resume) {
  auto result = connect(at, name, resume);
  settle();
  result->read();
  EXPECT_TRUE(result->is_welcome()) << name;
  return result;
}

void node::turn(size_t at) {
  loops_[at]->run_turn(std::chrono::milliseconds{0});
}

void node::settle() {
  // A message crosses at most a handful of loops and actors; what still moves after this many rounds never
  // rests.
  for (int round = 0; round < 12; ++round) {
    for (size_t i = 0; i < loops_.size(); ++i)
      turn(i);
    run_actors();
  }
}

void node::pass(std::chrono::milliseconds time) {
  test::pass(time, {this});
}

void leap(std::chrono::milliseconds time) {
  test_time += time;
}

void pass(std::chrono::milliseconds time, std::initializer_list<node *> nodes) {
  constexpr std::chrono::milliseconds step{500};
  for (; time.count() > 0; time -= step) {
    test_time += std::min(time, step);
    // What one node sends the other in its last turn, that one handles in the next round.
    for (int round = 0; round < 2; ++round)
      for (auto *one : nodes)
        one->settle();
  }
}

bool node::is_online(const std::string &name) {
  auto found = store().lookup({device_id::trusted(name)});
  return found.at(0) && found.at(0)->has_value();
}

} // namespace stentor::actors::test

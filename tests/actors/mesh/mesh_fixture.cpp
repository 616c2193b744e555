// SPDX-License-Identifier: Apache-2.0
#include "tests/actors/mesh/mesh_fixture.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <map>

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stentor::actors::test {

namespace {

using namespace std::chrono_literals;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int connect_to(uint16_t port) {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(port);
  if (::connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0)
    return fd;
  ::close(fd);
  return -1;
}

} // namespace

// -- node ----

bool batch_sink::on_message(caf::mailbox_element &what) {
  auto &content = what.content();
  if (!content.match_elements<batch_atom, link_batch>())
    return false;
  if (tap)
    tap(content.get_as<link_batch>(1));
  else
    batches.put(content.get_as<link_batch>(1));
  return true;
}

mesh_node::mesh_node(node_options options) : options_{std::move(options)} {
  settings_.add_message_types<caf::id_block::stentor>();
  settings_.set("scheduler.policy", caf::atom("sharing"));
  settings_.set("scheduler.max-threads", size_t{2});
  transport_options transport;
  transport.cluster = options_.app_cluster.empty() ? options_.cluster : options_.app_cluster;
  transport.tls = options_.tls;
  transport.lim = options_.lim;
  transport.workers = options_.workers;
  auto err = configure_transport(settings_, transport);
  EXPECT_FALSE(err) << render(err);
  sys_ = std::make_unique<caf::actor_system>(settings_);
  auto cfg = default_config();
  cfg.node = node_id::trusted(options_.name);
  cfg.loops = 1;
  ctx_ = std::make_unique<node_context>(*sys_, cfg);
  ctx_->inc = options_.inc;
  auto io = net::event_loop::make();
  EXPECT_TRUE(io);
  loop_ = std::make_unique<loop>(*ctx_, 0, std::move(*io));
  loop_->meet({loop_.get()});
  ctx_->inboxes.push_back(loop_->inbox().self());
  sink_ = make_hosted<batch_sink>(*sys_, *loop_, *loop_);
  thread_ = std::thread{[this] { loop_->run(); }};
  ear_ = sys_->spawn([news = news_](caf::event_based_actor *) -> caf::behavior {
    return {[news](link_atom, const link_news &x) { news->put({x, std::chrono::steady_clock::now()}); }};
  });
  mesh_options wanted;
  wanted.cluster = options_.cluster;
  wanted.node = cfg.node;
  wanted.inc = options_.inc;
  wanted.protocol = options_.protocol;
  wanted.listen = *net::parse_address("127.0.0.1:0");
  wanted.can_renew = [can = options_.can_renew] { return (can) ? renew_word::yes : renew_word::no; };
  wanted.on_port_trouble = [troubles = troubles_](const char *why) { troubles->put(why ? why : ""); };
  wanted.inboxes = {sink_.strong()};
  wanted.routers = {caf::actor_cast<caf::strong_actor_ptr>(ear_)};
  wanted.subscribers = {caf::actor_cast<caf::strong_actor_ptr>(ear_)};
  auto started = start_mesh(*sys_, std::move(wanted));
  EXPECT_TRUE(started) << render(started.error());
  handle_ = std::move(*started);
}

mesh_node::~mesh_node() {
  handle_.stop();
  loop_->request_stop();
  thread_.join();
  caf::anon_send_exit(ear_, caf::exit_reason::user_shutdown);
  ear_ = nullptr;
  sink_.reset();
  loop_.reset();
  ctx_.reset();
  sys_.reset();
}

uint16_t mesh_node::port() const {
  return net::parse_address(address())->port();
}

storage::lease mesh_node::lease(const std::string &at) const {
  return {node_id::trusted(options_.name), options_.inc, 0, at.empty() ? address() : at, false};
}

void mesh_node::view(std::vector<storage::lease> leases) {
  caf::anon_send(handle_.mesh, view_atom_v, std::move(leases));
}

void mesh_node::sever(const mesh_node &other, uint32_t epoch) {
  caf::anon_send(handle_.mesh, sever_atom_v, other.options_.inc, epoch, std::string{"the test asked"});
}

std::vector<heard> mesh_node::news_of(incarnation inc) {
  auto all = news_->all();
  std::erase_if(all, [&](auto &x) { return x.news.inc != inc; });
  return all;
}

bool mesh_node::hears_of(incarnation inc, bool up, size_t nth, std::chrono::milliseconds most) {
  return news_->wait(
      [&](auto &all) {
        auto fits = [&](const heard &x) { return x.news.inc == inc && x.news.up == up; };
        return static_cast<size_t>(std::ranges::count_if(all, fits)) >= nth;
      },
      most);
}

void mesh_node::send_to(incarnation inc, link_batch batch) {
  auto to = news_->last([&](const heard &x) -> caf::strong_actor_ptr {
    return x.news.inc == inc && x.news.up ? x.news.inboxes.at(0) : nullptr;
  });
  ASSERT_TRUE(to);
  to->enqueue(sink_.strong(), caf::make_message_id(), caf::make_message(batch_atom_v, std::move(batch)),
              nullptr);
}

void introduce(std::vector<mesh_node *> nodes) {
  std::vector<storage::lease> leases;
  for (auto *x : nodes)
    leases.push_back(x->lease());
  for (auto *x : nodes)
    x->view(leases);
}

// -- proxy ----

stall_proxy::stall_proxy(uint16_t target) : target_{target} {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr *>(&address), size), 0);
  EXPECT_EQ(::listen(listener_, 16), 0);
  EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { run(); }};
}

stall_proxy::~stall_proxy() {
  stop_ = true;
  thread_.join();
  ::close(listener_);
}

void stall_proxy::run() {
  std::map<int, int> other; // both ends of each connection
  auto close_pair = [&](int fd) {
    auto end = other.at(fd);
    other.erase(end);
    other.erase(fd);
    ::close(fd);
    ::close(end);
  };
  std::vector<char> buffer(64 * 1024);
  while (!stop_) {
    if (cut_.exchange(false))
      while (!other.empty())
        close_pair(other.begin()->first);
    if (stalled_) {
      std::this_thread::sleep_for(5ms);
      continue;
    }
    std::vector<pollfd> polled{{listener_, POLLIN, 0}};
    for (auto &[fd, end] : other)
      polled.push_back({fd, POLLIN, 0});
    if (::poll(polled.data(), polled.size(), 5) <= 0)
      continue;
    for (auto &x : polled) {
      if (x.revents == 0 || (x.fd != listener_ && !other.contains(x.fd)))
        continue;
      if (x.fd == listener_) {
        auto in = ::accept(listener_, nullptr, nullptr);
        auto out = connect_to(target_);
        if (out < 0) {
          ::close(in);
          continue;
        }
        int yes = 1;
        for (auto fd : {in, out})
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        other[in] = out;
        other[out] = in;
        continue;
      }
      auto n = ::recv(x.fd, buffer.data(), buffer.size(), 0);
      if (n <= 0 || ::send(other.at(x.fd), buffer.data(), static_cast<size_t>(n), MSG_NOSIGNAL) != n)
        close_pair(x.fd);
    }
  }
  while (!other.empty())
    close_pair(other.begin()->first);
}

// -- stranger ----

stranger_listener::stranger_listener() : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  auto address = loopback(0);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr *>(&address), size), 0);
  EXPECT_EQ(::listen(fd_, 16), 0);
  EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr *>(&address), &size), 0);
  port_ = ntohs(address.sin_port);
}

stranger_listener::~stranger_listener() {
  ::close(fd_);
}

int stranger_listener::accept() const {
  pollfd x{fd_, POLLIN, 0};
  return ::poll(&x, 1, 8000) == 1 ? ::accept(fd_, nullptr, nullptr) : -1;
}

stranger::stranger(uint16_t port) : fd_{connect_to(port)}, connected_{fd_ >= 0} {}
stranger::stranger(const stranger_listener &listener) : fd_{listener.accept()}, connected_{fd_ >= 0} {}

stranger::~stranger() {
  if (fd_ >= 0)
    ::close(fd_);
}

void stranger::send(std::string_view bytes) const {
  ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

std::string stranger::read(size_t count) const {
  std::string bytes(count, 0);
  for (size_t done = 0; done < count;) {
    pollfd x{fd_, POLLIN, 0};
    auto n = ::poll(&x, 1, 8000) == 1 ? ::recv(fd_, bytes.data() + done, count - done, 0) : 0;
    if (n <= 0)
      return {};
    done += static_cast<size_t>(n);
  }
  return bytes;
}

uint64_t stranger::read_port_actor() const {
  auto header = read(32);
  if (header.size() != 32)
    return 0;
  // Its last field but an empty set.
  auto payload = read(static_cast<uint8_t>(header[7]));
  uint64_t id = 0;
  for (auto byte : payload.substr(std::max<size_t>(payload.size(), 9) - 9, 8))
    id = id << 8 | static_cast<uint8_t>(byte);
  return id;
}

bool stranger::is_closed(std::chrono::milliseconds most) const {
  auto until = std::chrono::steady_clock::now() + most;
  std::array<char, 4096> buffer{};
  for (;;) {
    auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd x{fd_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&x, 1, static_cast<int>(left.count())) <= 0)
      return false;
    if (::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT) <= 0)
      return true;
  }
}

size_t heap_bytes() {
  auto now = mallinfo2();
  return now.uordblks + now.hblkhd;
}

size_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

} // namespace stentor::actors::test

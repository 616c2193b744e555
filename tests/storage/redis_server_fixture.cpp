// SPDX-License-Identifier: Apache-2.0
#include "tests/storage/redis_server_fixture.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace stentor::storage::test {

using namespace std::chrono_literals;

namespace {

uint16_t free_port() {
  auto fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr *>(&address), size), 0);
  ::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size);
  ::close(fd);
  return ntohs(address.sin_port);
}

} // namespace

redis_server::redis_server(std::vector<std::string> arguments) : arguments_{std::move(arguments)} {
  char name[] = "/tmp/stentor-redis-XXXXXX";
  dir_ = ::mkdtemp(name);
  // Between finding a free port and taking it somebody else may take it.
  for (int i = 0; i < 5 && pid_ < 0; ++i) {
    port_ = free_port();
    try_start();
  }
  if (pid_ < 0)
    ADD_FAILURE() << "redis-server does not start; is it installed? (scripts/install-deps --tests)";
}

redis_server::~redis_server() {
  kill();
  std::filesystem::remove_all(dir_);
}

redis_server &redis_server::shared() {
  static redis_server server;
  server.command({"FLUSHALL"});
  return server;
}

redis_url redis_server::url() const {
  redis_url url;
  url.host = "127.0.0.1";
  url.port = port_;
  return url;
}

bool redis_server::try_start() {
  std::vector<std::string> words{
      "redis-server", "--bind", "127.0.0.1", "--port",    std::to_string(port_), "--save", "", "--dir", dir_,
      "--appendonly", "no",     "--logfile", "/dev/null", "--daemonize",         "no"};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  std::vector<char *> argv;
  for (auto &x : words)
    argv.push_back(x.data());
  argv.push_back(nullptr);
  auto parent = ::getpid();
  auto pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent)
      ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  pid_ = pid;
  for (auto until = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < until;) {
    if (::waitpid(pid, nullptr, WNOHANG) == pid)
      break;
    redis_connection probe{url(), {}, {}};
    auto failure = probe.ready();
    if (!failure || failure == errc::config)
      return true; // up, if only to refuse us
    std::this_thread::sleep_for(5ms);
  }
  pid_ = -1;
  return false;
}

void redis_server::kill() {
  if (pid_ < 0)
    return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void redis_server::start() {
  if (!try_start())
    ADD_FAILURE() << "redis-server does not start again on port " << port_;
}

void redis_server::start(std::vector<std::string> arguments) {
  arguments_ = std::move(arguments);
  start();
}

void redis_server::freeze() {
  ::kill(pid_, SIGSTOP);
  ::waitpid(pid_, nullptr, WUNTRACED);
}

void redis_server::thaw() {
  ::kill(pid_, SIGCONT);
}

redis_reply redis_server::command(std::initializer_list<std::string_view> words, std::string password) {
  auto to = url();
  to.password = std::move(password);
  redis_connection connection{to, {}, {}};
  connection.ready();
  redis_pipeline one;
  one.add(words);
  auto replies = connection.run(one);
  if (!replies) {
    ADD_FAILURE() << render(replies.error());
    return {};
  }
  return std::move(replies->at(0));
}

int64_t redis_server::info_number(std::string_view section, std::string_view field) {
  auto text = command({"INFO", section}).text;
  auto at = text.find("\n" + std::string{field} + ":");
  return at == text.npos ? -1 : std::strtoll(text.c_str() + at + field.size() + 2, nullptr, 10);
}

} // namespace stentor::storage::test

// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/server_process.hpp"

#include "cluster/errc.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace stentor::bench {

using std::chrono::steady_clock;

caf::error pin_to_core(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(core), &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0)
    return make_error(errc::io, "cannot pin to core " + std::to_string(core) + ": " + std::strerror(errno));
  return {};
}

size_t raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

bool server_process::is_ready_line(const std::string &line, const std::string &of_stranger) {
  if (!of_stranger.empty())
    return line.find(of_stranger) != std::string::npos;
  if (!line.starts_with("ready "))
    return false;
  auto field = [&](std::string_view name, net::socket_address &out) {
    auto at = line.find(std::string{" "}.append(name).append("="));
    if (at == std::string::npos)
      return false;
    auto begin = at + name.size() + 2;
    auto parsed = net::parse_address(line.substr(begin, line.find_first_of(" \r", begin) - begin));
    if (parsed)
      out = *parsed;
    return parsed.engaged();
  };
  field("api", api_);
  return field("device", device_);
}

caf::expected<server_process> server_process::run(const start &how) {
  int output[2];
  if (::pipe2(output, O_CLOEXEC) != 0)
    return make_error(errc::io, std::strerror(errno));
  std::vector<char *> arguments;
  for (auto &argument : how.arguments)
    arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);
  auto log = ::open(how.log_path.empty() ? "/dev/null" : how.log_path.c_str(),
                    O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  auto parent = ::getpid();
  auto pid = ::fork();
  if (pid == 0) {
    // A benchmark that is killed must not leave a server behind.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent || pin_to_core(how.core))
      ::_exit(126);
    ::dup2(output[1], STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    if (how.inherited_fd >= 0)
      ::fcntl(how.inherited_fd, F_SETFD, 0);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(output[1]);
  server_process child;
  child.pid_ = pid;
  std::string text;
  auto give_up = steady_clock::now() + std::chrono::seconds{30};
  for (bool ready = false; !ready;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(give_up - steady_clock::now()).count();
    pollfd readable{output[0], POLLIN, 0};
    char buffer[4096];
    auto polled = left > 0 ? ::poll(&readable, 1, static_cast<int>(left)) : 0;
    auto n = polled > 0 ? ::read(output[0], buffer, sizeof buffer) : 0;
    if (n <= 0) {
      ::close(log);
      ::close(output[0]);
      return make_error(errc::io, how.arguments[0] +
                                      " did not say it is ready (its log: --server-log); it said: " + text);
    }
    text.append(buffer, static_cast<size_t>(n));
    for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
      ready = ready || child.is_ready_line(text.substr(begin, end - begin), how.ready_text);
  }
  // What it prints later goes to a pipe nobody reads: a server that says more than 64 KiB would block in it,
  // so a thread that ends with the child takes it to the log.
  std::thread{[in = output[0], log] {
    char buffer[4096];
    for (ssize_t n; (n = ::read(in, buffer, sizeof buffer)) > 0;)
      if (::write(log, buffer, static_cast<size_t>(n)) < 0)
        break;
    ::close(in);
    ::close(log);
  }}.detach();
  return child;
}

server_process::server_process(server_process &&other) noexcept
    : pid_(std::exchange(other.pid_, -1)), device_(other.device_), api_(other.api_) {}

bool server_process::is_running() const noexcept {
  return pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0;
}

void server_process::kill() const noexcept {
  if (is_running())
    ::kill(pid_, SIGKILL);
}

server_process::~server_process() {
  // Once it was waited for, its number may be somebody else's.
  if (!is_running())
    return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < 1000; ++i) {
    if (::waitpid(pid_, nullptr, WNOHANG) != 0)
      return;
    ::usleep(10'000);
  }
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

} // namespace stentor::bench

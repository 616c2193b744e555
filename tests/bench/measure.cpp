// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/measure.hpp"

#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <unistd.h>

namespace stentor::bench {

namespace {

std::string proc_path(pid_t pid, const char *file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

std::string text_of(const std::string &path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

cpu_time cpu_of(pid_t pid) {
  cpu_time result;
  clockid_t clock{};
  timespec now{};
  if (::clock_getcpuclockid(pid, &clock) == 0 && ::clock_gettime(clock, &now) == 0)
    result.total_ns = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
  // The name, field 2, may hold spaces: count from behind its closing parenthesis. utime is field 14.
  auto stat = text_of(proc_path(pid, "stat"));
  std::istringstream rest{stat.substr(stat.rfind(')') + 1)};
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    rest >> skipped;
  rest >> result.user_ticks >> result.system_ticks;
  return result;
}

cpu_time cpu_of(const std::vector<pid_t> &pids) {
  cpu_time sum;
  for (auto pid : pids)
    sum = sum + cpu_of(pid);
  return sum;
}

cpu_time operator-(const cpu_time &a, const cpu_time &b) noexcept {
  return {a.total_ns - b.total_ns, a.user_ticks - b.user_ticks, a.system_ticks - b.system_ticks};
}

cpu_time operator+(const cpu_time &a, const cpu_time &b) noexcept {
  return {a.total_ns + b.total_ns, a.user_ticks + b.user_ticks, a.system_ticks + b.system_ticks};
}

double user_ns(const cpu_time &x) noexcept {
  auto ticks = static_cast<double>(x.user_ticks + x.system_ticks);
  return ticks == 0 ? 0 : static_cast<double>(x.total_ns) * static_cast<double>(x.user_ticks) / ticks;
}

core_use core_use_of(pid_t pid) {
  core_use result;
  std::error_code failed;
  for (auto &task : std::filesystem::directory_iterator{proc_path(pid, "task"), failed}) {
    std::ifstream in{task.path() / "schedstat"};
    core_use of_thread;
    if (in >> of_thread.ran_ns >> of_thread.waited_ns && of_thread.ran_ns >= result.ran_ns)
      result = of_thread;
  }
  return result;
}

uint64_t stolen_ns() {
  std::ifstream in{"/proc/stat"};
  std::string name;
  uint64_t ticks = 0;
  in >> name;
  for (int field = 0; field < 8; ++field) // user nice system idle iowait irq softirq steal
    in >> ticks;
  return ticks * 10'000'000u;
}

memory_use memory_of(pid_t pid) {
  memory_use result;
  std::ifstream in{proc_path(pid, "smaps_rollup")};
  std::string line;
  std::getline(in, line); // the address range
  std::string name;
  uint64_t kib = 0;
  while (std::getline(in, line)) {
    std::istringstream fields{line};
    if (!(fields >> name >> kib))
      continue;
    if (name == "Pss:")
      result.pss_bytes = kib * 1024;
    else if (name == "Private_Clean:" || name == "Private_Dirty:")
      result.private_bytes += kib * 1024;
  }
  return result;
}

kernel_memory kernel_socket_memory() {
  kernel_memory result;
  std::ifstream sockets{"/proc/net/sockstat"};
  for (std::string line; std::getline(sockets, line);) {
    auto at = line.find(" mem ");
    if (line.starts_with("TCP:") && at != std::string::npos)
      result.tcp_buffer_bytes =
          std::stoull(line.substr(at + 5)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  // Slab caches are merged under the name of whichever came first; these are the ones a connected socket and
  // its epoll entry take from, where they are listed under their own names.
  static constexpr std::array caches{"TCP",           "sock_inode_cache", "filp",
                                     "dentry",        "ep_item",          "eventpoll_epi",
                                     "eventpoll_pwq", "request_sock_TCP", "tw_sock_TCP"};
  std::ifstream slabs{"/proc/slabinfo"};
  for (std::string line; std::getline(slabs, line);) {
    std::istringstream fields{line};
    std::string name;
    uint64_t active = 0, total = 0, size = 0;
    if (!(fields >> name >> active >> total >> size))
      continue;
    for (auto wanted : caches)
      if (name == wanted) {
        result.slab_bytes += active * size;
        result.has_slab = true;
      }
  }
  return result;
}

uint64_t steady_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

} // namespace stentor::bench

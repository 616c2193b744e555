// SPDX-License-Identifier: Apache-2.0
#include "actors/telemetry/metrics_table.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

namespace stentor::actors {

namespace {

double seconds(const timeval &x) {
  return static_cast<double>(x.tv_sec) + static_cast<double>(x.tv_usec) / 1e6;
}

/// When this process started, from its own /proc entry and the machine's boot time.
double start_time() {
  std::ifstream stat{"/proc/self/stat"};
  std::string line;
  std::getline(stat, line);
  // The name may hold anything, also parentheses: fields are counted from the last one.
  auto close = line.rfind(')');
  if (close == std::string::npos)
    return 0;
  std::istringstream fields{line.substr(close + 1)};
  std::string field;
  for (int i = 3; i <= 22 && fields >> field; ++i) {
  }
  std::ifstream machine{"/proc/stat"};
  for (std::string name; machine >> name;) {
    double boot = 0;
    if (name == "btime" && machine >> boot)
      return boot + std::strtod(field.c_str(), nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }
  return 0;
}

} // namespace

double process_cpu_s() {
  rusage self{};
  return getrusage(RUSAGE_SELF, &self) == 0 ? seconds(self.ru_utime) + seconds(self.ru_stime) : 0;
}

double process_start_s() {
  static const auto started = start_time();
  return started;
}

double process_resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  double size = 0, resident = 0;
  return statm >> size >> resident ? resident * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0;
}

double process_open_fds() {
  // The size of the directory is their number, since Linux 6.2; before it is 0, and a listing of 100,000
  // takes some 20 ms.
  struct stat directory {};
  if (stat("/proc/self/fd", &directory) == 0 && directory.st_size > 0)
    return static_cast<double>(directory.st_size);
  double count = 0;
  std::error_code error;
  auto listed = std::filesystem::directory_iterator{"/proc/self/fd", error};
  for (; !error && listed != std::filesystem::directory_iterator{}; listed.increment(error))
    ++count;
  return count;
}

double process_max_fds() {
  rlimit files{};
  return getrlimit(RLIMIT_NOFILE, &files) == 0 ? static_cast<double>(files.rlim_cur) : 0;
}

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/floor_target.hpp"

#include "cluster/errc.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace stentor::bench {

caf::expected<std::unique_ptr<floor_target>> floor_target::start(int core) {
  auto fd = ::memfd_create("floor counters", MFD_CLOEXEC);
  if (fd < 0 || ::ftruncate(fd, sizeof(floor_counters)) != 0)
    return make_error(errc::io, "no shared memory for the floor's counters");
  auto shared = ::mmap(nullptr, sizeof(floor_counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  auto process = server_process::run(
      {{"/proc/self/exe", "serve-floor", "--counters-fd", std::to_string(fd)}, core, fd, {}});
  ::close(fd);
  if (!process)
    return std::move(process.error());
  return std::unique_ptr<floor_target>{
      new floor_target{std::move(*process), static_cast<floor_counters *>(shared)}};
}

floor_target::floor_target(server_process process, floor_counters *counters)
    : process_(std::move(process)), counters_(counters) {}

floor_target::~floor_target() {
  ::munmap(counters_, sizeof *counters_);
}

caf::expected<wave_result> floor_target::connect(uint32_t count, size_t at_once) {
  while (fleet_.size() < count)
    fleet_.add(dialect_, address());
  auto wanted = counters_->registered.load() + fleet_.size() - fleet_.ready_count();
  return open_wave(fleet_, {pid()}, at_once,
                   [&] { return counters_->registered.load(std::memory_order_relaxed) >= wanted; });
}

} // namespace stentor::bench

// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/crowd_process.hpp"

#include "cluster/errc.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

namespace stentor::bench {

caf::expected<crowd_process> crowd_process::start(crowd_plan plan, int core) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return make_error(errc::io, "no socket to a crowd");
  timeval patience{90, 0}; // connecting everybody gives up after 60 s
  ::setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  auto number = [](auto x) { return std::to_string(x); };
  server_process::start how;
  how.arguments = {"/proc/self/exe", "serve-crowd",
                   "--server",       plan.server,
                   "--secret",       plan.secret,
                   "--first",        number(plan.first),
                   "--devices",      number(plan.devices),
                   "--at-once",      number(plan.at_once),
                   "--source-net",   number(plan.source_net),
                   "--control-fd",   number(ends[1])};
  for (auto &other : plan.others)
    how.arguments.insert(how.arguments.end(), {"--other", other});
  how.core = core;
  how.inherited_fd = ends[1];
  auto process = server_process::run(how);
  ::close(ends[1]);
  if (process)
    return crowd_process{std::move(*process), ends[0]};
  ::close(ends[0]);
  return std::move(process.error());
}

crowd_process::crowd_process(crowd_process &&other) noexcept
    : process_(std::move(other.process_)), control_(std::exchange(other.control_, -1)) {}

crowd_process::~crowd_process() {
  if (control_ < 0)
    return;
  // It resets its connections and ends by itself; a signal would leave thousands of ports in TIME_WAIT.
  ::close(control_);
  for (int i = 0; i < 500 && process_.is_running(); ++i)
    ::usleep(10'000);
}

caf::error crowd_process::tell(crowd_command command) const {
  auto byte = static_cast<char>(command);
  return ::send(control_, &byte, 1, MSG_NOSIGNAL) == 1 ? caf::error{}
                                                       : make_error(errc::io, "a crowd is gone");
}

caf::expected<crowd_report> crowd_process::answer() const {
  crowd_report result;
  if (::recv(control_, &result, sizeof result, MSG_WAITALL) != sizeof result)
    return make_error(errc::io, "a crowd does not answer");
  if (result.failed)
    return make_error(errc::io, "a crowd could not connect everybody");
  return result;
}

bool crowd_process::has_answer() const noexcept {
  char first;
  return ::recv(control_, &first, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

} // namespace stentor::bench

// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/stentor_target.hpp"

#include "tests/bench/try_out.hpp"

namespace stentor::bench {

std::vector<std::string> node_arguments(const options &how, const node_access &access,
                                        const std::vector<std::string> &own, admission admits) {
  std::vector<std::string> result{how.server_program,
                                  "--loops=1",
                                  "--device-listen=127.0.0.1:0",
                                  "--api-listen=127.0.0.1:0",
                                  "--log-level=warn",
                                  "--message-rate=0",
                                  access.flag()};
  if (admits == admission::lifted)
    result.push_back("--accept-rate=1000000");
  result.insert(result.end(), own.begin(), own.end());
  result.insert(result.end(), how.server_arguments.begin(), how.server_arguments.end());
  return result;
}

caf::expected<std::unique_ptr<stentor_target>> stentor_target::start(const options &how, node_access access) {
  auto process = server_process::run({node_arguments(how, access, {"--node-id=bench", "--directory=memory"}),
                                      how.server_core, -1, how.server_log});
  if (!process)
    return std::move(process.error());
  std::unique_ptr<stentor_target> target{new stentor_target{std::move(*process), std::move(access)}};
  if (auto failed = try_out(target->device_address(), target->device_address(), target->access()))
    return failed;
  return target;
}

} // namespace stentor::bench

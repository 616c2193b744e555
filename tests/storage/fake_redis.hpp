// SPDX-License-Identifier: Apache-2.0
// A server on loopback that greets like a good Redis and then answers with bytes of the test's choice: what a
// real one says only in trouble. One thread, ended by the destructor.
#pragma once

#include "storage/redis_url.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace stentor::storage::test {

class fake_redis {
public:
  struct behaviour {
    /// In place of the fields in which a server may be unacceptable.
    std::string info = "redis_version:7.0.15\r\nrun_id:fake\r\nmaxmemory_policy:noeviction\r\nloading:0\r\n";
    std::string greeting;                 ///< raw bytes for the whole greeting, in place of `info`
    std::string answer;                   ///< raw bytes for whatever comes after it
    std::chrono::milliseconds dribble{0}; ///< a byte of `answer` at a time, with this between; 0: all at once
    bool close_after = false;             ///< end the connection behind `answer`
    std::vector<std::string> answers;     ///< in place of `answer`, one a request; the last one stays
    size_t scripts = 0;                   ///< that the greeting loads
  };
  explicit fake_redis(behaviour x);
  ~fake_redis();

  redis_url url() const;
  int connections() const noexcept { return connections_; }

private:
  void serve();
  void serve_one(int fd);
  behaviour behaviour_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

} // namespace stentor::storage::test

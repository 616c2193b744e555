// SPDX-License-Identifier: Apache-2.0
// A real redis-server for tests: started on a free port of loopback in memory only, ended with the process
// that started it, whatever becomes of that. It can be killed, frozen and started again on the same port.
#pragma once

#include "storage/redis_connection.hpp"

#include <initializer_list>
#include <string>
#include <vector>

#include <sys/types.h>

namespace stentor::storage::test {

class redis_server {
public:
  /// More arguments for redis-server, such as `--requirepass x`. Fails the test where it does not come up.
  explicit redis_server(std::vector<std::string> arguments = {});
  ~redis_server();
  redis_server(const redis_server &) = delete;
  redis_server &operator=(const redis_server &) = delete;

  /// The process's own, for tests that only need an empty store: emptied by each call.
  static redis_server &shared();

  redis_url url() const;
  std::string url_text() const { return "redis://" + url().shown(); }
  uint16_t port() const noexcept { return port_; }
  /// Its working directory, removed with it.
  const std::string &dir() const noexcept { return dir_; }

  void kill();
  /// On the same port again, empty; with other arguments where given.
  void start();
  void start(std::vector<std::string> arguments);
  void freeze();
  void thaw();

  /// One command on a connection of its own, `password` where the server wants one.
  redis_reply command(std::initializer_list<std::string_view> words, std::string password = {});
  /// Its answer to `INFO section`, one field.
  int64_t info_number(std::string_view section, std::string_view field);

private:
  bool try_start();
  std::vector<std::string> arguments_;
  std::string dir_;
  uint16_t port_ = 0;
  pid_t pid_ = -1;
};

} // namespace stentor::storage::test

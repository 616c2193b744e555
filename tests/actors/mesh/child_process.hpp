// SPDX-License-Identifier: Apache-2.0
// A child with pipes to its standard input and output, killed when it goes out of scope.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stentor::actors::test {

class child_process {
public:
  explicit child_process(std::vector<std::string> command) {
    int in[2], out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
      return;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], 0);
    posix_spawn_file_actions_adddup2(&files, out[1], 1);
    std::vector<char *> arguments;
    for (auto &x : command)
      arguments.push_back(x.data());
    arguments.push_back(nullptr);
    if (posix_spawn(&pid_, arguments[0], &files, nullptr, arguments.data(), environ) != 0)
      pid_ = -1;
    posix_spawn_file_actions_destroy(&files);
    ::close(in[0]);
    ::close(out[1]);
    in_ = ::fdopen(in[1], "w");
    out_ = ::fdopen(out[0], "r");
  }
  child_process(const child_process &) = delete;
  child_process &operator=(const child_process &) = delete;
  ~child_process() {
    signal(SIGKILL);
    std::fclose(in_);
    std::fclose(out_);
    if (pid_ > 0)
      ::waitpid(pid_, nullptr, 0);
  }

  void signal(int number) const {
    if (pid_ > 0)
      ::kill(pid_, number);
  }
  void write_line(const std::string &text) {
    std::fprintf(in_, "%s\n", text.c_str());
    std::fflush(in_);
  }
  /// Empty at the end.
  std::string read_line() {
    char buffer[512];
    if (!std::fgets(buffer, sizeof buffer, out_))
      return {};
    std::string text{buffer};
    return text.substr(0, text.find('\n'));
  }

private:
  pid_t pid_ = -1;
  std::FILE *in_ = nullptr;
  std::FILE *out_ = nullptr;
};

} // namespace stentor::actors::test

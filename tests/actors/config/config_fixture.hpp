// SPDX-License-Identifier: Apache-2.0
// Command lines and configuration files for tests, read as the daemon reads them.
#pragma once

#include "actors/config/config.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace stentor::test {

inline const std::string secret(32, 's');

/// Reads a command line; `stentord` itself is put in front.
inline caf::expected<launch> read_args(std::vector<std::string> args) {
  std::vector<const char *> argv{"stentord"};
  for (auto &arg : args)
    argv.push_back(arg.c_str());
  return read_command_line(static_cast<int>(argv.size()), argv.data());
}

/// What is said about a refused command line; fails the test where it was taken.
inline std::string complaint(std::vector<std::string> args) {
  auto got = read_args(std::move(args));
  EXPECT_FALSE(got) << "was taken";
  return got ? std::string{} : render(got.error());
}

inline std::string slurp(const std::string &path) {
  std::ifstream in{path};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class config_file : public testing::Test {
protected:
  config_file() {
    auto pattern = (std::filesystem::temp_directory_path() / "stentor-config-XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
  }
  ~config_file() override { std::filesystem::remove_all(dir_); }

  std::string write(const std::string &name, const std::string &text) {
    auto path = dir_ + "/" + name;
    std::ofstream{path} << text;
    return path;
  }
  /// Reads a file of this text and further flags.
  caf::expected<launch> read(const std::string &text, std::vector<std::string> args = {}) {
    args.insert(args.begin(), {"--config", write("s.toml", text)});
    return read_args(std::move(args));
  }
  std::string complaint_about(const std::string &text) {
    auto got = read(text);
    EXPECT_FALSE(got) << "was taken: " << text;
    return got ? std::string{} : render(got.error());
  }

  std::string dir_;
};

} // namespace stentor::test

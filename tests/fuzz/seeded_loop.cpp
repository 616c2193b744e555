// SPDX-License-Identifier: Apache-2.0
// A main for fuzz targets where libFuzzer is missing: runs the corpus as it is, then mutations of it, from a
// seed that it prints. Takes libFuzzer's `-runs=N`, `-seed=N`, `-max_len=N` and corpus paths, so that one
// command line fits both. A crash names the run, and writes the input beside it.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

std::string current; ///< what the crash handler writes
std::string crash_name;

/// Only calls that are safe in a signal handler.
void save_current() {
  auto fd = open(crash_name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  [[maybe_unused]] auto a = write(fd, current.data(), current.size());
  [[maybe_unused]] auto b = write(2, "input: ", 7);
  [[maybe_unused]] auto c = write(2, crash_name.data(), crash_name.size());
  [[maybe_unused]] auto d = write(2, "\n", 1);
  close(fd);
}

void on_crash(int number) {
  save_current();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

class mutator {
public:
  mutator(uint64_t seed, size_t max_size) : random_{seed}, max_size_{max_size} {}

  std::string next(const std::vector<std::string> &corpus) {
    auto input = corpus[below(corpus.size())];
    for (auto n = 1 + below(below(4) == 0 ? 16 : 4); n > 0; --n)
      change(input, corpus);
    input.resize(std::min(input.size(), max_size_));
    return input;
  }
  size_t below(size_t n) { return std::uniform_int_distribution<size_t>{0, n - 1}(random_); }

private:
  char any_byte() {
    constexpr char special[] = "\x00\xff\x7f\x80\x01 \r\n{}[]\",:%\\.-0";
    return below(3) == 0 ? special[below(sizeof special - 1)] : static_cast<char>(below(256));
  }

  void change(std::string &s, const std::vector<std::string> &corpus) {
    if (s.empty()) {
      s.assign(1 + below(32), any_byte());
      return;
    }
    auto at = below(s.size());
    auto count = 1 + below(std::min<size_t>(s.size() - at, 64));
    switch (below(8)) {
    case 0:
      s[at] = static_cast<char>(s[at] ^ 1 << below(8));
      break;
    case 1:
      s[at] = any_byte();
      break;
    case 2:
      s.insert(at, 1 + below(below(8) == 0 ? 300 : 4), any_byte());
      break;
    case 3:
      s.erase(at, count);
      break;
    case 4: // the same piece again, elsewhere
      s.insert(below(s.size()), s.substr(at, count));
      break;
    case 5:
      s.resize(at);
      break;
    case 6: { // a piece of another one
      const auto &other = corpus[below(corpus.size())];
      if (!other.empty())
        s.insert(at, other.substr(below(other.size()), 1 + below(200)));
      break;
    }
    case 7: // a length field one off
      s[at] = static_cast<char>(s[at] + (below(2) == 0 ? 1 : -1));
      break;
    }
  }

  std::mt19937_64 random_;
  size_t max_size_;
};

void run(std::string_view input) {
  current = input;
  // A copy of exactly this size: a sanitizer sees the first byte read behind it.
  std::vector<uint8_t> exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void load(std::vector<std::string> &corpus, const std::filesystem::path &path) {
  std::ifstream file{path, std::ios::binary};
  corpus.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
}

} // namespace

int main(int argc, char **argv) {
  uint64_t runs = 20000, seed = std::random_device{}(), max_size = 4096;
  std::vector<std::string> corpus;
  for (int i = 1; i < argc; ++i) {
    std::string_view arg = argv[i];
    auto number = [&](std::string_view name, uint64_t &out) {
      if (!arg.starts_with(name))
        return false;
      std::from_chars(arg.data() + name.size(), arg.data() + arg.size(), out);
      return true;
    };
    if (number("-runs=", runs) || number("-seed=", seed) || number("-max_len=", max_size) ||
        arg.starts_with('-'))
      continue;
    std::vector<std::filesystem::path> paths{arg};
    if (std::filesystem::is_directory(arg)) // sorted: a seed means the same everywhere
      paths = {std::filesystem::directory_iterator{arg}, std::filesystem::directory_iterator{}};
    std::sort(paths.begin(), paths.end());
    for (auto &path : paths)
      load(corpus, path);
  }
  auto target = std::filesystem::path{argv[0]}.filename().string();
  std::printf("%s: -seed=%llu -runs=%llu, %zu corpus inputs\n", target.c_str(),
              static_cast<unsigned long long>(seed), static_cast<unsigned long long>(runs), corpus.size());
  std::fflush(stdout);
  crash_name = "crash-" + target + '-' + std::to_string(seed);
  for (int number : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL})
    std::signal(number, on_crash);
  if (__sanitizer_set_death_callback)
    __sanitizer_set_death_callback(save_current);

  for (const auto &input : corpus)
    run(input);
  if (corpus.empty())
    corpus.emplace_back();
  mutator m{seed, max_size};
  for (uint64_t i = 0; i < runs; ++i) {
    auto input = m.next(corpus);
    run(input);
    if (m.below(50) == 0 && corpus.size() < 2000) // drift: changes of changes
      corpus.push_back(std::move(input));
  }
  return 0;
}

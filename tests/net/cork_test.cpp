// SPDX-License-Identifier: Apache-2.0
#include "net/cork.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace stentor::net {
namespace {

struct frame {
  std::string bytes;
  bool waited_for;
};

/// Takes `budget` bytes in all, then answers with `then`.
struct fake_kernel {
  size_t budget;
  int then = EAGAIN;
  std::string got = {};

  ssize_t operator()(const char *data, size_t size) {
    auto taken = std::min(size, budget - got.size());
    if (taken == 0) {
      errno = then;
      return -1;
    }
    got.append(data, taken);
    return static_cast<ssize_t>(taken);
  }
};

const std::vector<frame> frames = {{"a", true},      {"bcd", false}, {"efghi", true}, {"jk", true},
                                   {"lmnop", false}, {"q", false},   {"rstuv", true}, {"wxyz", true}};

std::string all_bytes() {
  std::string out;
  for (auto &f : frames)
    out += f.bytes;
  return out;
}

void fill(cork &c) {
  for (auto &f : frames)
    c.append(f.bytes.substr(0, 1), f.bytes.substr(1), f.waited_for);
}

/// Marks whose frame ends within the first `n` bytes.
size_t marks_within(size_t n) {
  size_t end = 0, marks = 0;
  for (auto &f : frames) {
    end += f.bytes.size();
    marks += f.waited_for && end <= n;
  }
  return marks;
}

TEST(cork, is_one_pointer_while_idle) {
  EXPECT_EQ(sizeof(cork), sizeof(void *));
  cork c;
  EXPECT_TRUE(c.is_empty());
  EXPECT_FALSE(c.has_block());
  size_t completed = 0;
  EXPECT_EQ(c.flush(fake_kernel{0, EAGAIN, {}}, completed), cork::progress::empty);
  EXPECT_EQ(completed, 0u);
}

TEST(cork, reports_a_mark_only_after_its_last_byte_for_every_n) {
  auto total = all_bytes().size();
  for (int then : {EAGAIN, ECONNRESET})
    for (size_t n = 0; n <= total; ++n) {
      SCOPED_TRACE("n = " + std::to_string(n));
      cork c;
      fill(c);
      fake_kernel kernel{n, then, {}};
      size_t completed = 0;
      auto result = c.flush(kernel, completed);
      EXPECT_EQ(completed, marks_within(n));
      EXPECT_EQ(c.marks(), marks_within(total) - marks_within(n));
      EXPECT_EQ(c.size(), total - n);
      EXPECT_EQ(kernel.got, all_bytes().substr(0, n));
      if (n == total) {
        EXPECT_EQ(result, cork::progress::empty);
        continue;
      }
      if (n > 0) { // it took some; the next try tells what the kernel is
        EXPECT_EQ(result, cork::progress::blocked);
        result = c.flush(kernel, completed);
      }
      EXPECT_EQ(result, then == EAGAIN ? cork::progress::blocked : cork::progress::failed);
      EXPECT_EQ(c.last_errno(), then == EAGAIN ? 0 : then);
      EXPECT_EQ(completed, marks_within(n));
    }
}

TEST(cork, goes_on_where_the_kernel_stopped_for_every_pair_of_pieces) {
  auto total = all_bytes().size();
  for (size_t n = 1; n < total; ++n)
    for (size_t m = 1; m <= total - n; ++m) {
      SCOPED_TRACE(std::to_string(n) + " then " + std::to_string(m));
      cork c;
      fill(c);
      fake_kernel kernel{n, EAGAIN, {}};
      size_t completed = 0;
      (void)c.flush(kernel, completed);
      kernel.budget = n + m;
      (void)c.flush(kernel, completed);
      EXPECT_EQ(completed, marks_within(n + m));
      kernel.budget = total;
      (void)c.flush(kernel, completed);
      EXPECT_EQ(completed, marks_within(total));
      EXPECT_EQ(kernel.got, all_bytes());
      EXPECT_TRUE(c.is_empty());
      EXPECT_EQ(c.marks(), 0u);
    }
}

TEST(cork, drops_exactly_the_waited_for_frames_not_begun_for_every_n) {
  auto total = all_bytes().size();
  for (size_t n = 0; n <= total; ++n) {
    SCOPED_TRACE("n = " + std::to_string(n));
    cork c;
    fill(c);
    fake_kernel kernel{n, EAGAIN, {}};
    size_t completed = 0;
    (void)c.flush(kernel, completed);
    // What should be left: up to the end of the frame that holds byte n - 1, and what nobody waits for.
    size_t kept = 0;
    std::string left;
    for (auto &f : frames)
      if (kept < n) {
        kept += f.bytes.size();
        left += f.bytes;
      } else if (!f.waited_for) {
        left += f.bytes;
      }
    EXPECT_EQ(c.drop_unstarted(), marks_within(total) - marks_within(kept));
    EXPECT_EQ(c.size(), left.size() - n);
    EXPECT_EQ(c.marks(), marks_within(kept) - marks_within(n));
    EXPECT_EQ(c.drop_unstarted(), 0u);
    c.append("Z", "", true);
    kernel.budget = total + 1;
    (void)c.flush(kernel, completed);
    EXPECT_EQ(kernel.got, left + "Z");
    EXPECT_EQ(completed, marks_within(kept) + 1);
  }
}

TEST(cork, gives_back_a_block_that_is_ready_for_the_next_one) {
  cork c;
  fill(c);
  fake_kernel kernel{3, EAGAIN, {}};
  size_t completed = 0;
  (void)c.flush(kernel, completed);
  auto block = c.release();
  EXPECT_FALSE(c.has_block());
  ASSERT_TRUE(block);
  EXPECT_GE(block->bytes.capacity(), all_bytes().size());
  cork next;
  next.adopt(std::move(block));
  EXPECT_TRUE(next.is_empty());
  EXPECT_EQ(next.marks(), 0u);
  next.append("xy", "z", true);
  fake_kernel fresh{3, EAGAIN, {}};
  completed = 0;
  EXPECT_EQ(next.flush(fresh, completed), cork::progress::empty);
  EXPECT_EQ(fresh.got, "xyz");
  EXPECT_EQ(completed, 1u);
}

TEST(cork, needs_no_more_memory_than_its_bytes_when_it_is_never_empty) {
  cork c;
  std::string body(1000, 'x');
  fake_kernel kernel{0, EAGAIN, {}};
  size_t completed = 0;
  c.append(body, {}, true);
  for (int i = 0; i < 5000; ++i) { // always one frame behind
    c.append(body, {}, true);
    kernel.budget += body.size();
    (void)c.flush(kernel, completed);
  }
  EXPECT_EQ(completed, 5000u);
  EXPECT_EQ(c.size(), body.size());
  EXPECT_LE(c.release()->footprint(), 128u * 1024);
}

/// Against a list of frames, with frames of no bytes too and a kernel that takes any number.
TEST(cork, agrees_with_a_naive_model_on_random_schedules) {
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>{0, n - 1}(random); };
  for (int round = 0; round < 200; ++round) {
    cork c;
    std::vector<frame> model; // unsent frames; `sent` bytes of the first one are gone
    size_t sent = 0, completed = 0, expected = 0;
    std::string stream, expected_stream;
    for (int step = 0; step < 300; ++step) {
      auto what = below(10);
      if (what < 5) {
        frame f{std::string(1 + below(below(20) == 0 ? 9000 : 40), static_cast<char>('a' + below(26))),
                below(2) == 0};
        c.append(f.bytes, {}, f.waited_for);
        model.push_back(f);
      } else if (what < 9) {
        fake_kernel kernel{below(below(4) == 0 ? 20000 : 60), EAGAIN, {}};
        (void)c.flush(kernel, completed);
        stream += kernel.got;
        sent += kernel.got.size();
        while (!model.empty() && model.front().bytes.size() <= sent) {
          sent -= model.front().bytes.size();
          expected += model.front().waited_for;
          expected_stream += model.front().bytes;
          model.erase(model.begin());
        }
      } else if (below(5) == 0) {
        auto unstarted = model.begin() + (sent > 0 ? 1 : 0);
        auto gone = std::stable_partition(unstarted, model.end(), [](auto &f) { return !f.waited_for; });
        auto dropped = static_cast<size_t>(model.end() - gone);
        model.erase(gone, model.end());
        ASSERT_EQ(c.drop_unstarted(), dropped);
      }
      ASSERT_EQ(completed, expected);
      size_t left = 0, marks = 0;
      for (auto &f : model) {
        left += f.bytes.size();
        marks += f.waited_for;
      }
      ASSERT_EQ(c.size(), left - sent);
      ASSERT_EQ(c.marks(), marks);
    }
    fake_kernel kernel{SIZE_MAX, EAGAIN, {}};
    (void)c.flush(kernel, completed);
    stream += kernel.got;
    for (auto &f : model)
      expected_stream += f.bytes;
    ASSERT_EQ(stream, expected_stream);
  }
}

} // namespace
} // namespace stentor::net

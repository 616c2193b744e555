// SPDX-License-Identifier: Apache-2.0
// The messages of one session whose final verdict it has not heard. They follow the device when another node
// takes the session over: the node before passes their verdicts on, and where it cannot, this side knows whom
// it owes a word, and since when. A value; owned by one session at a time.
#pragma once

#include "cluster/ids.hpp"
#include "cluster/message_id.hpp"
#include "cluster/time.hpp"
#include "cluster/verdict.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace stentor::actors {

struct open_message {
  message_id id;         ///< for its verdict to find it; of an account message: of no single copy
  std::string client_id; ///< the sender's own id
  want wants = want::written;
  time_point accepted_at;
  time_point deadline;
  incarnation told_by = 0; ///< the node that passes its verdict on; 0 where it was sent from this one
};

class open_messages {
public:
  /// A device may send 1,600 in the longest time that a verdict takes, at the default rate.
  static constexpr size_t most = 4096;
  /// How much longer than the deadline a verdict of another node may take: that node says `unreachable` a
  /// tick late, and its word has a way to go.
  static constexpr std::chrono::milliseconds patience{500};

  bool is_full() const noexcept { return all_.size() >= most; }
  /// Not where it is full.
  void add(open_message x);
  /// Takes one out whose verdict is there; nothing where it had one.
  std::optional<open_message> close(const message_id &id);
  /// Adds those of another session; returns what does not fit.
  [[nodiscard]] std::vector<open_message> adopt(open_messages others);

  /// Takes out those whose verdict another node was to pass on, and of which `is_over` says that it will not.
  template <class F>
  [[nodiscard]] std::vector<open_message> take_inherited(F &&is_over) {
    std::vector<open_message> taken;
    if (inherited_ == 0)
      return taken;
    std::erase_if(all_, [&](open_message &x) {
      if (x.told_by == 0 || !is_over(std::as_const(x)))
        return false;
      taken.push_back(std::move(x));
      return true;
    });
    inherited_ -= taken.size();
    return taken;
  }
  /// Takes out the inherited ones that nobody spoke of in time.
  [[nodiscard]] std::vector<open_message> take_overdue(time_point now) {
    return take_inherited([now](const open_message &x) { return x.deadline + patience <= now; });
  }
  /// When the next one will be overdue; `time_point::max()` where none was inherited.
  time_point next_due() const noexcept;

  size_t size() const noexcept { return all_.size(); }
  const std::vector<open_message> &all() const noexcept { return all_; }

private:
  std::vector<open_message> all_; ///< in no order
  size_t inherited_ = 0;          ///< those with a `told_by`
};

} // namespace stentor::actors

// SPDX-License-Identifier: Apache-2.0
// Traffic on a fleet: streams of numbered messages, either a fixed number of them in flight (closed loop) or
// one after the other at a fixed rate (open loop, timed from when each was due). Checks every arrival. One
// object a round; driven by `run_round`, or by hand in tests.
#pragma once

#include "tests/bench/fleet.hpp"
#include "tests/bench/histogram.hpp"
#include "tests/bench/verify.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace stentor::bench {

/// Messages from one connection to one device, in order.
struct stream_plan {
  uint32_t source = 0; ///< connection index
  uint32_t target = 0; ///< connection index of the device
  uint32_t next = 0;   ///< the stream that takes over the slot of this one's message
  bool starts = false; ///< gets its slots at the start
};

/// Every device sends to its partner, and back: streams are as many as devices.
std::vector<stream_plan> pairs_plan(uint32_t devices);
/// `sources` connections from `first_source` on send in turn to every device, each to its own share of them.
std::vector<stream_plan> push_plan(uint32_t devices, uint32_t first_source, uint32_t sources);

struct load_options {
  std::vector<stream_plan> streams;
  uint32_t window = 1;        ///< closed loop: messages in flight a starting stream
  double rate = 0;            ///< above 0: open loop, messages per second over all streams
  uint32_t batch = 1;         ///< messages a request (only where answers free the slot)
  bool answers = false;       ///< the source's answer frees the slot, not the arrival
  bool wants_verdict = false; ///< each message must get exactly one verdict `written`
  bool once = false;          ///< open loop: stops after one message a stream
};

/// What was measured while recording.
struct load_figures {
  uint64_t messages = 0; ///< arrived
  histogram latency;
  histogram verdict_delay; ///< from when a message was due until its verdict; open loop with verdicts only
  histogram lag;           ///< open loop: how late each was sent
};

class load final : public fleet_events {
public:
  load(fleet &f, load_options options);

  /// Fills the window, or starts the schedule.
  void start(uint64_t now_ns);
  /// Sends what is due by now (open loop). Returns the time in ns until the next is due.
  uint64_t pace(uint64_t now_ns);
  /// Nothing new is sent any more.
  void stop() noexcept { sending_ = false; }
  /// From here on `figures` counts.
  void record(bool on) noexcept { recording_ = on; }
  /// Nothing sent is without its arrival, its verdict and its answer.
  bool is_settled() const noexcept;

  const load_figures &figures() const noexcept { return figures_; }
  /// The same, which begin anew: a message counts where its arrival, and its verdict, comes.
  load_figures take_figures() { return std::exchange(figures_, {}); }
  verification checked() const noexcept { return verifier_.result(); }
  /// Verdicts that are missing, came twice or were not `written`, and answers that were not as asked for.
  uint64_t wrong_verdicts() const noexcept;
  const std::string &failure() const noexcept { return failure_; } ///< empty while all is well

  void on_message(connection &c, std::string_view data) override;
  void on_verdict(connection &c, uint32_t stream, uint64_t number, std::string_view verdict) override;
  void on_response(connection &c, int status, std::string_view body) override;
  void on_lost(connection &c, std::string_view why) override;

private:
  void send(uint32_t stream, uint64_t meant_ns);
  void send_batch(uint32_t stream, uint64_t meant_ns);

  fleet &fleet_;
  load_options options_;
  verifier verifier_;
  verifier verdicts_; ///< arrivals are the verdicts: what is lost here was never answered
  load_figures figures_;
  std::vector<std::vector<uint64_t>> meant_ns_; ///< by stream and number, where verdicts are timed
  std::vector<uint32_t> asked_; ///< by connection: the stream its request under way began with
  std::string failure_;
  uint64_t bad_answers_ = 0;
  uint64_t requests_ = 0; ///< without an answer
  uint64_t began_ns_ = 0;
  uint64_t due_ = 0; ///< open loop: number of the next message
  bool sending_ = false;
  bool recording_ = false;
};

} // namespace stentor::bench

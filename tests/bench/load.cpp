// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load.hpp"

#include "tests/bench/measure.hpp"

#include <algorithm>

namespace stentor::bench {

std::vector<stream_plan> pairs_plan(uint32_t devices) {
  std::vector<stream_plan> plan;
  for (uint32_t i = 0; i < devices; ++i)
    plan.push_back({i, i ^ 1, i, true});
  return plan;
}

std::vector<stream_plan> push_plan(uint32_t devices, uint32_t first_source, uint32_t sources) {
  std::vector<stream_plan> plan;
  for (uint32_t i = 0; i < devices; ++i) {
    auto next = i + sources < devices ? i + sources : i % sources;
    plan.push_back({first_source + i % sources, i, next, i < sources});
  }
  return plan;
}

load::load(fleet &f, load_options options)
    : fleet_(f), options_(std::move(options)), verifier_(options_.streams.size()),
      verdicts_(options_.streams.size()), asked_(f.size()) {
  if (options_.wants_verdict && options_.rate > 0)
    meant_ns_.resize(options_.streams.size());
}

void load::start(uint64_t now_ns) {
  sending_ = true;
  began_ns_ = now_ns;
  if (options_.rate > 0)
    return;
  for (uint32_t stream = 0; stream < options_.streams.size(); ++stream)
    for (uint32_t i = 0; options_.streams[stream].starts && i < options_.window; ++i)
      send_batch(stream, now_ns);
}

uint64_t load::pace(uint64_t now_ns) {
  constexpr uint64_t at_most = 1'000'000;
  if (options_.rate <= 0 || !sending_)
    return at_most;
  for (;; ++due_) {
    if (options_.once && due_ == options_.streams.size()) {
      sending_ = false;
      return at_most;
    }
    auto meant = began_ns_ + static_cast<uint64_t>(static_cast<double>(due_) * 1e9 / options_.rate);
    if (meant > now_ns)
      return std::min(meant - now_ns, at_most);
    if (recording_)
      figures_.lag.record(now_ns - meant);
    // A step coprime to the even number of streams spreads neighbours in time over all of them.
    send(static_cast<uint32_t>(due_ * 997 % options_.streams.size()), meant);
  }
}

void load::send(uint32_t stream, uint64_t meant_ns) {
  auto &plan = options_.streams[stream];
  auto &source = fleet_.at(plan.source);
  auto number = verifier_.next_number(stream);
  if (options_.wants_verdict)
    verdicts_.next_number(stream);
  if (!meant_ns_.empty())
    meant_ns_[stream].push_back(meant_ns);
  source.speaks->append_message(fleet_.cork(source), {plan.target, stream, number, meant_ns});
}

void load::send_batch(uint32_t stream, uint64_t meant_ns) {
  auto source = options_.streams[stream].source;
  if (options_.answers) {
    asked_[source] = stream;
    ++requests_;
  }
  for (uint32_t i = 0; i < options_.batch; ++i, stream = options_.streams[stream].next)
    send(stream, meant_ns);
  if (options_.answers)
    fleet_.at(source).speaks->end_request(fleet_.cork(fleet_.at(source)));
}

void load::on_message(connection &c, std::string_view data) {
  auto fields = read_payload(data);
  auto found = verifier_.arrived(c.index, fields);
  if (found != verifier::finding::good && found != verifier::finding::reordered)
    return;
  auto now = steady_ns();
  if (recording_) {
    ++figures_.messages;
    figures_.latency.record(now > fields->meant_ns ? now - fields->meant_ns : 0);
  }
  if (sending_ && options_.rate <= 0 && !options_.answers)
    send(options_.streams[fields->stream].next, now);
}

void load::on_verdict(connection &, uint32_t stream, uint64_t number, std::string_view verdict) {
  auto target = stream < options_.streams.size() ? options_.streams[stream].target : 0;
  auto found = verdicts_.arrived(target, payload_fields{target, stream, number, 0});
  if (verdict != "written" || !options_.wants_verdict || found == verifier::finding::damaged) {
    ++bad_answers_;
    if (failure_.empty())
      failure_ = "verdict '" + std::string{verdict} + "' for stream " + std::to_string(stream);
  } else if (recording_ && !meant_ns_.empty()) {
    auto now = steady_ns(), meant = meant_ns_[stream][number];
    figures_.verdict_delay.record(now > meant ? now - meant : 0);
  }
}

void load::on_response(connection &c, int status, std::string_view body) {
  if (requests_ == 0) {
    ++bad_answers_;
    return;
  }
  --requests_;
  // One verdict a message, wherever it stands in the body: single answers and NDJSON lines look alike.
  uint32_t written = 0;
  constexpr std::string_view good = "\"written\"";
  for (auto at = body.find(good); at != std::string_view::npos; at = body.find(good, at + good.size()))
    ++written;
  if (status != 200 || written != options_.batch) {
    ++bad_answers_;
    if (failure_.empty())
      failure_ = "HTTP " + std::to_string(status) + ": " + std::string{body.substr(0, 200)};
  }
  if (!sending_)
    return;
  auto stream = asked_[c.index];
  for (uint32_t i = 0; i < options_.batch; ++i)
    stream = options_.streams[stream].next;
  send_batch(stream, steady_ns());
}

void load::on_lost(connection &c, std::string_view why) {
  if (failure_.empty())
    failure_ = "connection " + std::to_string(c.index) + " lost: " + std::string{why};
}

bool load::is_settled() const noexcept {
  return verifier_.outstanding() == 0 && verdicts_.outstanding() == 0 && requests_ == 0;
}

uint64_t load::wrong_verdicts() const noexcept {
  auto x = verdicts_.result();
  return bad_answers_ + requests_ + x.lost + x.duplicated + x.damaged;
}

} // namespace stentor::bench

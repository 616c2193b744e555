// SPDX-License-Identifier: Apache-2.0
// How a conversation reads requests: the head, then the body in one of four ways.
#include "net/http/http_conversation.hpp"
#include "net/http/http_parser.hpp"

#include <algorithm>

namespace stentor::net {

namespace {

constexpr http_problem head_too_large{431, "header_too_large", "the request's headers are too large"};
constexpr http_problem body_too_large{413, "too_large", "the request's body is larger than the limit"};
constexpr http_problem bad_chunk{400, "malformed", "the chunked body does not parse"};

} // namespace

http_conversation::step http_conversation::read(std::string_view bytes, size_t &used) {
  switch (phase_) {
  case phase::head:
    return read_head(bytes, used);
  case phase::sized_whole:
    return read_sized_whole(bytes, used);
  case phase::chunked_whole:
    return read_chunked_whole(bytes, used);
  case phase::sized_stream:
    return read_sized_stream(bytes, used);
  case phase::chunked_stream:
    return read_chunked_stream(bytes, used);
  case phase::complete:
    return step::wait;
  }
  return step::wait;
}

// -- the head ----

http_conversation::step http_conversation::read_head(std::string_view bytes, size_t &used) {
  // One that reads no answers must not have more made for it.
  if (!bytes.empty() && transport_.http_is_full()) {
    full_ = true;
    return step::wait;
  }
  // Some clients send an empty line behind a body: RFC 9112 section 2.2.
  while (scanned_ == 0 && bytes.substr(used).starts_with("\r\n"))
    used += 2;
  bytes.remove_prefix(used);
  auto limit = std::min(service_.lim.max_header_bytes, max_http_head_bytes);
  auto end = bytes.find("\r\n\r\n", scanned_ > 3 ? scanned_ - 3 : 0);
  if (end == bytes.npos ? bytes.size() > limit : end + 4 > limit) {
    head_ = {};
    return refuse(head_too_large);
  }
  if (end == bytes.npos) {
    // A lone CR may be the first half of an empty line.
    scanned_ = bytes == "\r" ? 0 : bytes.size();
    return step::wait;
  }
  scanned_ = 0;
  return begin_request(bytes.substr(0, end + 4), used);
}

http_conversation::step http_conversation::begin_request(std::string_view head_bytes, size_t &used) {
  fresh_wait_ = true;
  if (auto why = parse_http_head(head_bytes, head_))
    return refuse(*why);
  answer_ = answer::owed;
  close_after_ = !head_.keep_alive || finishing_;
  auto gone = gone_;
  auto plan = events_.on_headers(http_request{head_, head_bytes.data(), {}});
  if (*gone)
    return step::gone;
  if (plan.what == http_plan::kind::refuse) {
    used += head_bytes.size();
    if (!head_.has_body())
      phase_ = phase::complete; // the next request starts right here
    respond(plan.problem, plan.headers);
    return step::again;
  }
  if (head_.length.value_or(0) > plan.max_body)
    return refuse(body_too_large);
  if (head_.expects_continue && head_.has_body())
    transport_.http_write("HTTP/1.1 100 Continue\r\n\r\n", {});
  head_size_ = head_bytes.size();
  room_ = plan.max_body;
  left_ = head_.length.value_or(0);
  since_fresh_ = 0;
  chunks_ = {};
  if (plan.what == http_plan::kind::whole) {
    if (!head_.chunked) {
      phase_ = phase::sized_whole; // the head stays in front of its body
      return step::again;
    }
    phase_ = phase::chunked_whole;
    whole_ = head_bytes;
  } else {
    phase_ = head_.chunked ? phase::chunked_stream : phase::sized_stream;
  }
  used += head_size_;
  return step::again;
}

// -- bodies ----

http_conversation::step http_conversation::read_sized_whole(std::string_view bytes, size_t &used) {
  auto length = static_cast<size_t>(left_);
  if (bytes.size() < head_size_ + length)
    return step::wait;
  used += head_size_ + length;
  return deliver(bytes.data(), bytes.substr(head_size_, length));
}

http_conversation::step http_conversation::read_chunked_whole(std::string_view bytes, size_t &used) {
  auto size = bytes.size();
  for (;;) {
    std::string_view piece;
    auto status = chunks_.next(bytes, piece);
    used += size - bytes.size();
    size = bytes.size();
    switch (status) {
    case chunk_decoder::status::more:
      return step::wait;
    case chunk_decoder::status::broken:
      return refuse(bad_chunk);
    case chunk_decoder::status::piece:
      if (piece.size() > room_)
        return refuse(body_too_large);
      room_ -= piece.size();
      whole_ += piece;
      chunks_.take(bytes, piece.size());
      break;
    case chunk_decoder::status::done: {
      auto whole = std::move(whole_);
      whole_ = {};
      whole.reserve(whole.size() + slack);
      return deliver(whole.data(), std::string_view{whole}.substr(head_size_));
    }
    }
  }
}

http_conversation::step http_conversation::read_sized_stream(std::string_view bytes, size_t &used) {
  if (left_ > 0) {
    if (bytes.empty())
      return step::wait;
    size_t taken = 0;
    auto result = offer(bytes.substr(0, std::min<uint64_t>(left_, bytes.size())), taken);
    if (result == step::gone)
      return result;
    used += taken;
    left_ -= taken;
    if (result == step::wait || left_ > 0)
      return result;
  }
  return end_body(nullptr);
}

http_conversation::step http_conversation::read_chunked_stream(std::string_view bytes, size_t &used) {
  auto size = bytes.size();
  for (;;) {
    std::string_view piece;
    auto status = chunks_.next(bytes, piece);
    used += size - bytes.size();
    size = bytes.size();
    switch (status) {
    case chunk_decoder::status::more:
      return step::wait;
    case chunk_decoder::status::broken:
      return end_body(&bad_chunk);
    case chunk_decoder::status::done:
      return end_body(nullptr);
    case chunk_decoder::status::piece: {
      piece = piece.substr(0, room_); // what is too much must not hide what came before it
      if (piece.empty())
        return end_body(&body_too_large);
      size_t taken = 0;
      auto result = offer(piece, taken);
      if (result == step::gone)
        return result;
      room_ -= taken;
      chunks_.take(bytes, taken);
      if (result == step::wait || closed_) {
        used += taken;
        return step::wait;
      }
      break;
    }
    }
  }
}

/// Shows the handler a piece of a streamed body; `wait` where it did not take all of it.
http_conversation::step http_conversation::offer(std::string_view piece, size_t &taken) {
  auto gone = gone_;
  while (!closed_) {
    resumed_ = false;
    auto now = std::min(events_.on_body(piece.substr(taken)), piece.size() - taken);
    if (*gone)
      return step::gone;
    taken += now;
    // Each body limit's worth of progress earns the time for another: a trickle does not.
    since_fresh_ += now;
    if (since_fresh_ >= service_.lim.max_body_bytes) {
      since_fresh_ = 0;
      fresh_wait_ = true;
    }
    if (taken == piece.size())
      return step::again;
    if (!resumed_) {
      stalled_ = true;
      return step::wait;
    }
  }
  return step::wait;
}

http_conversation::step http_conversation::deliver(const char *head_bytes, std::string_view body) {
  phase_ = phase::complete;
  fresh_wait_ = true;
  auto gone = gone_;
  events_.on_request(http_request{head_, head_bytes, body});
  return *gone ? step::gone : step::again;
}

/// A streamed body is over; where it broke off, nothing after it can be read.
http_conversation::step http_conversation::end_body(const http_problem *why) {
  phase_ = phase::complete;
  fresh_wait_ = true;
  if (why) {
    if (service_.observer)
      service_.observer->on_refusal(*why);
    close_after_ = true;
  }
  auto gone = gone_;
  events_.on_body_end(why);
  return *gone ? step::gone : step::again;
}

/// Answers by ourselves and closes: where the request ends cannot be known, or is not worth waiting for.
http_conversation::step http_conversation::refuse(const http_problem &problem) {
  if (service_.observer)
    service_.observer->on_refusal(problem);
  answer_ = answer::owed;
  close_after_ = true;
  respond(problem);
  return step::wait;
}

} // namespace stentor::net

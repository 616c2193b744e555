// SPDX-License-Identifier: Apache-2.0
#include "net/http/http_conversation.hpp"

#include <algorithm>
#include <charconv>

namespace stentor::net {

namespace {

// While an answer is under way, this much of later requests is kept before the peer is read no further.
constexpr size_t max_pipelined_bytes = 16 * 1024;
// An idle connection keeps a small buffer for the next request and gives a large one back.
constexpr size_t max_idle_buffer = 512;

constexpr http_problem head_too_slow{408, "timeout", "the request's headers took too long"};
constexpr http_problem body_too_slow{408, "timeout", "the request's body took too long"};

} // namespace

http_conversation::~http_conversation() {
  if (gone_)
    *gone_ = true;
}

// -- the frame around every piece of work ----

/// Runs `work`, which may call the handler, and then does what had to wait until nobody is on the stack.
template <class Work>
void http_conversation::guarded(Work &&work) {
  bool gone = false;
  gone_ = &gone;
  working_ = true;
  work();
  if (gone)
    return;
  gone_ = nullptr;
  working_ = false;
  settle();
}

/// Tells the transport what it should do now; the last thing in every entry, since it may destroy `*this`.
void http_conversation::settle() {
  if (working_ || close_told_)
    return;
  if (closed_) {
    close_told_ = true;
    in_ = {};
    whole_ = {};
    transport_.http_close();
    return;
  }
  if (kept() == 0) {
    in_.clear();
    in_at_ = 0;
    if (in_.capacity() > max_idle_buffer)
      in_ = {};
  }
  auto read = !stalled_ && !full_ && !(phase_ == phase::complete && kept() > max_pipelined_bytes);
  if (read != reading_)
    transport_.http_read(reading_ = read);
  if (auto wait = waits(); wait != told_wait_ || fresh_wait_) {
    told_wait_ = wait;
    fresh_wait_ = false;
    transport_.http_waits(wait);
  }
}

http_wait http_conversation::waits() const noexcept {
  if (stalled_ || full_ || phase_ == phase::complete)
    return http_wait::answer;
  if (phase_ != phase::head)
    return http_wait::body;
  return kept() == 0 ? http_wait::request : http_wait::head;
}

// -- input ----

void http_conversation::receive(std::string_view bytes) {
  if (closed_)
    return;
  if (kept() > 0 || stalled_ || full_ || phase_ == phase::complete) {
    keep(bytes);
    if (stalled_ || full_ || phase_ == phase::complete)
      return settle();
    return work_on_kept();
  }
  guarded([&] {
    size_t used = 0;
    if (work_on(bytes, used) && !closed_ && used < bytes.size())
      keep(bytes.substr(used));
  });
}

void http_conversation::work_on_kept() {
  guarded([&] {
    size_t used = 0;
    if (work_on(std::string_view{in_}.substr(in_at_), used))
      in_at_ += used;
  });
}

/// Reads requests from `bytes` until one must wait. False where the conversation was destroyed meanwhile.
bool http_conversation::work_on(std::string_view bytes, size_t &used) {
  while (!closed_) {
    size_t more = 0;
    auto result = read(bytes.substr(used), more);
    if (result == step::gone)
      return false;
    used += more;
    if (result == step::wait)
      break;
  }
  return true;
}

void http_conversation::keep(std::string_view bytes) {
  in_.erase(0, in_at_);
  in_at_ = 0;
  auto expected = in_.size() + bytes.size();
  if (phase_ == phase::sized_whole)
    expected = std::max(expected, head_size_ + static_cast<size_t>(left_));
  in_.reserve(expected + slack);
  in_ += bytes;
}

void http_conversation::drained() {
  if (!full_ || working_ || closed_)
    return;
  full_ = false;
  fresh_wait_ = true;
  work_on_kept();
}

void http_conversation::resume() {
  if (working_) {
    resumed_ = true;
    return;
  }
  if (!stalled_ || closed_)
    return;
  stalled_ = false;
  fresh_wait_ = true;
  work_on_kept();
}

void http_conversation::finish() {
  finishing_ = true;
  if (owes_answer())
    close_after_ = true;
  else if (phase_ == phase::head && kept() == 0)
    closed_ = true;
  settle();
}

void http_conversation::time_out() {
  if (closed_)
    return;
  switch (waits()) {
  case http_wait::answer:
    return;
  case http_wait::request:
    closed_ = true;
    return settle();
  case http_wait::head:
    head_ = {};
    return guarded([&] { refuse(head_too_slow); });
  case http_wait::body:
    return guarded([&] {
      if (phase_ == phase::sized_stream || phase_ == phase::chunked_stream)
        end_body(&body_too_slow);
      else
        refuse(body_too_slow);
    });
  }
}

// -- answers ----

void http_conversation::respond(int status, std::string_view content_type, std::string_view body,
                                std::string_view headers) {
  if (answer_ != answer::owed || closed_)
    return;
  close_after_ = close_after_ || phase_ != phase::complete;
  append_head(status, content_type, headers);
  char length[24];
  auto end = std::to_chars(length, length + sizeof length, body.size()).ptr;
  auto &out = service_.scratch;
  out += "Content-Length: ";
  out.append(length, end);
  out += "\r\n\r\n";
  transport_.http_write(out, head_.method == http_method::head ? std::string_view{} : body);
  answered();
}

void http_conversation::respond(const http_problem &problem, std::string_view headers) {
  respond(problem.status, "application/json", error_body(problem.code, problem.message), headers);
}

void http_conversation::begin_stream(int status, std::string_view content_type, std::string_view headers) {
  if (answer_ != answer::owed || closed_)
    return;
  answer_ = answer::streaming;
  chunked_answer_ = head_.is_1_1;
  close_after_ = close_after_ || !head_.is_1_1; // HTTP/1.0 knows the end of such an answer by the close only
  append_head(status, content_type, headers);
  auto &out = service_.scratch;
  out += chunked_answer_ ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
  transport_.http_write(out, {});
}

void http_conversation::write_chunk(std::string_view bytes) {
  if (answer_ != answer::streaming || closed_ || bytes.empty() || head_.method == http_method::head)
    return;
  if (!chunked_answer_)
    return transport_.http_write({}, bytes);
  char size[20];
  auto end = std::to_chars(size, size + sizeof size - 2, bytes.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  transport_.http_write({size, static_cast<size_t>(end - size)}, bytes);
  transport_.http_write("\r\n", {});
}

void http_conversation::end_stream() {
  if (answer_ != answer::streaming || closed_)
    return;
  if (chunked_answer_ && head_.method != http_method::head)
    transport_.http_write("0\r\n\r\n", {});
  answered();
}

void http_conversation::append_head(int status, std::string_view content_type, std::string_view headers) {
  if (service_.observer)
    service_.observer->on_answer(status);
  auto &out = service_.scratch;
  out.assign(head_.is_1_1 ? "HTTP/1.1 " : "HTTP/1.0 ");
  out += static_cast<char>('0' + status / 100 % 10);
  out += static_cast<char>('0' + status / 10 % 10);
  out += static_cast<char>('0' + status % 10);
  out += ' ';
  out += status_phrase(status);
  out += "\r\n";
  out += service_.date.line(transport_.http_now());
  out += "Content-Type: ";
  out += content_type;
  out += "\r\n";
  out += headers;
  if (close_after_)
    out += "Connection: close\r\n";
  else if (!head_.is_1_1)
    out += "Connection: keep-alive\r\n";
}

/// The answer is written: on to the next request, or close where the end of this one cannot be found.
void http_conversation::answered() {
  answer_ = answer::none;
  if (close_after_ || phase_ != phase::complete) {
    closed_ = true;
  } else {
    phase_ = phase::head;
    fresh_wait_ = true;
    closed_ = finishing_;
  }
  if (!working_ && !closed_ && !full_ && kept() > 0)
    return work_on_kept();
  settle();
}

} // namespace stentor::net

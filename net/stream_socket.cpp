// SPDX-License-Identifier: Apache-2.0
#include "net/stream_socket.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace stentor::net {

namespace {

socket_end reason_of(int error) {
  switch (error) {
  case ECONNRESET:
  case EPIPE:
  case ETIMEDOUT:
  case EHOSTUNREACH:
  case ENETUNREACH:
  case ENETDOWN:
    return socket_end::peer_reset;
  default:
    return socket_end::local_failure;
  }
}

} // namespace

lifeline::lifeline(stream_socket &who) noexcept : loop_{who.loop()}, who_{&who}, outer_{loop_.lifelines()} {
  loop_.lifelines() = this;
}

lifeline::~lifeline() {
  loop_.lifelines() = outer_;
}

stream_socket::stream_socket(event_loop &loop, int fd) noexcept : loop_{loop}, fd_{fd} {}

stream_socket::~stream_socket() {
  for (auto *l = loop_.lifelines(); l; l = l->outer_)
    if (l->who_ == this)
      l->who_ = nullptr;
  if (queued_)
    loop_.forget(*this);
  if (state_ == state::closed)
    return;
  if (started_)
    loop_.remove(fd_, *this);
  ::close(fd_);
}

bool stream_socket::start() {
  started_ = true;
  armed_ = reading_ ? +EPOLLIN : 0;
  if (loop_.add(fd_, *this, armed_))
    return true;
  state_ = state::closed;
  ::close(fd_);
  fd_ = -1;
  return false;
}

bool stream_socket::wants_input() const noexcept {
  return state_ == state::open ? reading_ && !throttled_ : !peer_done_;
}

void stream_socket::arm() {
  uint32_t wanted = blocked_ ? +EPOLLOUT : 0;
  if (wants_input())
    wanted |= EPOLLIN;
  if (wanted == armed_ || !started_ || state_ == state::closed)
    return;
  armed_ = wanted;
  loop_.modify(fd_, *this, wanted);
}

// -- writing ----

void stream_socket::write_frame(std::string_view head, std::string_view body, bool waited_for) {
  if (state_ != state::open)
    return;
  if (!cork_.has_block())
    cork_.adopt(loop_.take_cork_block());
  cork_.append(head, body, waited_for);
  if (!throttled_ && cork_.size() > read_limit_) {
    throttled_ = true;
    arm();
  }
  // While the kernel is full a try would only fail: EPOLLOUT asks again.
  if (!blocked_)
    ask_for_flush();
}

void stream_socket::ask_for_flush() {
  if (queued_ || held_)
    return;
  queued_ = true;
  loop_.flush_later(*this);
}

void stream_socket::on_flush() {
  queued_ = false;
  if (state_ == state::closed || !cork_.has_block())
    return;
  size_t completed = 0;
  auto before = cork_.size();
  auto result = cork_.flush(
      [this](const char *data, size_t size) {
        ++loop_.counters().sends;
        return ::send(fd_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
      },
      completed);
  auto taken = before - cork_.size();
  loop_.counters().bytes_out += taken;
  switch (result) {
  case cork::progress::failed:
    finish(reason_of(cork_.last_errno()));
    return;
  case cork::progress::blocked:
    blocked_ = true;
    if (taken > 0 || stalled_since_ == time_point::max())
      stalled_since_ = loop_.now();
    arm();
    if (completed > 0)
      on_marks(completed); // last: it may destroy this
    return;
  case cork::progress::empty:
    all_sent(completed);
    return;
  }
}

void stream_socket::all_sent(size_t completed) {
  loop_.give_cork_block(cork_.release());
  bool drained = blocked_ || throttled_;
  blocked_ = throttled_ = false;
  stalled_since_ = time_point::max();
  if (state_ == state::flushing)
    shut_down_writing();
  else
    arm();
  lifeline alive{*this};
  if (completed > 0)
    on_marks(completed);
  if (drained && alive.holds() && state_ == state::open)
    on_drained();
  if (alive.holds() && state_ == state::lingering && peer_done_)
    finish(socket_end::orderly);
}

size_t stream_socket::drop_unstarted() {
  auto dropped = cork_.drop_unstarted();
  if (state_ != state::closed && cork_.is_empty() && cork_.has_block())
    ask_for_flush(); // of nothing: it gives the block back and tells that the cork is empty
  return dropped;
}

// -- reading ----

void stream_socket::hold_writes() {
  held_ = true;
}

void stream_socket::release_writes() {
  held_ = false;
  if (state_ != state::closed && cork_.has_block() && !blocked_)
    ask_for_flush();
}

void stream_socket::pause_reading() {
  // Disarmed only once something comes: most pauses end before that, and cost no system call.
  reading_ = false;
}

void stream_socket::resume_reading() {
  reading_ = true;
  arm();
}

void stream_socket::on_ready(uint32_t events) {
  if (events & EPOLLOUT)
    ask_for_flush(); // with everything else this turn writes
  if (!wants_input() && (armed_ & EPOLLIN) && !(events & (EPOLLHUP | EPOLLERR))) {
    arm();
  } else if (wants_input() && (armed_ & EPOLLIN)) {
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
      receive(); // what came before an error is read before it
  } else if (events & (EPOLLHUP | EPOLLERR)) {
    finish(peer_done_ ? socket_end::orderly : socket_end::peer_reset);
  }
}

void stream_socket::receive() {
  auto buffer = loop_.read_buffer();
  auto &counters = loop_.counters();
  ++counters.receives;
  // One try a turn: epoll is level-triggered and says so where there is more.
  auto count = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
      finish(reason_of(errno));
    return;
  }
  counters.bytes_in += static_cast<uint64_t>(count);
  if (count > 0) {
    if (state_ == state::open)
      on_bytes(buffer.first(static_cast<size_t>(count))); // last: it may destroy this
    return;
  }
  switch (state_) {
  case state::open:
    finish(socket_end::peer_closed);
    return;
  case state::flushing: // the peer may have closed its side only: what is corked still goes out
    peer_done_ = true;
    arm();
    return;
  case state::lingering:
    finish(socket_end::orderly);
    return;
  case state::closed:
    return;
  }
}

// -- the end ----

void stream_socket::close_orderly(std::chrono::milliseconds linger) {
  if (state_ != state::open)
    return;
  linger_ms_ = static_cast<uint32_t>(std::clamp<int64_t>(linger.count(), 0, 3'600'000));
  state_ = state::flushing;
  loop_.timers().schedule(timer_, loop_.now() + std::chrono::milliseconds{linger_ms_});
  if (cork_.has_block()) {
    if (!blocked_)
      ask_for_flush();
    arm(); // whatever was paused is read again, and discarded
  } else {
    shut_down_writing();
  }
}

void stream_socket::shut_down_writing() {
  state_ = state::lingering;
  loop_.timers().schedule(timer_, loop_.now() + std::chrono::milliseconds{linger_ms_});
  // A failure means that the peer is gone already; epoll tells it next.
  ::shutdown(fd_, SHUT_WR);
  arm();
}

void stream_socket::abort(socket_end reason) {
  finish(reason);
}

void stream_socket::call_later(std::chrono::milliseconds delay) {
  if (state_ == state::open)
    loop_.timers().schedule(timer_, loop_.now() + delay);
}

void stream_socket::time_over() {
  if (state_ == state::open)
    on_deadline();
  else
    finish(socket_end::orderly);
}

void stream_socket::finish(socket_end reason) {
  if (state_ == state::closed)
    return;
  state_ = state::closed;
  timer_.cancel();
  if (queued_) {
    queued_ = false;
    loop_.forget(*this);
  }
  if (started_)
    loop_.remove(fd_, *this);
  ::close(fd_);
  fd_ = -1;
  stalled_since_ = time_point::max();
  on_end(reason, cork_.marks()); // last: it may destroy this
}

} // namespace stentor::net

// SPDX-License-Identifier: Apache-2.0
#include "net/client/blocking.hpp"

#include "cluster/errc.hpp"

#include <algorithm>

#include <poll.h>

namespace stentor::net::client {

using std::chrono::milliseconds;

namespace {

milliseconds left_until(time_point deadline) {
  return std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
}

} // namespace

// -- HTTP ----

caf::expected<std::unique_ptr<blocking_http>> blocking_http::make(http_options options) {
  auto loop = event_loop::make();
  if (!loop)
    return loop.error();
  return std::unique_ptr<blocking_http>{new blocking_http{std::move(*loop), std::move(options)}};
}

blocking_http::blocking_http(std::unique_ptr<event_loop> loop, http_options options)
    : loop_{std::move(loop)}, client_{*loop_, std::move(options)} {}

caf::expected<http_response> blocking_http::request(const http_request &what) {
  // What happened to the kept connection meanwhile is seen before it is used again.
  loop_->run_turn(milliseconds{0});
  std::optional<caf::expected<http_response>> result;
  auto failure =
      client_.send(what, [&result](caf::expected<http_response> x) { result.emplace(std::move(x)); });
  if (failure)
    return failure;
  while (!result) // ends: the client has a deadline for every request
    loop_->run_turn(milliseconds{1000});
  return std::move(*result);
}

// -- device ----

caf::expected<std::unique_ptr<blocking_device>> blocking_device::connect(const device_options &options,
                                                                         client_end *end) {
  auto loop = event_loop::make();
  if (!loop)
    return loop.error();
  auto made = std::unique_ptr<blocking_device>{new blocking_device{std::move(*loop), options.encoding}};
  auto device = client_device::connect(*made->loop_, options, *made);
  if (!device)
    return device.error();
  made->device_ = std::move(*device);
  while (!made->open_ && !made->end_) // ends: the handshake has a deadline
    made->loop_->run_turn(milliseconds{1000});
  if (made->open_)
    return made;
  if (end != nullptr)
    *end = *made->end_;
  auto &why = *made->end_;
  if (why.how == client_end::kind::unreachable)
    return make_error(errc::unavailable,
                      "cannot connect to " + options.host + (why.reason.empty() ? "" : ": " + why.reason));
  return make_error(why.http_status == 401 ? errc::token_refused : errc::io,
                    "refused with status " + std::to_string(why.http_status) + ": " + why.reason);
}

blocking_device::blocking_device(std::unique_ptr<event_loop> loop, format encoding)
    : loop_{std::move(loop)}, encoding_{encoding} {}

blocking_device::~blocking_device() = default;

void blocking_device::on_open(client_device &) {
  open_ = true;
}

void blocking_device::on_frame(client_device &who, std::span<char> body) {
  frames_.emplace_back(body.data(), body.size());
  waiting_bytes_ += body.size();
  if (frames_.size() >= max_waiting_frames || waiting_bytes_ >= max_waiting_bytes)
    who.pause_reading();
}

void blocking_device::on_end(client_device &, const client_end &end) {
  end_ = end;
  device_.reset();
}

template <class Done>
bool blocking_device::turn_until(milliseconds most, Done done) {
  auto deadline = std::chrono::steady_clock::now() + most;
  while (!done()) {
    auto left = left_until(deadline);
    if (left.count() <= 0)
      return false;
    loop_->run_turn(left);
  }
  return true;
}

bool blocking_device::send(const client_frame &frame) {
  auto sent = device_ != nullptr && device_->send(frame);
  loop_->run_turn(milliseconds{0});
  return sent;
}

bool blocking_device::send_frame(std::string_view body) {
  auto sent = device_ != nullptr && device_->send_frame(body);
  loop_->run_turn(milliseconds{0});
  return sent;
}

caf::expected<std::string> blocking_device::next_raw(milliseconds most) {
  turn_until(most, [this] { return !frames_.empty() || end_; });
  if (frames_.empty())
    return end_ ? make_error(errc::io, "the connection ended") : make_error(errc::timed_out, "no frame came");
  auto frame = std::move(frames_.front());
  frames_.pop_front();
  waiting_bytes_ -= frame.size();
  if (device_ != nullptr && !device_->is_reading() && !paused_ && frames_.size() <= max_waiting_frames / 2 &&
      waiting_bytes_ <= max_waiting_bytes / 2)
    device_->resume_reading();
  return frame;
}

caf::expected<server_frame> blocking_device::next(milliseconds most) {
  auto raw = next_raw(most);
  if (!raw)
    return raw.error();
  return decode_server_frame(encoding_, *raw);
}

caf::expected<server_frame> blocking_device::next(server_frame::kind kind, milliseconds most) {
  auto deadline = std::chrono::steady_clock::now() + most;
  for (;;) {
    auto frame = next(std::max(left_until(deadline), milliseconds{0}));
    if (!frame || frame->type == kind)
      return frame;
  }
}

const client_end &blocking_device::close(close_code code) {
  loop_->run_turn(milliseconds{0}); // its clock may be old, and what came meanwhile comes first
  if (device_ != nullptr) {
    device_->resume_reading(); // the server's part of the handshake has to be read
    device_->close(code);
  }
  if (wait_end(milliseconds{5000}) == nullptr)
    drop();
  return *end_;
}

void blocking_device::drop() {
  if (device_ != nullptr)
    device_->drop();
}

const client_end *blocking_device::wait_end(milliseconds most) {
  return turn_until(most, [this] { return end_.has_value(); }) ? &*end_ : nullptr;
}

bool blocking_device::run(milliseconds most, int fd) {
  struct reader final : pollable {
    bool ready = false;
    void on_ready(uint32_t) override { ready = true; }
  } input;
  auto watches = fd >= 0 && loop_->add(fd, input, POLLIN);
  auto is_plain_file = fd >= 0 && !watches; // epoll takes no files, and a file is always readable
  auto frames = frames_.size();
  turn_until(most, [&] { return is_plain_file || input.ready || end_ || frames_.size() > frames; });
  if (watches)
    loop_->remove(fd, input);
  return is_plain_file || input.ready;
}

void blocking_device::pause_reading() {
  paused_ = true;
  if (device_ != nullptr)
    device_->pause_reading();
}

void blocking_device::resume_reading() {
  paused_ = false;
  if (device_ != nullptr)
    device_->resume_reading();
}

} // namespace stentor::net::client

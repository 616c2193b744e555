// SPDX-License-Identifier: Apache-2.0
#include "net/client/client_device.hpp"

#include "net/client/upgrade_text.hpp"

#include <unistd.h>

namespace stentor::net::client {

namespace {

constexpr std::chrono::milliseconds close_wait{2000};
constexpr size_t max_answer_header = 16 * 1024;
constexpr size_t max_answer_body = 64 * 1024;

} // namespace

struct client_device::handshake {
  std::string key;
  response_reader reader{max_answer_header, max_answer_body};
  int status = 0;
};

void client_events::on_frame(client_device &who, std::span<char> body) {
  auto frame = decode_server_frame(who.encoding(), {body.data(), body.size()});
  if (frame)
    on_server_frame(who, std::move(*frame));
  else
    who.close(close_code::protocol_error, "a frame that is not of this protocol");
}

// -- start ----

caf::expected<std::unique_ptr<client_device>>
client_device::connect(event_loop &loop, const device_options &options, client_events &events) {
  auto key = make_upgrade_key();
  auto request = upgrade_text(options, key);
  if (!request)
    return request.error();
  auto fd = connect_to(options.at, options.source);
  if (!fd)
    return fd.error();
  auto made = std::unique_ptr<client_device>{new client_device{loop, *fd, events, options}};
  made->handshake_->key = std::move(key);
  if (!made->start())
    return make_error(errc::io, "epoll accepts no more descriptors");
  // The kernel takes no byte before the connection stands: the request waits in the cork until then.
  made->write(*request);
  made->call_later(options.handshake_timeout);
  return made;
}

client_device::client_device(event_loop &loop, int fd, client_events &events, const device_options &options)
    : stream_socket{loop, fd}, events_{events}, handshake_{std::make_unique<handshake>()},
      reader_{frame_reader::role::client, options.max_message_bytes},
      last_heard_{loop.now()}, encoding_{options.encoding} {}

client_device::~client_device() = default;

// -- sending ----

bool client_device::send_frame(std::string_view body) {
  if (handshake_ || close_sent_ || !is_open() || unsent_bytes() > max_unsent_bytes)
    return false;
  thread_local std::string
      scratch; // masking needs a copy; a device of its own would cost each its largest frame
  scratch.clear();
  append_masked_frame(scratch, encoding_ == format::json ? opcode::text : opcode::binary, body, next_mask());
  write(scratch);
  return true;
}

bool client_device::send(const client_frame &frame) {
  thread_local std::string body;
  body.clear();
  encode(encoding_, body, frame);
  return send_frame(body);
}

void client_device::ping(std::string_view body) {
  if (!handshake_ && !close_sent_ && unsent_bytes() <= max_unsent_bytes)
    write_control(opcode::ping, body.substr(0, 125));
}

void client_device::write_control(opcode kind, std::string_view body) {
  std::string frame;
  append_masked_frame(frame, kind, body, next_mask());
  write(frame);
}

// -- receiving ----

void client_device::on_bytes(std::span<char> bytes) {
  last_heard_ = loop().now();
  if (handshake_)
    read_answer(bytes);
  else
    read_frames(bytes);
}

void client_device::read_answer(std::span<char> bytes) {
  switch (handshake_->reader.feed({bytes.data(), bytes.size()})) {
  case response_reader::progress::more:
    return;
  case response_reader::progress::failed:
    end().how = client_end::kind::refused;
    end().reason = "the response is not HTTP";
    abort(socket_end::orderly);
    return;
  case response_reader::progress::done:
    break;
  }
  auto answer = handshake_->reader.take();
  if (answer.status != 101) {
    end().how = client_end::kind::refused;
    end().http_status = answer.status;
    end().retry_after_s = answer.retry_after_s();
    end().reason = std::move(answer.body);
    abort(socket_end::orderly);
    return;
  }
  if (auto fault = upgrade_fault(answer, handshake_->key, encoding_)) {
    end().how = client_end::kind::refused;
    end().http_status = answer.status;
    end().reason = fault;
    abort(socket_end::orderly);
    return;
  }
  auto rest = handshake_->reader.take_rest();
  handshake_.reset();
  lifeline alive{*this};
  events_.on_open(*this);
  if (!alive.holds() || !is_open() || rest.empty())
    return;
  auto size = rest.size();
  rest.append(event_loop::read_slack, '\0');
  read_frames({rest.data(), size});
}

void client_device::read_frames(std::span<char> bytes) {
  lifeline alive{*this};
  reading_frames_ = true;
  auto failure = reader_.feed(bytes, *this);
  if (!alive.holds())
    return;
  reading_frames_ = false;
  if (drop_asked_) {
    abort(socket_end::orderly);
  } else if (failure && is_open()) {
    close(failure.code, failure.reason);
    end().reason = failure.reason;
    close_orderly(close_wait);
  }
}

bool client_device::on_message(opcode kind, std::span<char> body) {
  if ((kind == opcode::text) != (encoding_ == format::json)) {
    close(close_code::unsupported, "a message of the wrong kind");
    return true;
  }
  events_.on_frame(*this, body);
  return is_open() && !drop_asked_;
}

bool client_device::on_control(opcode kind, std::span<char> body) {
  std::string_view text{body.data(), body.size()};
  if (kind == opcode::ping && !close_sent_) {
    if (unsent_bytes() <= max_unsent_for_pong)
      write_control(opcode::pong, text);
    else
      ++skipped_pongs_;
  }
  if (kind != opcode::close)
    return is_open();
  end().how = client_end::kind::closed;
  end().code = parse_close(body);
  end().reason = text.substr(std::min<size_t>(text.size(), 2));
  if (!close_sent_) {
    close_sent_ = true;
    auto echo = end().code == close_code::no_status ? std::string{} : std::string{text.substr(0, 2)};
    write_control(opcode::close, echo);
  }
  close_orderly(close_wait);
  return false;
}

// -- the end ----

client_end &client_device::end() {
  if (!end_)
    end_ = std::make_unique<client_end>();
  return *end_;
}

void client_device::close(close_code code, std::string_view text) {
  if (handshake_) {
    drop();
    return;
  }
  if (close_sent_ || !is_open())
    return;
  end().how = client_end::kind::lost;
  end().code = code;
  close_sent_ = true;
  write_control(opcode::close, close_body(code, text));
  call_later(close_wait);
}

void client_device::drop() {
  if (reading_frames_)
    drop_asked_ = true;
  else
    abort(socket_end::orderly);
}

void client_device::on_deadline() {
  if (handshake_) {
    end().reason = "no response in time";
    abort(socket_end::local_failure);
  } else if (close_sent_) {
    close_orderly(close_wait);
  }
}

void client_device::on_end(socket_end, size_t) {
  if (handshake_ && end_ == nullptr && handshake_->reader.feed_end() == response_reader::progress::done) {
    auto answer = handshake_->reader.take(); // a refusal without a length, ended by FIN
    end().how = client_end::kind::refused;
    end().http_status = answer.status;
    end().retry_after_s = answer.retry_after_s();
    end().reason = std::move(answer.body);
  } else if (!handshake_ && end_ == nullptr) {
    end().how = client_end::kind::lost;
  }
  auto told = std::move(end());
  events_.on_end(*this, told);
}

} // namespace stentor::net::client

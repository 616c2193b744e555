// SPDX-License-Identifier: Apache-2.0
#include "net/client/blocking.hpp"
#include "net/client/command_text.hpp"

#include "cluster/errc.hpp"

#include <ostream>
#include <set>

#include <unistd.h>

namespace stentor::net::client {

using std::chrono::milliseconds;

namespace {

constexpr size_t max_line_bytes = 1024 * 1024;

struct opened {
  std::unique_ptr<blocking_device> device;
  exit_code failure = exit_code::good;
};

opened open_device(console &io, const device_target &who) {
  auto fail = [&io](exit_code code, const std::string &text) {
    io.err << "stentorctl: " << printable(text) << '\n';
    return opened{nullptr, code};
  };
  if (who.token.empty() && who.device.empty())
    return fail(
        exit_code::usage,
        "which device connects? Set --token or STENTOR_TOKEN, or --device on a node in development mode");
  auto url = parse_url(who.url, "ws", 7400);
  if (!url)
    return fail(exit_code::usage, render(url.error()));
  auto at = resolve(url->host, url->port);
  if (!at)
    return fail(exit_code::cannot_connect, render(at.error()));
  device_options options;
  options.at = *at;
  options.host = url->authority();
  if (url->target.size() > 1)
    options.path = url->target;
  options.encoding = who.encoding;
  options.token = who.token;
  if (who.token.empty()) {
    options.device = who.device;
    options.account = who.account;
  }
  options.resume = who.resume;
  options.handshake_timeout = who.timeout;
  auto device = blocking_device::connect(options);
  if (device)
    return {std::move(*device), exit_code::good};
  auto &why = device.error();
  auto text = render(why);
  if (why == errc::unavailable || why == errc::io)
    return fail(why == errc::unavailable ? exit_code::cannot_connect : exit_code::not_delivered, text);
  return fail(why == errc::config ? exit_code::usage : exit_code::not_delivered, text);
}

void print(console &io, format f, const std::string &raw) {
  if (io.json) {
    auto text = f == format::json ? caf::expected<std::string>{raw} : transcode(f, format::json, raw);
    io.out << (text ? printable(*text) : R"({"t":"undecodable"})") << std::endl;
    return;
  }
  auto frame = decode_server_frame(f, raw);
  io.out << (frame ? describe(f, *frame) : "a frame that cannot be read") << std::endl;
}

void print_end(console &io, const client_end &end) {
  std::string text = "the connection ended";
  if (end.code != close_code::none)
    text += ", code " + std::to_string(static_cast<int>(end.code));
  if (!end.reason.empty())
    text += ": " + end.reason;
  io.err << "stentorctl: " << printable(text) << '\n';
}

/// `what` as a frame; `data` has to outlive it.
client_frame frame_of(const message_options &what, std::string_view id, std::string_view data) {
  client_frame frame;
  frame.id = id;
  (what.to_account ? frame.to_account : frame.to_device) = what.to;
  frame.except_me = what.except_me;
  frame.data = data;
  frame.wants = want_from(what.want).value_or(want::written);
  frame.ttl_ms = what.ttl_ms;
  frame.timeout_ms = what.timeout_ms;
  frame.key = what.key;
  return frame;
}

/// The payload in the connection's format; nothing, and a line for the user, where it has no image there.
std::optional<std::string> encoded_payload(console &io, format f, std::string_view text, bool is_text) {
  auto data = payload_of(text, is_text);
  if (f == format::json)
    return data;
  auto image = transcode(format::json, f, data);
  if (image)
    return std::move(*image);
  io.err << "stentorctl: the data cannot be sent: " << render(image.error()) << '\n';
  return std::nullopt;
}

/// The interactive device.
class conversation {
public:
  conversation(console &io, blocking_device &device, int input) : io_{io}, device_{device}, input_{input} {}

  exit_code run(milliseconds patience) {
    while (!quit_ && (device_.is_open() || !device_.end())) {
      print_frames();
      if (!device_.is_open())
        break;
      if (input_ < 0) { // the input has ended: what is owed may still come
        auto now = std::chrono::steady_clock::now();
        if (owed_.empty() || now >= give_up_)
          break;
        device_.run(std::chrono::ceil<milliseconds>(give_up_ - now));
      } else if (device_.run(milliseconds{60'000}, input_)) {
        take_input(patience);
      }
    }
    auto ended_by_node = device_.end().has_value();
    if (!ended_by_node) {
      // The node's close may cross ours; its code then says why it ended.
      auto &end = device_.close();
      ended_by_node = end.how == client_end::kind::closed && end.code != close_code::normal &&
                      end.code != close_code::no_status;
    }
    print_frames();
    if (!ended_by_node)
      return owed_.empty() || quit_ ? exit_code::good : exit_code::unknown;
    print_end(io_, *device_.end());
    return exit_code::unknown;
  }

private:
  void print_frames() {
    while (auto raw = device_.next_raw(milliseconds{0})) {
      if (auto frame = decode_server_frame(device_.encoding(), *raw))
        settle(*frame);
      print(io_, device_.encoding(), *raw);
    }
  }
  void settle(const server_frame &frame) {
    if (frame.type == server_frame::kind::welcome)
      owed_.erase(welcome_owed);
    else if (frame.type == server_frame::kind::devices)
      owed_.erase(devices_owed);
    else if (frame.type == server_frame::kind::verdict || frame.type == server_frame::kind::error)
      owed_.erase(frame.id);
  }
  void take_input(milliseconds patience) {
    char bytes[4096];
    auto count = ::read(input_, bytes, sizeof bytes);
    if (count > 0)
      typed_.append(bytes, static_cast<size_t>(count));
    for (auto end = typed_.find('\n'); end != typed_.npos && !quit_; end = typed_.find('\n')) {
      handle(read_typed(std::string_view{typed_}.substr(0, end)));
      typed_.erase(0, end + 1);
    }
    if (typed_.size() > max_line_bytes)
      typed_.clear();
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR)))
      return;
    if (!quit_)
      handle(read_typed(typed_));
    input_ = -1;
    give_up_ = std::chrono::steady_clock::now() + patience;
  }
  void handle(const typed_line &line) {
    client_frame frame;
    switch (line.what) {
    case typed_line::kind::nothing:
      return;
    case typed_line::kind::wrong:
      io_.err << line.text << '\n';
      return;
    case typed_line::kind::quit:
      quit_ = true;
      return;
    case typed_line::kind::raw:
      if (auto raw = encoded_payload(io_, device_.encoding(), line.text, false))
        device_.send_frame(*raw);
      return;
    case typed_line::kind::send: {
      auto data = encoded_payload(io_, device_.encoding(), line.text, false);
      if (!data)
        return;
      message_options what;
      what.to = line.to;
      auto id = 'm' + std::to_string(++sent_);
      if (device_.send(frame_of(what, id, *data)))
        owed_.insert(id);
      return;
    }
    case typed_line::kind::ack:
      frame.type = client_frame::kind::ack;
      frame.id = line.to;
      break;
    case typed_line::kind::devices:
      frame.type = client_frame::kind::devices;
      owed_.insert(devices_owed);
      break;
    case typed_line::kind::watch:
      frame.type = client_frame::kind::watch;
      break;
    case typed_line::kind::unwatch:
      frame.type = client_frame::kind::unwatch;
      break;
    }
    device_.send(frame);
  }

  console &io_;
  blocking_device &device_;
  int input_;
  std::string typed_;
  // not ids that a message can have here
  static constexpr const char *welcome_owed = "/welcome";
  static constexpr const char *devices_owed = "/devices";
  std::set<std::string> owed_{welcome_owed}; ///< what the node has yet to answer; messages by their ids
  uint64_t sent_ = 0;
  bool quit_ = false;
  time_point give_up_;
};

} // namespace

exit_code run_connect(console &io, const device_target &who, int input) {
  auto [device, failure] = open_device(io, who);
  if (!device)
    return failure;
  return conversation{io, *device, input}.run(milliseconds{6000}); // a verdict comes in 5 s and one more
}

exit_code run_send(console &io, const device_target &who, const message_options &what) {
  auto usage = [&io](const char *text) {
    io.err << "stentorctl send: " << text << '\n';
    return exit_code::usage;
  };
  auto wants = want_from(what.want);
  if (!wants)
    return usage("--want must be written, acked, errors or none");
  if (!is_valid_id(what.to))
    return usage("TO is not an id: 1 to 128 of A-Z a-z 0-9 . _ : @ -");
  auto data = encoded_payload(io, who.encoding, what.data, what.is_text);
  if (!data)
    return exit_code::usage;
  auto [device, failure] = open_device(io, who);
  if (!device)
    return failure;
  auto welcome = device->next(server_frame::kind::welcome, who.timeout);
  if (!welcome) {
    if (device->end())
      print_end(io, *device->end());
    else
      io.err << "stentorctl: no welcome in time\n";
    return exit_code::not_delivered; // nothing was sent
  }
  device->send(frame_of(what, "m1", *data));
  if (*wants == want::none) {
    device->close();
    return exit_code::good;
  }
  auto patience = milliseconds{what.timeout_ms.value_or(5000)} + milliseconds{1500};
  auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    auto raw = device->next_raw(std::max(left, milliseconds{0}));
    if (!raw)
      break;
    auto frame = decode_server_frame(device->encoding(), *raw);
    if (!frame || frame->id != "m1")
      continue;
    if (frame->type != server_frame::kind::verdict && frame->type != server_frame::kind::error)
      continue;
    print(io, device->encoding(), *raw);
    device->close();
    return frame->result ? exit_code_of(*frame->result) : exit_code::not_delivered;
  }
  if (device->end()) {
    print_end(io, *device->end());
    return exit_code::unknown;
  }
  device->close();
  if (*wants == want::errors)
    return exit_code::good; // silence is the good news that was asked for
  io.err << "stentorctl: no verdict in time\n";
  return exit_code::unknown;
}

} // namespace stentor::net::client

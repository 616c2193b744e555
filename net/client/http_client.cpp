// SPDX-License-Identifier: Apache-2.0
#include "net/client/http_client.hpp"

#include "cluster/errc.hpp"
#include "net/stream_socket.hpp"

#include <algorithm>

namespace stentor::net::client {

namespace {

bool is_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

bool can_be_written(const http_request &x) {
  auto is_word = [](std::string_view text) {
    return !text.empty() && is_one_line(text) && text.find(' ') == text.npos;
  };
  return is_word(x.method) && is_word(x.target) && x.target[0] == '/' &&
         std::all_of(x.headers.begin(), x.headers.end(),
                     [&](auto &h) { return is_word(h.first) && is_one_line(h.second); });
}

} // namespace

class http_client::connection final : public stream_socket {
public:
  connection(event_loop &loop, int fd, http_client &owner) noexcept
      : stream_socket{loop, fd}, owner_{owner} {}

  void begin(std::string_view text, bool is_head) {
    reader_ = std::make_unique<response_reader>(owner_.options_.max_header_bytes,
                                                owner_.options_.max_body_bytes, is_head);
    write_frame(text, {}, true); // the mark tells whether all of it left
  }

private:
  // Destroys this: from there on only locals are used.
  void on_bytes(std::span<char> bytes) override {
    auto state = reader_ ? reader_->feed({bytes.data(), bytes.size()}) : response_reader::progress::failed;
    if (state == response_reader::progress::more)
      return;
    auto &owner = owner_;
    if (!reader_) {
      owner.connection_.reset(); // nobody asked
      return;
    }
    auto response = state == response_reader::progress::done ? reader_->take() : http_response{};
    auto keeps = response.status >= 200 && response.keep_alive && reader_->take_rest().empty();
    reader_.reset();
    if (!keeps)
      owner.connection_.reset();
    if (response.status >= 200)
      owner.settle(std::move(response));
    else // 1xx answers belong to requests that are never sent
      owner.settle(make_error(errc::malformed, "the response is not HTTP, or too large"));
  }
  void on_marks(size_t) override {}
  void on_end(socket_end, size_t lost_marks) override {
    auto &owner = owner_;
    auto reader = std::move(reader_);
    owner.connection_.reset();
    if (!reader)
      return;
    if (reader->feed_end() == response_reader::progress::done)
      owner.settle(reader->take()); // a body that ends with the connection
    else if (lost_marks > 0)
      owner.settle(make_error(errc::unavailable, "cannot connect to " + owner.options_.host));
    else
      owner.settle(make_error(errc::timed_out, "the connection ended before the response"));
  }

  http_client &owner_;
  std::unique_ptr<response_reader> reader_; ///< while a request is under way
};

http_client::http_client(event_loop &loop, http_options options)
    : loop_{loop}, options_{std::move(options)} {}

http_client::~http_client() = default;

caf::error http_client::send(http_request request, answer tell) {
  if (!can_be_written(request) || !is_one_line(options_.host) || !is_one_line(options_.api_key))
    return make_error(errc::config, "a method, target or header that cannot be written");
  if (queue_.size() > options_.max_waiting)
    return make_error(errc::overloaded, "too many requests wait for this connection");
  queue_.push_back({std::move(request), std::move(tell), loop_.now() + options_.timeout});
  if (queue_.size() > 1)
    return {};
  auto failure = begin_next();
  if (failure)
    queue_.clear();
  return failure;
}

/// Writes the first request of the queue. `errc::unavailable` where there is no connection for it.
caf::error http_client::begin_next() {
  auto &next = queue_.front();
  if (!connection_) {
    auto fd = connect_to(options_.at, options_.source);
    if (!fd)
      return make_error(errc::unavailable, render(fd.error()));
    auto made = std::make_unique<connection>(loop_, *fd, *this);
    if (!made->start())
      return make_error(errc::unavailable, "epoll accepts no more descriptors");
    connection_ = std::move(made);
    ++connects_;
  }
  connection_->begin(text_of(next.request), next.request.method == "HEAD");
  loop_.timers().schedule(timer_, next.deadline);
  return {};
}

/// Answers the first request and begins the next one. The call may destroy this: it comes last.
void http_client::settle(caf::expected<http_response> result) {
  auto tell = std::move(queue_.front().tell);
  queue_.pop_front();
  timer_.cancel();
  if (!queue_.empty() && begin_next())
    loop_.timers().schedule(timer_,
                            loop_.now()); // without a connection: fails in its turn, not inside this one
  tell(std::move(result));
}

void http_client::on_timer() {
  if (queue_.empty())
    return;
  auto was_sent = connection_ != nullptr && connection_->unsent_marks() == 0;
  connection_.reset(); // an answer that comes late must not be taken for the next one
  settle(was_sent ? make_error(errc::timed_out, "no response in time")
                  : make_error(errc::unavailable, "cannot connect to " + options_.host));
}

std::string http_client::text_of(const http_request &x) const {
  auto text = x.method + ' ' + x.target + " HTTP/1.1\r\nHost: " + options_.host + "\r\n";
  if (!options_.api_key.empty())
    text += "Authorization: Bearer " + options_.api_key + "\r\n";
  for (auto &[name, value] : x.headers)
    text += name + ": " + value + "\r\n";
  if (!x.body.empty() || (x.method != "GET" && x.method != "HEAD"))
    text += "Content-Length: " + std::to_string(x.body.size()) + "\r\n";
  return text + "\r\n" + x.body;
}

} // namespace stentor::net::client

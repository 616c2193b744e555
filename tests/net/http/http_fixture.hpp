// SPDX-License-Identifier: Apache-2.0
// A conversation between strings: a transport that collects what is written, and a handler that writes down
// what it is told and answers as it was set up.
#pragma once

#include "net/http/http_conversation.hpp"

#include <functional>
#include <string>
#include <vector>

namespace stentor::net {

inline std::string shout(http_method method) {
  static constexpr const char *names[] = {"GET",   "HEAD",   "POST",    "PUT",
                                          "PATCH", "DELETE", "OPTIONS", "OTHER"};
  return names[static_cast<size_t>(method)];
}

/// 2001-09-09 01:46:40 UTC, so that answers can be compared as text.
inline wall_ms frozen_clock() {
  return 1000000000000;
}

struct string_transport final : http_transport {
  std::string out;
  http_wait wait = http_wait::request;
  int waits = 0;
  bool reading = true;
  bool closed = false;

  size_t room = SIZE_MAX; ///< past it too much is unsent
  bool http_is_full() override { return out.size() > room; }
  void http_write(std::string_view head, std::string_view body) override {
    EXPECT_FALSE(closed) << "written after the close";
    out += head;
    out += body;
  }
  void http_read(bool on) override { reading = on; }
  void http_waits(http_wait what) override {
    wait = what;
    ++waits;
  }
  void http_close() override {
    EXPECT_FALSE(closed) << "closed twice";
    closed = true;
  }
  time_point http_now() override { return {}; }
};

/// Answers `/now` at once, leaves `/later` to the test, streams `/stream`, refuses `/refuse` with 403.
struct scripted_events final : http_events {
  explicit scripted_events(size_t max_body) : max_body{max_body} {}

  size_t max_body;
  http_conversation *conversation = nullptr;
  std::string log;            ///< one line a call
  std::string streamed;       ///< the bodies taken by `on_body`
  size_t appetite = SIZE_MAX; ///< bytes `on_body` still takes

  http_plan on_headers(const http_request &request) override {
    log += shout(request.method()) + " " + std::string{request.path()};
    if (!request.query().empty())
      log += "?" + std::string{request.query()};
    for (auto name : {"x-one", "content-type"})
      if (request.has_header(name))
        log += std::string{" "} + name + "=" + std::string{request.header(name)};
    log += "\n";
    if (request.path() == "/refuse")
      return http_plan::refuse({403, "refused", "not for you"}, "X-Why: test\r\n");
    return request.path() == "/stream" ? http_plan::stream(max_body) : http_plan::whole(max_body);
  }
  void on_request(const http_request &request) override {
    // Reads the slack as a parser would: a sanitizer sees where it is missing.
    volatile char sum = 0;
    for (size_t i = 0; i < http_conversation::slack && request.has_body(); ++i)
      sum = sum + request.body().data()[request.body().size() + i];
    log += "request " + std::string{request.path()} + " [" + std::string{request.body()} + "]\n";
    if (request.path() == "/now")
      conversation->respond(200, "text/plain", request.body());
  }
  size_t on_body(std::string_view piece) override {
    auto n = std::min(piece.size(), appetite);
    appetite -= n;
    streamed += piece.substr(0, n);
    return n;
  }
  void on_body_end(const http_problem *why) override {
    log += "end [" + streamed + "]" + (why ? " " + std::to_string(why->status) : "") + "\n";
    streamed.clear();
    if (why)
      conversation->respond(*why);
    else
      conversation->respond(200, "text/plain", "streamed");
  }
  void on_http_end(bool) override { log += "http end\n"; }
};

/// One connection of the two above.
struct http_rig final : http_observer {
  limits lim;
  http_service service{lim, &frozen_clock};
  scripted_events events{64};
  string_transport transport;
  http_conversation conversation{events, transport, service};

  int answers = 0;
  std::vector<int> refusals; ///< their statuses

  http_rig() {
    events.conversation = &conversation;
    service.observer = this;
  }
  void on_answer(int) override { ++answers; }
  void on_refusal(const http_problem &why) override { refusals.push_back(why.status); }

  /// Feeds `bytes` with slack behind them, as one read.
  void feed(std::string_view bytes) {
    std::string buffer{bytes};
    buffer.append(http_conversation::slack, 'S');
    conversation.receive(std::string_view{buffer}.substr(0, bytes.size()));
  }

  /// Everything an outsider can tell: what the handler was told and what was answered.
  std::string trace() const {
    return events.log + "----\n" + transport.out + (transport.closed ? "closed" : "open");
  }
};

// -- what is said ----

inline std::string post(std::string_view path, std::string_view body, std::string_view headers = {}) {
  return "POST " + std::string{path} + " HTTP/1.1\r\nHost: h\r\n" + std::string{headers} +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

inline std::string get(std::string_view path, std::string_view headers = {}) {
  return "GET " + std::string{path} + " HTTP/1.1\r\nHost: h\r\n" + std::string{headers} + "\r\n";
}

inline std::string chunked(std::string_view path, std::string_view chunks) {
  return "POST " + std::string{path} + " HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
         std::string{chunks};
}

inline std::string answer(std::string_view status, std::string_view body, std::string_view more = {}) {
  return "HTTP/1.1 " + std::string{status} +
         "\r\nDate: Sun, 09 Sep 2001 01:46:40 GMT\r\nContent-Type: text/plain\r\n" + std::string{more} +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

/// The first status line of what was answered.
inline int status_of(const http_rig &rig) {
  return rig.transport.out.size() < 12 ? 0 : std::stoi(rig.transport.out.substr(9, 3));
}

} // namespace stentor::net

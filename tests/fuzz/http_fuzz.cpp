// SPDX-License-Identifier: Apache-2.0
// Any bytes, cut anywhere, with a handler that pauses, streams and answers late: the conversation must mean
// the same as in one piece, and never read or write outside its buffers.
#include "net/http/http_conversation.hpp"
#include "net/http/http_router.hpp"
#include "net/http/ndjson.hpp"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

using namespace stentor;
using namespace stentor::net;

namespace {

struct quiet_transport final : http_transport {
  std::string out;
  bool closed = false;
  bool http_is_full() override { return false; }
  void http_write(std::string_view head, std::string_view body) override {
    if (closed)
      std::abort();
    out += head;
    out += body;
  }
  void http_read(bool) override {}
  void http_waits(http_wait) override {}
  void http_close() override { closed = true; }
  time_point http_now() override { return {}; }
};

struct handler final : http_events {
  http_conversation *conversation = nullptr;
  ndjson_splitter lines{64};
  std::string log;
  size_t appetite = SIZE_MAX;

  http_plan on_headers(const http_request &request) override {
    log += request.path();
    log += request.query();
    log += request.header("content-type");
    if (request.method() == http_method::delete_)
      return http_plan::refuse({405, "method", "no"});
    return request.method() == http_method::put ? http_plan::stream(512) : http_plan::whole(512);
  }
  void on_request(const http_request &request) override {
    log += request.body();
    conversation->respond(200, "text/plain", request.body());
  }
  size_t on_body(std::string_view piece) override {
    auto n = std::min(piece.size(), appetite);
    appetite -= n;
    lines.feed(piece.substr(0, n), [&](std::string_view line, bool too_long) {
      log += too_long ? "!" : line;
      log += '\n';
      return true;
    });
    return n;
  }
  void on_body_end(const http_problem *why) override {
    lines.finish([&](std::string_view line, bool) {
      log += line;
      return true;
    });
    if (why)
      return conversation->respond(*why);
    conversation->begin_stream(200, "text/plain");
    conversation->write_chunk(log);
    conversation->end_stream();
  }
  void on_http_end(bool) override {}
};

wall_ms frozen() {
  return 0;
}

std::string run(std::string_view bytes, size_t piece, bool pausing) {
  static const limits lim = [] {
    limits small;
    small.max_header_bytes = 512;
    return small;
  }();
  http_service service{lim, &frozen};
  quiet_transport transport;
  handler events;
  http_conversation conversation{events, transport, service};
  events.conversation = &conversation;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    auto n = std::min(piece, bytes.size() - at);
    // An allocation of its own a piece, so that a sanitizer sees every byte too far.
    auto copy = std::make_unique<char[]>(n + http_conversation::slack);
    bytes.copy(copy.get(), n, at);
    events.appetite = pausing ? at % 7 : SIZE_MAX;
    conversation.receive({copy.get(), n});
  }
  events.appetite = SIZE_MAX;
  conversation.resume();
  return events.log + "|" + transport.out + (transport.closed ? "." : "");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view bytes{reinterpret_cast<const char *>(data), size};
  auto whole = run(bytes, SIZE_MAX / 2, false);
  for (size_t piece : {1, 3, 17})
    if (run(bytes, piece, piece == 3) != whole)
      std::abort();
  http_router router;
  router.add(http_method::get, "/a/{b}/c", 1);
  router.add(http_method::post, "/{a}/*", 2);
  router.match(http_method::get, bytes);
  return 0;
}

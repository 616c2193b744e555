// SPDX-License-Identifier: Apache-2.0
// Any bytes, cut anywhere, with a handler that pauses, streams and answers late: the conversation must mean
// the same as in one piece, and never read or write outside its buffers. And any bytes as the head of a
// device's upgrade: what is taken passes a second, plain reading of its lines, and the API's listener reads
// the same head.
#include "net/http/http_conversation.hpp"
#include "net/http/http_parser.hpp"
#include "net/http/http_router.hpp"
#include "net/http/ndjson.hpp"
#include "net/http/query.hpp"
#include "net/websocket/upgrade.hpp"

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

void check(bool good) {
  if (!good)
    std::abort();
}

/// What a proxy that only cuts lines would see of a head: its headers of the name.
std::string values_of(std::string_view head, std::string_view lower_name, size_t &count) {
  std::string values;
  count = 0;
  head.remove_prefix(head.find("\r\n") + 2);
  while (!head.starts_with("\r\n")) {
    auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size() + 2);
    check(line.find('\n') == line.npos && line.find('\0') == line.npos);
    check(!line.starts_with(' ') && !line.starts_with('\t'));
    auto colon = line.find(':');
    check(colon != line.npos && colon > 0 && line[colon - 1] != ' ' && line[colon - 1] != '\t');
    if (!equals_lower(line.substr(0, colon), lower_name))
      continue;
    ++count;
    values = line.substr(colon + 1);
  }
  return values;
}

void fuzz_upgrade(std::string_view bytes) {
  auto end = bytes.find("\r\n\r\n");
  auto text = end == bytes.npos ? std::string{bytes} + "\r\n\r\n" : std::string{bytes.substr(0, end + 4)};
  auto copy = std::make_unique<char[]>(text.size()); // so that a sanitizer sees every byte too far
  text.copy(copy.get(), text.size());
  std::string_view head{copy.get(), text.size()};
  upgrade_head upgrade;
  auto answer = upgrade.parse(head);
  http_head api;
  auto why = parse_http_head(head, api);
  if (answer.status != 101) {
    check(refusal(answer).starts_with("HTTP/1.1 " + std::to_string(answer.status)));
    check(!why || answer.status == (why->status == 431 ? 431 : 400));
    return;
  }
  check(why == nullptr && !api.has_body());
  size_t count = 0;
  for (auto name : {"host", "sec-websocket-key", "sec-websocket-version"}) {
    values_of(head, name, count);
    check(count == 1);
  }
  for (auto name : {"origin", "authorization", "content-length", "expect"}) {
    values_of(head, name, count);
    check(count <= 1);
  }
  values_of(head, "transfer-encoding", count);
  check(count == 0);
  auto key = values_of(head, "sec-websocket-key", count);
  auto first = key.find_first_not_of(" \t");
  key = key.substr(first, key.find_last_not_of(" \t") + 1 - first);
  check(upgrade.accept(format::json).find("Sec-WebSocket-Accept: " + upgrade_accept(key) + "\r\n") !=
        std::string::npos);
  check(upgrade.request().path.starts_with('/'));
  check(upgrade.request().path == api.path.in(head.data()));
  (void)query_value(upgrade.request().query, "token");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view bytes{reinterpret_cast<const char *>(data), size};
  auto whole = run(bytes, SIZE_MAX / 2, false);
  for (size_t piece : {1, 3, 17})
    if (run(bytes, piece, piece == 3) != whole)
      std::abort();
  fuzz_upgrade(bytes);
  http_router router;
  router.add(http_method::get, "/a/{b}/c", 1);
  router.add(http_method::post, "/{a}/*", 2);
  router.match(http_method::get, bytes);
  return 0;
}

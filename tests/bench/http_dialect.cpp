// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/http_dialect.hpp"

#include "net/client/response_reader.hpp"

#include <utility>

namespace stentor::bench {

namespace {

constexpr size_t max_header_bytes = 16 * 1024;
constexpr size_t max_body_bytes = 16 * 1024 * 1024;

} // namespace

size_t read_response(std::string_view bytes, int &status, std::string &body) {
  using net::client::response_reader;
  // From the start each time: an answer of one push comes in one piece, and one of a batch in a few.
  response_reader reader{max_header_bytes, max_body_bytes};
  switch (reader.feed(bytes)) {
  case response_reader::progress::more:
    return 0;
  case response_reader::progress::failed:
    status = -1;
    return bytes.size();
  case response_reader::progress::done:
    break;
  }
  auto response = reader.take();
  status = response.status;
  body = std::move(response.body);
  return bytes.size() - reader.take_rest().size();
}

size_t http_dialect::consume(fleet &f, connection &c, std::string_view bytes) {
  int status = 0;
  std::string body;
  size_t taken = 0;
  while (taken < bytes.size()) {
    auto size = read_response(bytes.substr(taken), status, body);
    if (size == 0)
      break;
    taken += size;
    f.events().on_response(c, status, body);
    if (c.fd < 0)
      break;
  }
  return taken;
}

void http_dialect::append_message(std::string &out, const payload_fields &fields) {
  char payload[payload_bytes];
  write_payload(payload, fields);
  std::string_view data{payload, sizeof payload};
  if (batch_) {
    body_.append("{\"to\":\"").append(names_.device_name(fields.target)).append("\",\"data\":\"");
    body_.append(data).append("\"}\n");
    return;
  }
  out.append("POST /v1/devices/").append(names_.device_name(fields.target)).append("/messages HTTP/1.1\r\n");
  if (encoding_ == format::json)
    body_.append(1, '"').append(data).append(1, '"');
  else
    body_.append({'\xd9', static_cast<char>(payload_bytes)}).append(data); // str 8
}

void http_dialect::end_request(std::string &out) {
  if (batch_)
    out += "POST /v1/messages HTTP/1.1\r\n";
  out += "Host: localhost\r\nContent-Type: ";
  out += batch_                      ? "application/x-ndjson"
         : encoding_ == format::json ? "application/json"
                                     : "application/msgpack";
  out += "\r\nContent-Length: " + std::to_string(body_.size()) + "\r\n\r\n";
  out += body_;
  body_.clear();
}

} // namespace stentor::bench

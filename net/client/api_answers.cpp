// SPDX-License-Identifier: Apache-2.0
#include "net/client/api_answers.hpp"

#include "cluster/errc.hpp"
#include "net/client/command_text.hpp"

#include <ostream>

namespace stentor::net::client {

std::string text_at(const json &x, const char *name) {
  if (!x.is_object() || !x.contains(name) || x[name].is_structured())
    return {};
  auto &value = x[name];
  return value.is_string() ? printable(value.get<std::string>()) : value.dump();
}

json parsed(std::string_view text) {
  return json::parse(text.begin(), text.end(), nullptr, false);
}

const json &list_at(const json &x, const char *name) {
  static const json empty = json::array();
  return x.is_object() && x.contains(name) && x[name].is_array() ? x[name] : empty;
}

answered ask(console &io, const api_options &api, http_request request) {
  auto fail = [&io](exit_code code, const caf::error &why) {
    io.err << "stentorctl: " << printable(render(why)) << '\n';
    return answered{{}, code};
  };
  auto url = parse_url(api.url, "http", 7401);
  if (!url)
    return fail(exit_code::usage, url.error());
  auto at = resolve(url->host, url->port);
  if (!at)
    return fail(exit_code::cannot_connect, at.error());
  http_options options;
  options.at = *at;
  options.host = url->authority();
  options.api_key = api.key;
  options.timeout = api.timeout;
  auto http = blocking_http::make(options);
  if (!http)
    return fail(exit_code::cannot_connect, http.error());
  auto response = (*http)->request(request);
  if (response)
    return {std::move(*response), exit_code::good};
  auto &why = response.error();
  if (why == errc::config)
    return fail(exit_code::usage, why);
  return fail(why == errc::unavailable ? exit_code::cannot_connect : exit_code::unknown, why);
}

exit_code refusal(console &io, const http_response &x) {
  auto body = parsed(x.body);
  auto text =
      body.is_object() && body.contains("error") ? text_at(body["error"], "message") : printable(x.body);
  io.err << "stentorctl: status " << x.status << (text.empty() ? "" : ": ") << text << '\n';
  // 503 refuses before anything was taken; other failures of a server may come after it.
  return x.status < 500 || x.status == 503 ? exit_code::not_delivered : exit_code::unknown;
}

void print_json(console &io, const http_response &x) {
  io.out << printable(x.body) << '\n';
}

} // namespace stentor::net::client

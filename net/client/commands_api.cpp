// SPDX-License-Identifier: Apache-2.0
#include "net/client/api_answers.hpp"
#include "net/client/command_text.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>

namespace stentor::net::client {

namespace {

std::string describe_outcome(const json &x) {
  auto text = text_at(x, "verdict");
  if (auto at = text_at(x, "at"); !at.empty())
    text += " at " + at;
  if (auto first = text_at(x, "first"); !first.empty())
    text += ", the first was " + first;
  if (x.contains("via"))
    text += " via " + text_at(x["via"], "node");
  if (x.contains("us"))
    text += " (" + text_at(x["us"], "total") + " us)";
  if (auto detail = text_at(x, "detail"); !detail.empty())
    text += ": " + detail;
  return text;
}

/// Prints one verdict, `x` read from `text`, and tells its exit code.
exit_code tell_outcome(console &io, std::string_view text, const json &x, const std::string &name) {
  auto word = text_at(x, "verdict");
  if (io.json)
    io.out << printable(text) << '\n';
  else
    io.out << name << ": " << (word == "null" ? "accepted" : describe_outcome(x)) << '\n';
  if (word == "null")
    return exit_code::good;
  auto v = verdict_from(word);
  return v ? exit_code_of(*v) : exit_code::unknown;
}

/// Worse first: unknown, not delivered, good.
exit_code worse(exit_code a, exit_code b) {
  return std::max(a, b);
}

exit_code tell_lines(console &io, const std::string &body) {
  auto result = exit_code::good;
  size_t lines = 0;
  for (size_t from = 0; from < body.size();) {
    auto end = std::min(body.find('\n', from), body.size());
    auto line = std::string_view{body}.substr(from, end - from);
    from = end + 1;
    if (line.empty())
      continue;
    ++lines;
    auto x = parsed(line);
    result =
        worse(result, x.is_object() ? tell_outcome(io, line, x, text_at(x, "device")) : exit_code::unknown);
  }
  return lines > 0 ? result : exit_code::unknown;
}

void print_record(console &io, const json &x) {
  io.out << text_at(x, "device") << ": connected to " << text_at(x, "node") << ", account "
         << text_at(x, "account") << ", epoch " << text_at(x, "epoch") << '\n';
}
} // namespace

exit_code run_push(console &io, const api_options &api, const message_options &what) {
  if (!want_from(what.want)) {
    io.err << "stentorctl push: --want must be written, acked, errors or none\n";
    return exit_code::usage;
  }
  http_request request{"POST", what.to_account ? "/v1/accounts/" : "/v1/devices/", {}, {}};
  request.target += percent_encode(what.to) + "/messages?want=" + what.want;
  if (what.ttl_ms)
    request.target += "&ttl_ms=" + std::to_string(*what.ttl_ms);
  if (what.timeout_ms)
    request.target += "&timeout_ms=" + std::to_string(*what.timeout_ms);
  request.headers.emplace_back("Content-Type", "application/json");
  if (!what.key.empty())
    request.headers.emplace_back("Idempotency-Key", what.key);
  request.body = payload_of(what.data, what.is_text);
  auto [answer, failure] = ask(io, api, std::move(request));
  if (failure != exit_code::good)
    return failure;
  if (what.to_account && answer.status == 200)
    return tell_lines(io, answer.body);
  auto x = parsed(answer.body);
  if (!x.is_object() || !x.contains("verdict"))
    return refusal(io, answer);
  return tell_outcome(io, answer.body, x, what.to);
}

exit_code run_devices(console &io, const api_options &api, const std::string &account) {
  auto [answer, failure] =
      ask(io, api, {"GET", "/v1/accounts/" + percent_encode(account) + "/devices", {}, {}});
  if (failure != exit_code::good)
    return failure;
  if (answer.status != 200)
    return refusal(io, answer);
  if (io.json) {
    print_json(io, answer);
    return exit_code::good;
  }
  auto body = parsed(answer.body);
  auto &list = list_at(body, "devices");
  for (auto &x : list)
    print_record(io, x);
  if (list.empty())
    io.out << "no device of " << printable(account) << " is connected\n";
  return exit_code::good;
}

exit_code run_actors(console &io, const api_options &api, uint32_t top) {
  auto [answer, failure] = ask(io, api, {"GET", "/v1/admin/actors?top=" + std::to_string(top), {}, {}});
  if (failure != exit_code::good)
    return failure;
  if (answer.status != 200)
    return refusal(io, answer);
  if (io.json) {
    print_json(io, answer);
    return exit_code::good;
  }
  auto line = [&io](const std::string(&x)[7]) {
    io.out << std::left << std::setw(12) << x[0] << ' ' << std::setw(28) << x[1] << std::right << std::setw(5)
           << x[2] << std::setw(12) << x[3] << std::setw(8) << x[4] << std::setw(8) << x[5] << std::setw(10)
           << x[6] << '\n';
  };
  line({"actor", "of", "loop", "handled", "queued", "peak", "idle ms"});
  auto body = parsed(answer.body);
  for (auto &x : list_at(body, "actors"))
    line({text_at(x, "name"), text_at(x, "subject"), text_at(x, "loop"), text_at(x, "handled"),
          text_at(x, "queued"), text_at(x, "peak"), text_at(x, "idle_ms")});
  return exit_code::good;
}

exit_code run_health(console &io, const api_options &api) {
  auto [alive, failure] = ask(io, api, {"GET", "/healthz", {}, {}});
  if (failure != exit_code::good)
    return failure;
  auto [ready, late_failure] = ask(io, api, {"GET", "/readyz", {}, {}});
  if (late_failure != exit_code::good)
    return late_failure;
  auto is_alive = alive.status == 200, is_ready = ready.status == 200;
  if (io.json)
    io.out << json{{"alive", is_alive}, {"ready", is_ready}}.dump() << '\n';
  else
    io.out << (is_alive ? "alive" : "not alive") << ", "
           << (is_ready ? "ready" : "not ready: " + printable(ready.body)) << '\n';
  return is_alive && is_ready ? exit_code::good : exit_code::not_delivered;
}

} // namespace stentor::net::client

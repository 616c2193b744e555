// SPDX-License-Identifier: Apache-2.0
// stentorctl's commands for the operator of a cluster.
#include "net/client/api_answers.hpp"
#include "net/client/command_text.hpp"

#include <iomanip>
#include <ostream>

namespace stentor::net::client {

namespace {

/// "2.5 s" of a member in milliseconds.
std::string seconds_at(const json &x, const char *name) {
  if (!x.is_object() || !x.contains(name) || !x[name].is_number())
    return "?";
  auto tenths = static_cast<int64_t>(x[name].get<double>() / 100);
  return std::to_string(tenths / 10) + (tenths % 10 ? "." + std::to_string(std::abs(tenths % 10)) : "") +
         " s";
}

bool is_true(const json &x, const char *name) {
  return x.is_object() && x.contains(name) && x[name].is_boolean() && x[name].get<bool>();
}

std::string or_dash(std::string text) {
  return text.empty() ? "-" : text;
}

/// A GET whose answer is 200; the failure is told.
std::optional<http_response> page(console &io, const api_options &api, const std::string &target,
                                  exit_code &code) {
  auto [answer, failure] = ask(io, api, {"GET", target, {}, {}});
  code = failure;
  if (failure != exit_code::good)
    return std::nullopt;
  if (answer.status != 200) {
    code = refusal(io, answer);
    return std::nullopt;
  }
  if (io.json)
    print_json(io, answer);
  return std::move(answer);
}

} // namespace

// -- nodes and slots ----

exit_code run_nodes(console &io, const api_options &api) {
  exit_code code;
  auto answer = page(io, api, "/v1/admin/nodes", code);
  if (!answer || io.json)
    return code;
  auto x = parsed(answer->body);
  auto line = [&io](const std::string(&cells)[8]) {
    io.out << std::left << std::setw(16) << cells[0] << ' ' << std::setw(9) << cells[1] << std::right
           << std::setw(9) << cells[2] << std::setw(7) << cells[3] << std::setw(7) << cells[4]
           << std::setw(12) << cells[5] << std::setw(7) << cells[6] << std::setw(9) << cells[7] << '\n';
  };
  line({"node", "state", "lease", "link", "epoch", "round trip", "slots", "devices"});
  for (auto &node : list_at(x, "nodes")) {
    auto us = text_at(node, "round_trip_us");
    line({text_at(node, "node"), text_at(node, "state"), seconds_at(node, "lease_left_ms"),
          text_at(node, "link"), or_dash(text_at(node, "link_epoch")), us.empty() ? "-" : us + " us",
          text_at(node, "slots"), is_true(node, "answered") ? text_at(node, "connections") : "silent"});
  }
  io.out << "as " << text_at(x, "node") << " sees it";
  if (!is_true(x, "ready"))
    io.out << "; not ready: " << text_at(x, "why");
  if (is_true(x, "outage"))
    io.out << "; the directory is unreachable";
  if (is_true(x, "fenced"))
    io.out << "; fenced: it has no lease";
  io.out << '\n';
  return exit_code::good;
}

exit_code run_slots(console &io, const api_options &api, const slots_options &what) {
  std::string target = "/v1/admin/slots";
  if (what.number)
    target += "?slot=" + std::to_string(*what.number);
  else if (!what.device.empty())
    target += "?device=" + percent_encode(what.device);
  else if (!what.without.empty())
    target += "?without=" + percent_encode(what.without);
  exit_code code;
  auto answer = page(io, api, target, code);
  if (!answer || io.json)
    return code;
  auto x = parsed(answer->body);
  if (auto slot = text_at(x, "slot"); !slot.empty()) {
    io.out << "slot " << slot << ": " << or_dash(text_at(x, "node")) << '\n';
    return exit_code::good;
  }
  auto gains = x.is_object() && x.contains("moves");
  if (gains)
    io.out << "without " << text_at(x, "without") << " " << text_at(x, "moves") << " of 4096 slots move\n";
  for (auto &owner : list_at(x, gains ? "to" : "owners"))
    io.out << std::left << std::setw(16) << text_at(owner, "node") << ' ' << std::right << std::setw(5)
           << text_at(owner, "slots") << (is_true(owner, "self") ? "  (asked)" : "") << '\n';
  return exit_code::good;
}

// -- a device ----

exit_code run_device(console &io, const api_options &api, const std::string &device) {
  exit_code code;
  auto answer = page(io, api, "/v1/admin/devices/" + percent_encode(device), code);
  if (!answer)
    return code;
  auto x = parsed(answer->body);
  auto word = text_at(x, "word");
  auto result = word == "match"    ? exit_code::good
                : word == "absent" ? exit_code::not_delivered
                                   : exit_code::unknown;
  if (io.json)
    return result;
  io.out << printable(device) << ": ";
  if (x.is_object() && x.contains("record"))
    io.out << word << (word == "match" ? ", connected to " : ", the record names ")
           << text_at(x["record"], "node") << ", account " << text_at(x["record"], "account") << ", epoch "
           << text_at(x["record"], "epoch") << '\n';
  else if (word == "absent")
    io.out << "not connected\n";
  else
    io.out << or_dash(word) << ", no record"
           << (text_at(x, "directory") == "silent" ? ": no answer from the directory" : "") << '\n';
  for (auto &one : list_at(x, "sessions"))
    io.out << "  session " << text_at(one, "session") << " on " << text_at(one, "node") << ": "
           << text_at(one, "state") << ", epoch " << text_at(one, "epoch") << ", since "
           << seconds_at(one, "age_ms") << ", heard " << seconds_at(one, "heard_ms") << " ago, "
           << text_at(one, "unsent") << " unsent, " << text_at(one, "unacked") << " unacked, "
           << text_at(one, "owed") << " owed\n";
  for (auto &node : list_at(x, "silent"))
    if (node.is_string())
      io.out << "  no answer from " << printable(node.get<std::string>()) << '\n';
  return result;
}

// -- drain ----

exit_code run_drain(console &io, const api_options &api, const std::string &node, const std::string &over) {
  auto target = "/v1/admin/drain?node=" + percent_encode(node);
  if (!over.empty())
    target += "&over=" + percent_encode(over);
  auto [answer, failure] = ask(io, api, {"POST", target, {}, {}});
  if (failure != exit_code::good)
    return failure;
  if (answer.status != 202)
    return refusal(io, answer);
  if (io.json)
    print_json(io, answer);
  else
    io.out << printable(node) << ": draining; it will stop by itself\n";
  return exit_code::good;
}

} // namespace stentor::net::client

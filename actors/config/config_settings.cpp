// SPDX-License-Identifier: Apache-2.0
#include "actors/config/config_settings.hpp"

#include "actors/config/config_values.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <thread>
#include <utility>

namespace stentor {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr uint64_t KiB = 1024, MiB = 1024 * KiB, GiB = 1024 * MiB;

// -- one maker a type of value ----

setting duration(const char *name, const char *section, milliseconds limits::*member, milliseconds least,
                 milliseconds most, const char *help) {
  return {name,
          section,
          to_text(least) + " to " + to_text(most),
          help,
          [=](config &c, std::string_view text) -> refusal {
            auto x = duration_from(text);
            if (!x || *x < least || *x > most)
              return "a duration from " + to_text(least) + " to " + to_text(most) +
                     ", such as 500ms, 8s or 30m";
            c.lim.*member = *x;
            return {};
          },
          [=](const config &c) { return in_quotes(to_text(c.lim.*member)); }};
}

template <class T>
setting bytes(const char *name, const char *section, T limits::*member, uint64_t least, uint64_t most,
              const char *help) {
  return {name,
          section,
          size_text(least) + " to " + size_text(most),
          help,
          [=](config &c, std::string_view text) -> refusal {
            auto x = size_from(text);
            if (!x || *x < least || *x > most)
              return "a size from " + size_text(least) + " to " + size_text(most) +
                     ", such as 65536, 64KiB or 1MiB";
            c.lim.*member = static_cast<T>(*x);
            return {};
          },
          [=](const config &c) { return in_quotes(size_text(static_cast<uint64_t>(c.lim.*member))); }};
}

setting count(const char *name, const char *section, size_t limits::*member, uint64_t least, uint64_t most,
              const char *help) {
  return {name,
          section,
          std::to_string(least) + " to " + std::to_string(most),
          help,
          [=](config &c, std::string_view text) -> refusal {
            auto x = count_from(text);
            if (!x || *x < least || *x > most)
              return "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
            c.lim.*member = *x;
            return {};
          },
          [=](const config &c) { return std::to_string(c.lim.*member); }};
}

setting rate(const char *name, const char *section, double limits::*member, double least, double most,
             const char *help) {
  return {name,
          section,
          to_text(least) + " to " + to_text(most),
          help,
          [=](config &c, std::string_view text) -> refusal {
            auto x = number_from(text);
            if (!x || *x < least || *x > most)
              return "a number from " + to_text(least) + " to " + to_text(most);
            c.lim.*member = *x;
            return {};
          },
          [=](const config &c) { return to_text(c.lim.*member); }};
}

template <class E>
setting choice(const char *name, const char *section, E config::*member,
               std::vector<std::pair<std::string, E>> words, const char *help) {
  auto allowed = std::accumulate(std::next(words.begin()), words.end(), words.front().first,
                                 [](auto text, auto &word) { return text + ", " + word.first; });
  return {name,
          section,
          allowed,
          help,
          [=](config &c, std::string_view text) -> refusal {
            auto match =
                std::ranges::find(words, text, [](auto &word) { return std::string_view{word.first}; });
            if (match == words.end())
              return "one of: " + allowed;
            c.*member = match->second;
            return {};
          },
          [=](const config &c) {
            auto match = std::ranges::find(words, c.*member, [](auto &word) { return word.second; });
            return in_quotes(match->first);
          }};
}

setting address(const char *name, net::socket_address config::*member, const char *help) {
  const auto *allowed =
      "a numeric address and port, such as 127.0.0.1:7400 or [::1]:7400; port 0 takes a free one";
  return {name,
          "Node",
          allowed,
          help,
          [=](config &c, std::string_view text) -> refusal {
            auto x = net::parse_address(text);
            if (!x)
              return allowed;
            c.*member = *x;
            return {};
          },
          [=](const config &c) { return in_quotes(net::to_string(c.*member)); }};
}

// -- settings of their own kind ----

setting node_name() {
  setting s{"node-id",
            "Node",
            "1 to 128 bytes of A-Z a-z 0-9 . _ : @ -",
            "This node's name in the cluster, in logs and in verdicts.",
            [](config &c, std::string_view text) -> refusal {
              auto x = node_id::make(text);
              if (!x)
                return "1 to 128 bytes of A-Z a-z 0-9 . _ : @ -";
              c.node = *x;
              return {};
            },
            [](const config &c) { return in_quotes(c.node.str()); }};
  s.default_text = "the host's name";
  return s;
}

setting loops() {
  setting s{"loops",
            "Node",
            "1 to 256",
            "Number of event loops; each has its own thread.",
            [](config &c, std::string_view text) -> refusal {
              auto x = count_from(text);
              if (!x || *x < 1 || *x > 256)
                return "a whole number from 1 to 256";
              c.loops = *x;
              return {};
            },
            [](const config &c) { return std::to_string(c.loops); }};
  s.default_text = "one per core";
  return s;
}

// -- the table ----

std::vector<setting> build_table() {
  using l = limits;
  constexpr auto conn = "Connections", ses = "Sessions", msg = "Messages", loop = "Loops", http = "HTTP";
  using lvl = log::level;
  return {
      node_name(),
      address("device-listen", &config::device_listen, "The address that devices connect to."),
      address("api-listen", &config::api_listen, "The address that back ends and administrators connect to."),
      directory_place(),
      loops(),
      choice("log-level", "Node", &config::log_level,
             {{"debug", lvl::debug}, {"info", lvl::info}, {"warn", lvl::warn}, {"error", lvl::error}},
             "The lowest level that is logged."),
      choice("log-format", "Node", &config::log_format,
             {{"text", log::format::text}, {"json", log::format::json}}, "The format of log lines."),
      dev_auth(),
      api_key(),
      token_key(),
      allow_origin(),

      cluster_name(),
      peer_listen(),
      peer_advertise(),
      peer_ca(),
      peer_cert(),
      peer_key(),
      insecure_peers(),
      duration("drain-over", "Cluster", &l::drain_over, 0ms, hours{1},
               "A drain asks its devices to leave over this period, or a longer one if the other nodes could "
               "not take them that fast."),

      duration("auth-timeout", conn, &l::auth_timeout, 100ms, 5min,
               "A socket that has not authenticated is closed after this time."),
      duration("ping-interval", conn, &l::ping_interval, 1s, hours{1},
               "How often a silent device is pinged."),
      duration("ping-timeout", conn, &l::ping_timeout, 100ms, 10min,
               "A device that sends nothing for this long after a ping is considered dead."),
      duration("session-lifetime", conn, &l::session_lifetime, 1s, hours{24 * 7},
               "A device is asked to reconnect after this time, which spreads devices over new nodes."),
      duration("session-dither", conn, &l::session_dither, 0ms, hours{24},
               "A random time up to this is subtracted from the lifetime, so that devices do not all leave "
               "at once."),
      duration("goaway-grace", conn, &l::goaway_grace, 0ms, 5min,
               "Time between `goaway` and the node's close; the client should close first."),
      duration("close-linger", conn, &l::close_linger, 0ms, 1min,
               "How long the node reads and discards after its close frame, so that nothing it sent is lost "
               "to a reset."),
      duration("stall-timeout", conn, &l::stall_timeout, 100ms, 10min,
               "A device whose unsent bytes have reached their limit is closed if it takes none of them for "
               "this long."),
      duration("token-warning", conn, &l::token_warning, 0ms, hours{1},
               "`goaway` with reason `token` is sent this long before a token expires."),
      duration("token-grace", conn, &l::token_grace, 0ms, hours{1},
               "A device is closed this long after its token has expired."),
      bytes("max-frame-bytes", conn, &l::max_frame_bytes, 1 * KiB, 16 * MiB,
            "Maximum size of a message from a device, after reassembly."),
      bytes("max-handshake-bytes", conn, &l::max_handshake_bytes, 1 * KiB, 64 * KiB,
            "Maximum size of the request line and headers of a device's handshake."),
      bytes("max-cork-bytes", conn, &l::max_cork_bytes, 64 * KiB, 64 * MiB,
            "Maximum unsent bytes per device; above it messages get `congested`."),
      count("max-cork-messages", conn, &l::max_cork_messages, 16, 65536,
            "Maximum unsent messages per device; above it messages get `congested`."),
      bytes("send-buffer-bytes", conn, &l::send_buffer_bytes, 4 * KiB, 16 * MiB,
            "The kernel's send buffer per device; small, so that the node notices a slow device early."),
      duration("tcp-user-timeout", conn, &l::tcp_user_timeout, 1s, 10min,
               "The kernel drops the connection of a device that acknowledges nothing for this long."),

      duration("resume-window", ses, &l::resume_window, 0ms, hours{1},
               "How long a session outlives its connection and can be resumed."),
      duration("hand-over-timeout", ses, &l::hand_over_timeout, 10ms, 30s,
               "How long a resuming device waits for its old session's state."),
      rate("message-rate", ses, &l::message_rate, 0, 1e6,
           "Messages per second that a device may send; 0 for no limit."),
      rate("message-burst", ses, &l::message_burst, 1, 1e6, "Messages that a device may send in one burst."),
      count("max-unacked-messages", ses, &l::max_unacked_messages, 1, 65536,
            "Maximum messages that a device may leave unacknowledged; above it messages get `congested`."),
      bytes("max-unacked-bytes", ses, &l::max_unacked_bytes, 1 * KiB, 16 * MiB, "The same in bytes."),
      count("idempotency-keys", ses, &l::idempotency_keys, 1, 4096,
            "Idempotency keys remembered per device."),
      duration("idempotency-window", ses, &l::idempotency_window, 1s, hours{24},
               "How long an idempotency key is remembered."),
      count("max-watchers", ses, &l::max_watchers, 1, 4096, "Sessions that may watch one account."),

      duration("default-timeout", msg, &l::default_timeout, 10ms, 50s,
               "A message without a timeout of its own gets `unreachable` after this time."),
      duration("max-timeout", msg, &l::max_timeout, 10ms, 50s,
               "The longest timeout that a sender may request."),
      count("max-flow-messages", msg, &l::max_flow_messages, 1, 65536,
            "Maximum messages to one device that wait for its route; above it messages get `congested`."),
      bytes("max-flow-bytes", msg, &l::max_flow_bytes, 1 * KiB, 64 * MiB, "The same in bytes."),
      count("route-cache", msg, &l::route_cache, 16, 16'777'216, "Routes that a loop remembers."),
      count("max-pending-verdicts", msg, &l::max_pending_verdicts, 16, 16'777'216,
            "Maximum messages per loop that wait for their verdict; above it messages get `congested`."),

      bytes("inbox-bytes", loop, &l::inbox_bytes, 64 * KiB, 1 * GiB,
            "Maximum bytes in flight from one loop to another; above it messages get `congested`."),
      count("inbox-messages", loop, &l::inbox_messages, 16, 16'777'216, "The same in messages."),
      count("accepts-per-turn", loop, &l::accepts_per_turn, 1, 4096,
            "Connections that a loop accepts before it serves the others again."),
      count("accept-rate", loop, &l::accept_rate, 1, 1'000'000,
            "Connections per second that a node accepts; above it, 503 with `Retry-After`."),

      bytes("max-header-bytes", http, &l::max_header_bytes, 1 * KiB, 64 * KiB,
            "Maximum size of the request line and headers."),
      bytes("max-body-bytes", http, &l::max_body_bytes, 1, 16 * MiB, "Maximum size of one payload."),
      bytes("max-batch-bytes", http, &l::max_batch_bytes, 1 * KiB, 1 * GiB,
            "Maximum size of one NDJSON batch."),
      count("max-batch-lines", http, &l::max_batch_lines, 1, 10'000'000, "Maximum lines of one batch."),
      count("max-batch-in-flight", http, &l::max_batch_in_flight, 1, 65536,
            "Maximum lines of one batch without a verdict; above it the batch is not read any further."),
      duration("http-header-timeout", http, &l::http_header_timeout, 100ms, 5min,
               "Time from a request's first byte to the end of its headers."),
      duration("http-body-timeout", http, &l::http_body_timeout, 100ms, hours{1},
               "Time for a request's body."),
      duration("http-idle-timeout", http, &l::http_idle_timeout, 100ms, hours{1},
               "A connection without a request is closed after this time."),
      count("max-http-connections", http, &l::max_http_connections, 1, 1'000'000,
            "Maximum connections per loop."),
      bytes(
          "max-unsent-answers", http, &l::max_unsent_answers, 16 * KiB, 64 * MiB,
          "Maximum unsent bytes of responses per back-end connection; above it no further request is read."),
      bytes("least-answers-taken", http, &l::least_answers_taken, 1, 16 * MiB,
            "A back end that takes less of its responses within `http-body-timeout`, and not all, is "
            "disconnected."),
  };
}

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j)
      diagonal = std::exchange(row[j + 1],
                               std::min({row[j] + 1, row[j + 1] + 1, diagonal + (a[i] != b[j] ? 1u : 0u)}));
  }
  return row.back();
}

} // namespace

std::span<const setting> all_settings() {
  static const auto table = build_table();
  return table;
}

const setting *find_setting(std::string_view name) {
  auto table = all_settings();
  auto match = std::ranges::find(table, name, [](auto &s) { return std::string_view{s.name}; });
  return match == table.end() ? nullptr : &*match;
}

std::string nearest_setting(std::string_view name) {
  // A third of the name wrong is a slip; more is another word. Hostile lengths are cut: this is quadratic.
  auto wrong = name.substr(0, 64);
  auto nearest =
      std::ranges::min_element(all_settings(), {}, [&](auto &s) { return distance(wrong, s.name); });
  return distance(wrong, nearest->name) <= std::max<size_t>(2, wrong.size() / 3) ? nearest->name
                                                                                 : std::string{};
}

config default_config() {
  config conf;
  conf.node = host_node_id();
  conf.device_listen = *net::parse_address("127.0.0.1:7400");
  conf.api_listen = *net::parse_address("127.0.0.1:7401");
  conf.cluster.peer_listen = *net::parse_address("127.0.0.1:7402");
  conf.loops = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 256);
  return conf;
}

} // namespace stentor

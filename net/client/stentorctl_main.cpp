// SPDX-License-Identifier: Apache-2.0
// stentorctl's command line: options and environment in, one of net/client/commands.hpp out.
#include "net/client/command_text.hpp"
#include "net/client/commands.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>

#include <unistd.h>

namespace {

using namespace stentor::net::client;

struct settings {
  bool json = false;
  api_options api;
  device_target device;
  std::string encoding = "json";
  message_options message;
  token_options token;
  std::string secret, key_file;
  std::string name;
  slots_options slots;
  std::string over;
  uint32_t top = 50;
};

void add_api(CLI::App &app, settings &x) {
  app.add_option("--api", x.api.url, "address of the back-end API")
      ->envname("STENTOR_API")
      ->capture_default_str();
  app.add_option("--api-key", x.api.key, "API key; not needed on a node with --dev-auth")
      ->envname("STENTOR_API_KEY");
}

void add_device(CLI::App &app, settings &x) {
  app.add_option("--url", x.device.url, "device address of the node")
      ->envname("STENTOR_DEVICE_URL")
      ->capture_default_str();
  app.add_option("--token", x.device.token, "device token (JWT)")->envname("STENTOR_TOKEN");
  app.add_option("--device", x.device.device, "device id, for a node with --dev-auth; needs no token");
  app.add_option("--account", x.device.account, "account of --device");
  app.add_option("--resume", x.device.resume, "`session` of an earlier welcome");
  app.add_option("--format", x.encoding, "encoding of frames")
      ->check(CLI::IsMember({"json", "msgpack"}))
      ->capture_default_str();
}

void add_message(CLI::App &app, settings &x) {
  auto &m = x.message;
  app.add_option("TO", m.to, "the device, or the account with --to-account")->required();
  app.add_option("DATA", m.data, "JSON, or any other text (sent as a JSON string); - reads standard input")
      ->required();
  app.add_flag("--text", m.is_text, "send DATA as a string even if it is JSON");
  app.add_flag("--to-account", m.to_account, "TO is an account: send to all of its connected devices");
  app.add_option("--want", m.want, "written, acked, errors or none")
      ->check(CLI::IsMember({"written", "acked", "errors", "none"}))
      ->capture_default_str();
  app.add_option("--ttl-ms", m.ttl_ms, "deliver within this time or not at all");
  app.add_option("--timeout-ms", m.timeout_ms, "return a verdict within this time; 5000 by default");
  app.add_option("--key", m.key, "idempotency key");
}

void add_token(CLI::App &app, settings &x) {
  auto &t = x.token;
  app.add_option("--device", t.device, "claim `sub`")->required();
  app.add_option("--account", t.account, "claim `acc`")->required();
  app.add_option("--alg", t.algorithm, "HS256, RS256 or ES256")
      ->check(CLI::IsMember({"HS256", "RS256", "ES256"}))
      ->capture_default_str();
  app.add_option("--secret", x.secret,
                 "HS256 secret, at least 32 bytes; visible to other users in the "
                 "process list, unlike STENTOR_SECRET and --key-file")
      ->envname("STENTOR_SECRET");
  app.add_option("--key-file", x.key_file,
                 "file with the secret or the PEM private key; takes precedence over the secret");
  app.add_option("--kid", t.kid, "name of the key");
  app.add_option("--ttl", t.lifetime_s, "lifetime in seconds")->capture_default_str();
  app.add_option("--targets", t.targets, "other accounts the device may send to, or *")->delimiter(',');
}

/// Nothing, and a line for the user, where the file cannot be read.
std::optional<std::string> key_material(const settings &x) {
  if (x.key_file.empty())
    return x.secret;
  std::ifstream file{x.key_file, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (!file.good() && !file.eof()) {
    std::cerr << "stentorctl: cannot read " << x.key_file << '\n';
    return std::nullopt;
  }
  if (x.token.algorithm == "HS256") // an editor's line end is not part of a secret
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
      text.pop_back();
  return text;
}

void read_standard_input(message_options &m) {
  if (m.data != "-")
    return;
  m.data.assign(std::istreambuf_iterator<char>{std::cin}, {});
  if (!m.data.empty() && m.data.back() == '\n')
    m.data.pop_back();
}

} // namespace

int main(int argc, char **argv) {
  settings x;
  std::function<exit_code(console &)> run;
  CLI::App app{"Talk to a Stentor node as a device, as a back end, or as its operator.", "stentorctl"};
  app.set_version_flag("--version", "stentorctl " STENTOR_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_flag("--json", x.json, "print JSON, one object per line");
  app.footer("Exit codes: 0 delivered or done, 1 certainly not delivered, 2 usage, 3 outcome unknown,\n"
             "4 cannot connect. Each command has examples: stentorctl send --help");

  auto connect = app.add_subcommand("connect", "act as a device: print frames, send what is typed");
  add_device(*connect, x);
  connect->footer("Lines: DEVICE TEXT... | {\"t\":...} | /devices | /watch | /unwatch | /ack ID | /quit\n\n"
                  "  stentorctl connect --device phone-1 --account alice\n"
                  "  echo 'phone-2 hello' | stentorctl connect --device phone-1 --account alice --json");
  connect->callback([&] { run = [&](console &io) { return run_connect(io, x.device, STDIN_FILENO); }; });

  auto send = app.add_subcommand("send", "send one message as a device and print its verdict");
  add_device(*send, x);
  add_message(*send, x);
  send->add_flag("--except-me", x.message.except_me, "with --to-account: not to this device");
  send->footer("  stentorctl send --device phone-1 --account alice phone-2 'hello'\n"
               "  stentorctl send --token \"$TOKEN\" --want acked phone-2 '{\"n\":1}'");
  send->callback([&] {
    run = [&](console &io) {
      read_standard_input(x.message);
      return run_send(io, x.device, x.message);
    };
  });

  auto push = app.add_subcommand("push", "push a message as a back end and print its verdict");
  add_api(*push, x);
  add_message(*push, x);
  push->footer("  stentorctl push phone-1 '{\"text\":\"hello\"}'\n"
               "  stentorctl push --want acked --key order-17 phone-1 'your order is on its way'\n"
               "  stentorctl push --to-account alice - < news.json");
  push->callback([&] {
    run = [&](console &io) {
      read_standard_input(x.message);
      return run_push(io, x.api, x.message);
    };
  });

  auto device =
      app.add_subcommand("device", "show where a device is connected, and whether the directory is right");
  add_api(*device, x);
  device->add_option("DEVICE", x.name)->required();
  device->footer("  stentorctl device phone-1 || echo offline");
  device->callback([&] { run = [&](console &io) { return run_device(io, x.api, x.name); }; });

  auto devices = app.add_subcommand("devices", "list the connected devices of an account");
  add_api(*devices, x);
  devices->add_option("ACCOUNT", x.name)->required();
  devices->footer("  stentorctl devices alice");
  devices->callback([&] { run = [&](console &io) { return run_devices(io, x.api, x.name); }; });

  auto actors = app.add_subcommand("actors", "show the busiest actors of a node");
  add_api(*actors, x);
  actors->add_option("--top", x.top, "how many")->capture_default_str();
  actors->footer("  stentorctl actors --top 10");
  actors->callback([&] { run = [&](console &io) { return run_actors(io, x.api, x.top); }; });

  auto nodes = app.add_subcommand("nodes", "show the nodes of the cluster, as one of them sees it");
  add_api(*nodes, x);
  nodes->footer("  stentorctl nodes\n"
                "  stentorctl nodes --json --api http://10.0.0.7:7401");
  nodes->callback([&] { run = [&](console &io) { return run_nodes(io, x.api); }; });

  auto slots = app.add_subcommand("slots", "show which node owns which slots, or what would move");
  add_api(*slots, x);
  auto which = slots->add_option_group("which", "at most one")->require_option(0, 1);
  which->add_option("--slot", x.slots.number, "the owner of one slot, 0 to 4095");
  which->add_option("--device", x.slots.device, "the slot of a device, and its owner");
  which->add_option("--without", x.slots.without, "what would move if this node left; only a preview");
  slots->footer("  stentorctl slots\n"
                "  stentorctl slots --device phone-1\n"
                "  stentorctl slots --without node-b");
  slots->callback([&] { run = [&](console &io) { return run_slots(io, x.api, x.slots); }; });

  auto node = app.add_subcommand("node", "act on a node");
  node->require_subcommand(1);
  auto drain = node->add_subcommand("drain", "ask a node to send its devices elsewhere and stop");
  add_api(*drain, x);
  drain->add_option("NODE", x.name, "id of the node; --api may be any node with a link to it")->required();
  drain->add_option("--over", x.over,
                    "spread the requests to devices over this time, such as 30s; as configured by default");
  drain->footer("  stentorctl node drain node-b --over 30s\n"
                "  while stentorctl nodes | grep -q '^node-b .*up'; do sleep 1; done");
  drain->callback([&] { run = [&](console &io) { return run_drain(io, x.api, x.name, x.over); }; });

  auto health = app.add_subcommand("health", "show whether a node is alive and ready");
  add_api(*health, x);
  health->footer("  until stentorctl health; do sleep 1; done");
  health->callback([&] { run = [&](console &io) { return run_health(io, x.api); }; });

  auto token = app.add_subcommand("token", "make a device token for development");
  add_token(*token, x);
  token->footer("  stentorctl token --secret \"$SECRET\" --device phone-1 --account alice\n"
                "  stentorctl token --alg ES256 --key-file ec.pem --kid k1 --device d --account a --ttl 600");
  token->callback([&] {
    run = [&](console &io) {
      auto material = key_material(x);
      if (!material)
        return exit_code::usage;
      x.token.material = std::move(*material);
      auto now = std::chrono::system_clock::now().time_since_epoch();
      return run_token(io, x.token, std::chrono::duration_cast<std::chrono::seconds>(now).count());
    };
  });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &e) { // CLI11 reports by exceptions, help included
    return app.exit(e) == 0 ? 0 : static_cast<int>(exit_code::usage);
  }
  x.device.encoding = x.encoding == "json" ? stentor::format::json : stentor::format::msgpack;
  console io{std::cout, std::cerr, x.json};
  auto result = run(io);
  std::cout.flush();
  return static_cast<int>(result);
}

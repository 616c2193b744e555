// SPDX-License-Identifier: Apache-2.0
// The parts of a session on their own: ports that write down what they are asked, and a turn to give a part.
// No loop, no socket, no actor.
#pragma once

#include "actors/core/ports.hpp"
#include "actors/delivery/ports.hpp"
#include "actors/delivery/session_table.hpp"
#include "actors/session/session_turn.hpp"
#include "actors/telemetry/metrics.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace stentor::actors::test {

/// A connection that keeps what it is sent.
class device_double final : public device_port {
public:
  std::vector<nlohmann::json> frames;
  std::vector<bool> waited_for; ///< of each of them
  std::string close_reason;
  size_t room = 1 << 20;
  size_t unstarted = 0; ///< what `drop_unstarted` says
  int stall_watches = 0;
  bool usable = true;

  bool send(std::string_view body, bool waits) override {
    if (!usable)
      return false;
    frames.push_back(nlohmann::json::parse(body));
    waited_for.push_back(waits);
    return true;
  }
  void close(net::close_code, const char *reason, std::string_view) override {
    close_reason = reason;
    usable = false;
  }
  void watch_stall() override { ++stall_watches; }
  bool has_room(size_t bytes) const noexcept override { return bytes <= room; }
  size_t drop_unstarted() override { return std::exchange(unstarted, 0); }
  bool is_usable() const noexcept override { return usable; }
};

class messages_double final : public message_port {
public:
  struct ended {
    message_id id;
    outcome result;
  };
  std::vector<ended> finished;
  std::vector<std::pair<message_id, stage>> notes;
  std::vector<std::pair<epoch, envelope_ptr>> sent_back;
  std::vector<envelope_ptr> submitted;
  std::vector<pending_verdict> opened;
  std::vector<std::pair<place, std::unique_ptr<items::hand_over>>> questions;
  std::set<incarnation> links;
  std::vector<std::string> moved_keys; ///< settled for the heir
  bool has_heir = false;
  uint64_t next_correlation = 7; ///< 0: too many are open

  void finish(envelope_ptr e, outcome result) override { finished.push_back({e->id, std::move(result)}); }
  void note(const envelope &e, stage reached) override { notes.emplace_back(e.id, reached); }
  void send_back(const session_ref &, epoch ep, envelope_ptr e) override {
    sent_back.emplace_back(ep, std::move(e));
  }
  bool settle_moved_key(const session_ref &, const envelope &e, verdict, epoch) override {
    if (has_heir)
      moved_keys.push_back(e.key);
    return has_heir;
  }
  message_id next_id() override { return {1, ++ids_}; }
  uint64_t open(pending_verdict entry) override {
    opened.push_back(std::move(entry));
    return next_correlation;
  }
  void submit(envelope_ptr e) override { submitted.push_back(std::move(e)); }
  void ask_for_state(const place &at, std::unique_ptr<items::hand_over> question) override {
    questions.emplace_back(at, std::move(question));
  }
  void moved(const session_ref &, const place &, const session_ref &) override { has_heir = true; }
  bool has_link(incarnation inc) const noexcept override { return links.contains(inc); }

  /// The verdicts, in the order they fell.
  std::vector<verdict> verdicts() const {
    std::vector<verdict> all;
    for (auto &x : finished)
      all.push_back(x.result.what);
    return all;
  }

private:
  uint64_t ids_ = 0;
};

class accounts_double final : public account_port {
public:
  struct job {
    envelope pattern;
    account_id account;
    device_id except;
  };
  std::vector<job> jobs;
  void submit(envelope pattern, const account_id &account, const device_id &except,
              const session_ref &) override {
    jobs.push_back({std::move(pattern), account, except});
  }
};

class directory_double final : public binder {
public:
  std::vector<storage::bind_request> binds;
  std::vector<std::pair<storage::unbind_request, caf::optional<route>>> given_back;
  std::vector<storage::unbind_request> given_back_unknown, unbound;
  std::vector<std::pair<route, epoch>> superseded;
  std::vector<std::string> calls; ///< everything else, in words
  bool has_room = true;

  bool bind(storage::bind_request what) override {
    binds.push_back(std::move(what));
    return has_room;
  }
  void give_back(storage::unbind_request what, const account_id &,
                 const caf::optional<route> &previous) override {
    given_back.emplace_back(std::move(what), previous);
  }
  void give_back_unknown(storage::unbind_request what) override {
    given_back_unknown.push_back(std::move(what));
  }
  void watch_for_record(const device_id &, const session_ref &) override {
    calls.emplace_back("watch_for_record");
  }
  void unbind(const session_ref &, storage::unbind_request what) override {
    unbound.push_back(std::move(what));
  }
  void supersede(const route &previous, const device_id &, epoch newer) override {
    superseded.emplace_back(previous, newer);
  }
  void lookup(const device_id &, lookup_handler) override {}
  void find_record(const device_id &, const session_ref &) override { calls.emplace_back("find_record"); }
  void list(const account_id &, list_handler, duration) override {}
  void list_for(const session_ref &, const account_id &, listing why) override {
    calls.emplace_back(why == listing::devices ? "list devices" : "list resync");
  }
  void watch(const account_id &, const session_ref &) override { calls.emplace_back("watch"); }
  void unwatch(const account_id &, const session_ref &) override { calls.emplace_back("unwatch"); }
  void resync_again(const session_ref &) override { calls.emplace_back("resync_again"); }
};

class admission_double final : public admission_port {
public:
  bool admit() override { return true; }
  uint32_t retry_after_s() override { return 1; }
};

/// One device, `tv` of `home`, at session (loop 0, cell 3) of incarnation 9 on a node with two loops.
struct session_parts : testing::Test {
  device_double device;
  messages_double messages;
  accounts_double accounts;
  directory_double directory;
  admission_double admission;
  session_table sessions{0};
  limits lim;
  loop_counters counters;
  std::string scratch;
  node_id node = node_id::trusted("n1");
  incarnation inc = 9;
  session_services services{.messages = messages,
                            .accounts = accounts,
                            .directory = directory,
                            .admission = admission,
                            .sessions = sessions,
                            .lim = lim,
                            .counters = counters,
                            .scratch = scratch,
                            .node = node,
                            .inc = inc,
                            .loops = 2};
  std::shared_ptr<const sender> me =
      std::make_shared<const sender>(sender{device_id::trusted("tv"), account_id::trusted("home"), nullptr});
  session_ref ref{0, 3, 11};
  time_point now{std::chrono::hours{1000}};

  session_turn turn(epoch ep = 5, bool live = true) { return {services, me, ref, ep, now, &device, live}; }

  /// A message for the device, arrived now.
  envelope_ptr message(uint64_t n, want wants = want::written, std::string data = "1") const {
    auto e = std::make_unique<envelope>();
    e->id = {2, n};
    e->to = me->device;
    e->from = std::make_shared<const sender>(
        sender{device_id::trusted("phone"), account_id::trusted("home"), nullptr});
    e->data = std::make_shared<const std::string>(std::move(data));
    e->wants = wants;
    e->accepted_at = e->arrived_at = now;
    e->deadline = now + std::chrono::seconds{5};
    e->expires = time_point::max();
    return e;
  }
  envelope_ptr keyed(uint64_t n, std::string key, uint64_t digest = 1) const {
    auto e = message(n);
    e->key = std::move(key);
    e->key_digest = digest;
    return e;
  }
  /// The frames of one type that the device got.
  std::vector<nlohmann::json> frames(const std::string &type) const {
    std::vector<nlohmann::json> found;
    for (auto &x : device.frames)
      if (x.at("t") == type)
        found.push_back(x);
    return found;
  }
};

} // namespace stentor::actors::test

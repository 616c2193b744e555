// SPDX-License-Identifier: Apache-2.0
// The back-end API of one loop: it owns the HTTP connections, decides which requests are authorized, and
// returns answers to the connections that wait for them. Owned by the loop's `api_actor` and confined to the
// loop; it knows no actors and no routes, only its `api_host`.
#pragma once

#include "actors/api/api_host.hpp"
#include "actors/api/tickets.hpp"
#include "actors/core/admin_types.hpp"
#include "cluster/limits.hpp"
#include "net/http/api_keys.hpp"
#include "net/http/http_conversation.hpp"
#include "net/http/http_router.hpp"
#include "net/http/push_api.hpp"
#include "storage/directory.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace stentor::actors {

class api_connection;

/// Who may use the API.
struct api_access {
  bool open = false; ///< no key asked: loopback and `dev_auth` only
  std::vector<std::string> keys;
  std::vector<std::string> origins; ///< browsers' `Origin` headers that are let in
};

class api final : private net::http_observer {
public:
  /// `host` and `lim` outlive it.
  api(api_host &host, const limits &lim, api_access access);
  ~api() override;
  api(const api &) = delete;
  api &operator=(const api &) = delete;

  /// Takes over a connected, non-blocking descriptor.
  void accept(int fd);
  /// Finishes what is under way, then closes; idle connections at once.
  void drain();
  size_t connections() const noexcept { return connections_.size(); }
  /// Messages and questions without an answer.
  size_t open_tickets() const noexcept { return tickets_.size(); }
  const net::http_service &http() const noexcept { return http_; }

  // -- answers of the host; a ticket of a connection that is gone is answered to nobody ----
  /// The final verdict of a message, `total_us` after it was accepted.
  void on_outcome(uint64_t ticket, const outcome &result, uint32_t total_us);
  /// Nothing where no device of that name is connected.
  void on_device(uint64_t ticket, const caf::expected<std::optional<storage::record>> &found);
  void on_devices(uint64_t ticket, const caf::expected<std::vector<storage::record>> &found);
  /// An error is told as 503.
  void on_admin(uint64_t ticket, const caf::expected<admin_page> &page);
  /// `body` is whole; an error is told as 503.
  void on_text(uint64_t ticket, std::string_view content_type, const caf::expected<std::string> &body);

private:
  friend class api_connection;

  enum route : int {
    push_device,
    push_account,
    push_batch,
    show_device,
    show_account,
    show_actors,
    show_nodes,
    show_slots,
    inspect_device,
    start_drain,
    show_health,
    show_readiness,
    show_metrics,
  };

  /// What an answer needs when it comes.
  struct question {
    api_connection *who = nullptr;
    message_id id = {};
    uint32_t index = 0; ///< of the line of a batch, of the device of an account
    want wants = want::written;
    std::string label = {}; ///< the line's `ref`, the device's id; empty otherwise
  };

  void on_answer(int status) override;
  void on_refusal(const net::http_problem &why) override;
  uint64_t open(question q);
  template <class Tell>
  void answer(uint64_t ticket, Tell &&tell);
  void remove(api_connection &who);

  api_host &host_;
  const limits &lim_;
  api_access access_;
  net::api_keys keys_;
  net::http_service http_;
  net::http_router router_;
  net::codec codec_;
  net::push_line_reader lines_;
  std::string scratch_; ///< the body of the answer being written
  ticket_table<question> tickets_;
  std::unordered_map<api_connection *, std::unique_ptr<api_connection>> connections_;
  bool draining_ = false;
};

} // namespace stentor::actors

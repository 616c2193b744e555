// SPDX-License-Identifier: Apache-2.0
// One back end's HTTP connection: finds out what each request wants, asks the host, and writes the response
// when the answer comes. Outlives its socket until all its questions are answered. Owned by its `api`,
// loop-confined. Its methods are in api_connection.cpp, api_push.cpp and api_batch.cpp.
#pragma once

#include "actors/api/api.hpp"
#include "net/http/http_socket.hpp"
#include "net/http/ndjson.hpp"

#include <optional>

namespace stentor::actors {

class api_connection final : public net::http_events {
public:
  api_connection(api &owner, int fd);

  [[nodiscard]] bool open() { return socket_->open(); }
  void finish();

  // -- http_events ----
  net::http_plan on_headers(const net::http_request &request) override;
  void on_request(const net::http_request &request) override;
  size_t on_body(std::string_view piece) override;
  void on_body_end(const net::http_problem *why) override;
  void on_drained() override;
  void on_http_end(bool answering) override;

  // -- answers, while the socket is open ----
  void on_outcome(const api::question &q, const outcome &result, uint32_t total_us);
  void on_device(const api::question &q, const caf::expected<std::optional<storage::record>> &found);
  void on_devices(const api::question &q, const caf::expected<std::vector<storage::record>> &found);
  void on_admin(const caf::expected<admin_page> &page);
  void on_text(std::string_view content_type, const caf::expected<std::string> &body);

private:
  friend class api;

  /// A push to many: a batch, or one message to each device of an account.
  struct many {
    explicit many(size_t max_line) noexcept : lines{max_line} {}
    net::ndjson_splitter lines;     ///< batch
    std::vector<device_id> devices; ///< account
    payload data;                   ///< account
    net::push_options options;      ///< account; its key is a view of `key`
    std::string key;
    uint32_t next = 0;     ///< index of the next line or device
    size_t in_flight = 0;  ///< without a verdict
    bool paused = false;   ///< waits for verdicts, or for the peer to take them
    bool all_sent = false; ///< the body, or the list of devices, is over
    const net::http_problem *broken = nullptr;
  };

  /// Keeps the connection alive while one of its methods may lose the socket.
  struct hold;
  bool is_over() const noexcept { return !socket_ && questions_ == 0 && held_ == 0; }

  // -- one message (api_push.cpp) ----
  void push_to_device(const net::http_request &request);
  void push_to_account(const net::http_request &request);
  bool read_push(const net::http_request &request, net::push_options &options, payload &data);
  message_id submit(device_id to, payload data, format f, const net::push_options &options, uint32_t index,
                    std::string label);
  void answer_outcome(const api::question &q, const outcome &result, uint32_t total_us);

  // -- many messages (api_batch.cpp) ----
  void begin_many(size_t max_line);
  bool may_send() const noexcept;
  void take_line(std::string_view line, bool too_long);
  void refuse_line(uint32_t index, std::string_view ref, std::string_view why);
  void write_outcome(const api::question &q, const outcome &result, uint32_t total_us);
  void send_to_devices();
  void go_on();
  void end_many();

  void ask(const net::http_request &request);
  // -- the operator (api_admin.cpp) ----
  void ask_admin(const net::http_request &request);
  void respond(const net::http_problem &problem, std::string_view headers = {});
  /// The same for a push that never became a message.
  void refuse_push(const net::http_problem &problem, want wants = want::written);

  api &api_;
  std::optional<net::http_socket> socket_;
  net::http_match match_;
  format body_format_ = format::json;
  uint32_t held_ = 0;
  size_t questions_ = 0; ///< open tickets
  std::unique_ptr<many> many_;
};

struct api_connection::hold {
  explicit hold(api_connection &c) noexcept : c_{c} { ++c_.held_; }
  ~hold() {
    if (--c_.held_ == 0 && c_.is_over())
      c_.api_.remove(c_);
  }
  hold(const hold &) = delete;
  hold &operator=(const hold &) = delete;

private:
  api_connection &c_;
};

} // namespace stentor::actors

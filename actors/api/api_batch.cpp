// SPDX-License-Identifier: Apache-2.0
// Pushes to many: lines of a batch as they arrive, or the devices of an account. One line of answer a
// message, in the order of the verdicts; never more than `max_batch_in_flight` without one.
#include "actors/api/api_connection.hpp"

#include "actors/api/problems.hpp"
#include "net/codec/json_writer.hpp"

#include <charconv>

namespace stentor::actors {

using net::http_problem;

namespace {

void append_number(std::string &out, uint64_t x) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, x).ptr);
}

} // namespace

void api_connection::begin_many(size_t max_line) {
  many_ = std::make_unique<many>(max_line);
}

bool api_connection::may_send() const noexcept {
  if (!socket_ || !many_ || many_->broken || many_->in_flight >= api_.lim_.max_batch_in_flight)
    return false;
  // Who does not read its verdicts sends no more messages; `on_drained` comes once they have left.
  return socket_->unsent_bytes() <= api_.lim_.max_unsent_answers;
}

// -- a batch ----

size_t api_connection::on_body(std::string_view piece) {
  hold keep{*this};
  if (many_->broken) // nothing behind it is read any more
    return piece.size();
  if (!socket_->is_streaming())
    socket_->begin_stream(200, "application/x-ndjson");
  size_t used = 0;
  if (may_send())
    used = many_->lines.feed(piece, [this](std::string_view line, bool too_long) {
      take_line(line, too_long);
      return may_send();
    });
  if (!socket_)
    return piece.size();
  if (many_->broken) {
    many_->all_sent = true;
    end_many();
    return piece.size();
  }
  many_->paused = used < piece.size();
  return used;
}

void api_connection::on_body_end(const http_problem *why) {
  hold keep{*this};
  if (!socket_->is_streaming()) {
    if (why) {
      many_.reset();
      return respond(*why);
    }
    socket_->begin_stream(200, "application/x-ndjson");
  }
  if (why)
    many_->broken = why;
  else if (!many_->broken)
    many_->lines.finish([this](std::string_view line, bool too_long) {
      take_line(line, too_long);
      return true;
    });
  if (!socket_)
    return;
  many_->all_sent = true;
  end_many();
}

void api_connection::take_line(std::string_view line, bool too_long) {
  auto &lim = api_.lim_;
  if (many_->next >= lim.max_batch_lines) {
    many_->broken = &problems::too_many_lines; // whoever feeds the lines ends the answer
    return;
  }
  auto index = many_->next++;
  net::push_line x;
  std::string why;
  if (too_long)
    return refuse_line(index, {}, "the line is longer than the limit");
  if (!api_.lines_.read(line, x, why))
    return refuse_line(index, x.ref, why);
  if (x.data.size() > lim.max_body_bytes)
    return refuse_line(index, x.ref, "`data` is larger than the limit");
  if (x.options.wants != want::none)
    ++many_->in_flight;
  submit(device_id::trusted(std::string{x.to}), std::make_shared<const std::string>(x.data), format::json,
         x.options, index, std::string{x.ref});
}

/// A line that never became a message: it has a verdict all the same, but no id.
void api_connection::refuse_line(uint32_t index, std::string_view ref, std::string_view why) {
  api_.host_.count_refused(verdict::invalid, want::written);
  auto &out = api_.scratch_;
  out = R"({"index":)";
  append_number(out, index);
  if (!ref.empty()) {
    out += R"(,"ref":)";
    net::append_json_string(out, ref);
  }
  out += R"(,"verdict":"invalid","detail":)";
  net::append_json_string(out, why);
  out += "}\n";
  socket_->write_chunk(out);
}

// -- an account ----

/// Sends to as many devices as may be in flight; called again as verdicts come in.
void api_connection::send_to_devices() {
  if (many_->devices.empty()) {
    many_.reset();
    return respond(problems::nobody);
  }
  if (!socket_->is_streaming())
    socket_->begin_stream(200, "application/x-ndjson");
  while (may_send() && many_->next < many_->devices.size()) {
    auto index = many_->next++;
    auto &device = many_->devices[index];
    if (many_->options.wants != want::none)
      ++many_->in_flight;
    submit(device, many_->data, body_format_, many_->options, index, device.str());
  }
  if (!socket_ || !many_)
    return;
  many_->paused = many_->next < many_->devices.size();
  many_->all_sent = !many_->paused;
  end_many();
}

// -- both ----

void api_connection::write_outcome(const api::question &q, const outcome &result, uint32_t total_us) {
  --many_->in_flight;
  if (is_wanted(q.wants, result.what)) {
    auto &out = api_.scratch_;
    if (many_->devices.empty()) {
      out = R"({"index":)";
      append_number(out, q.index);
      if (!q.label.empty()) {
        out += R"(,"ref":)";
        net::append_json_string(out, q.label);
      }
    } else {
      out = R"({"device":")" + q.label + '"';
    }
    net::append_outcome(out, q.id, result, total_us);
    out += '\n';
    socket_->write_chunk(out);
  }
  if (many_->all_sent)
    end_many();
  else
    go_on();
}

/// Goes on where it waited for verdicts or for the peer. A quarter of the room must be free, so that reading
/// is not stopped and started for every verdict.
void api_connection::go_on() {
  if (!many_ || !many_->paused || !may_send() || many_->in_flight > api_.lim_.max_batch_in_flight / 4 * 3)
    return;
  many_->paused = false;
  if (many_->devices.empty())
    socket_->resume();
  else
    send_to_devices();
}

/// Ends the answer once every message has its verdict.
void api_connection::end_many() {
  if (!many_->all_sent || many_->in_flight > 0)
    return;
  if (many_->broken) {
    auto line = net::error_body(many_->broken->code, many_->broken->message) + '\n';
    socket_->write_chunk(line);
  }
  many_.reset();
  socket_->end_stream();
}

} // namespace stentor::actors

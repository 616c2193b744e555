// SPDX-License-Identifier: Apache-2.0
#include "storage/redis_connection.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace stentor::storage {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Without scripts' effects replicated one by one (before 5) a script may not write after it read the time;
/// what is between 5 and 6 nobody runs any more.
constexpr int oldest_major = 6;

redis_reply value_of(const redisReply &from) {
  redis_reply to;
  switch (from.type) {
  case REDIS_REPLY_INTEGER:
    to.type = redis_reply::kind::integer;
    to.integer = from.integer;
    break;
  case REDIS_REPLY_STRING:
  case REDIS_REPLY_STATUS:
    to.type = redis_reply::kind::text;
    to.text.assign(from.str, from.len);
    break;
  case REDIS_REPLY_ERROR:
    to.type = redis_reply::kind::error;
    to.text.assign(from.str, from.len);
    break;
  case REDIS_REPLY_ARRAY:
    to.type = redis_reply::kind::array;
    to.elements.reserve(from.elements);
    for (size_t i = 0; i < from.elements; ++i)
      to.elements.push_back(from.element[i] != nullptr ? value_of(*from.element[i]) : redis_reply{});
    break;
  default: // nil, and what later versions of the protocol may add
    break;
  }
  return to;
}

/// Waits for `events`; false where `deadline` passed first.
bool wait_for(int fd, short events, steady_clock::time_point deadline) {
  for (;;) {
    auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0)
      return false;
    pollfd x{fd, events, 0};
    auto count = ::poll(&x, 1, static_cast<int>(left));
    if (count > 0 || (count < 0 && errno != EINTR))
      return true; // an error shows in the read or write that follows
  }
}

/// A line's value in an INFO text, empty where there is none.
std::string info_field(const std::string &info, std::string_view name) {
  auto key = "\n" + std::string{name} + ":";
  auto at = info.find(key);
  if (at == info.npos)
    return {};
  at += key.size();
  return info.substr(at, info.find_first_of("\r\n", at) - at);
}

} // namespace

void redis_connection::closer::operator()(redisContext *x) const noexcept {
  redisFree(x);
}

redis_connection::redis_connection(redis_url url, redis_limits limits,
                                   std::span<const std::string_view> scripts)
    : url_{std::move(url)}, limits_{limits}, scripts_{scripts}, shas_(scripts.size()) {}

redis_connection::~redis_connection() = default;
redis_connection::redis_connection(redis_connection &&) noexcept = default;

// -- connecting ----

caf::error redis_connection::ready() {
  if (context_ && is_alive())
    return {};
  context_.reset();
  if (last_failure_ && steady_clock::now() < next_attempt_)
    return last_failure_;
  last_failure_ = connect();
  if (!last_failure_) {
    pause_ = milliseconds{0};
    return {};
  }
  context_.reset();
  pause_ = std::min(std::max(limits_.first_pause, pause_ * 2), limits_.longest_pause);
  next_attempt_ = steady_clock::now() + pause_;
  return last_failure_;
}

/// Between calls nothing may arrive: what is readable is the connection's end, or bytes nobody asked for.
bool redis_connection::is_alive() const noexcept {
  pollfd x{context_->fd, POLLIN, 0};
  return ::poll(&x, 1, 0) == 0;
}

caf::error redis_connection::connect() {
  auto deadline = steady_clock::now() + limits_.connect_timeout;
  auto us = std::chrono::microseconds{limits_.connect_timeout}.count();
  timeval patience{static_cast<time_t>(us / 1'000'000), static_cast<suseconds_t>(us % 1'000'000)};
  context_.reset(url_.path.empty() ? redisConnectWithTimeout(url_.host.c_str(), url_.port, patience)
                                   : redisConnectUnixWithTimeout(url_.path.c_str(), patience));
  if (!context_)
    return away("no memory for a connection");
  if (context_->err != 0)
    return away("is unreachable: " + std::string{context_->errstr} +
                "; start it, or correct the directory's URL");
  ::fcntl(context_->fd, F_SETFD, FD_CLOEXEC);
  if (url_.path.empty())
    redisEnableKeepAlive(context_.get());
  return greet(deadline);
}

caf::error redis_connection::greet(time_point deadline) {
  redis_pipeline hello;
  if (!url_.password.empty() && !url_.user.empty())
    hello.add({"AUTH", url_.user, url_.password});
  else if (!url_.password.empty())
    hello.add({"AUTH", url_.password});
  if (url_.db != 0)
    hello.add({"SELECT", std::to_string(url_.db)});
  for (auto section : {"server", "memory", "persistence", "replication"})
    hello.add({"INFO", section});
  for (auto script : scripts_)
    hello.add({"SCRIPT", "LOAD", script});
  auto replies = exchange(hello, deadline);
  if (!replies) // whatever became of a greeting, nothing was done by it
    return away("does not answer: " + render(replies.error()));
  return judge(*replies);
}

/// The order of `replies` is that of `greet`'s commands.
caf::error redis_connection::judge(const std::vector<redis_reply> &replies) {
  auto next = replies.begin();
  auto failure = [](const redis_reply &x) { return x.is_error() ? x.text : std::string{}; };
  if (!url_.password.empty())
    if (auto text = failure(*next++); !text.empty())
      return text.starts_with("LOADING") ? away("is loading its data")
                                         : unacceptable("refuses the user or password: " + text +
                                                        "; correct them in the directory's URL");
  for (auto i = next; i != replies.end(); ++i)
    if (auto text = failure(*i); text.starts_with("NOAUTH"))
      return unacceptable(
          "requires a password: put it into the directory's URL, redis://[user]:password@host");
  if (url_.db != 0)
    if (auto text = failure(*next++); !text.empty())
      return text.starts_with("LOADING") ? away("is loading its data")
                                         : unacceptable("has no db " + std::to_string(url_.db) + ": " + text +
                                                        "; raise its setting 'databases' or take another db");
  std::string info;
  for (int i = 0; i < 4; ++i) {
    if (auto text = failure(*next); !text.empty())
      return unacceptable("refuses INFO: " + text +
                          "; the user needs INFO, SCRIPT, EVALSHA and its own keys");
    info += "\n" + (next++)->text;
  }
  if (info_field(info, "loading") == "1")
    return away("is loading its data");
  if (info_field(info, "role") == "slave")
    return away("is a replica: wait for its promotion, or put the master into the directory's URL");
  auto version = info_field(info, "redis_version");
  auto major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  if (major < oldest_major)
    return unacceptable("has version '" + version + "': Redis 6.0 or later is needed");
  if (auto policy = info_field(info, "maxmemory_policy"); policy != "noeviction")
    return unacceptable("has maxmemory-policy '" + policy +
                        "', which may evict records of connected devices; fix it with CONFIG SET "
                        "maxmemory-policy noeviction, and in its configuration file");
  for (auto &sha : shas_) {
    if (auto text = failure(*next); !text.empty())
      return text.starts_with("LOADING") ? away("is loading its data")
                                         : unacceptable("refuses a script: " + text);
    sha = (next++)->text;
  }
  run_id_ = info_field(info, "run_id");
  auto seconds = info_field(info, "uptime_in_seconds");
  long up = 0;
  std::from_chars(seconds.data(), seconds.data() + seconds.size(), up);
  uptime_ = std::chrono::seconds{
      std::clamp<long>(up, 0, 3'000'000'000)}; // a century: what is added to it must not overflow
  connected_at_ = steady_clock::now();
  return {};
}

milliseconds redis_connection::uptime() const noexcept {
  return uptime_ + std::chrono::duration_cast<milliseconds>(steady_clock::now() - connected_at_);
}

// -- commands ----

auto redis_connection::run(const redis_pipeline &commands) -> caf::expected<std::vector<redis_reply>> {
  if (!context_)
    return away("was lost a moment ago");
  auto deadline = steady_clock::now() + limits_.command_timeout;
  auto replies = exchange(commands, deadline);
  if (!replies)
    return replies;
  if (auto failure = repeat_forgotten(commands, *replies, deadline))
    return failure;
  // A master that became a replica while we were connected: the next call looks for the new one.
  if (std::ranges::any_of(*replies, [](auto &x) { return x.is_error() && x.text.starts_with("READONLY"); }))
    context_.reset();
  return replies;
}

caf::error redis_connection::repeat_forgotten(const redis_pipeline &commands,
                                              std::vector<redis_reply> &replies, time_point deadline) {
  std::vector<size_t> forgotten;
  for (size_t i = 0; i < replies.size(); ++i)
    if (replies[i].is_error() && replies[i].text.starts_with("NOSCRIPT"))
      forgotten.push_back(i);
  if (forgotten.empty())
    return {};
  if (!context_) // `exchange` found more than it had asked for
    return lost("sent more than was requested, and had lost a script");
  redis_pipeline again;
  for (auto script : scripts_)
    again.add({"SCRIPT", "LOAD", script});
  for (auto i : forgotten)
    again.add_encoded(commands.command(i));
  auto repeated = exchange(again, deadline);
  if (!repeated)
    return repeated.error();
  for (size_t i = 0; i < forgotten.size(); ++i)
    replies[forgotten[i]] = std::move((*repeated)[scripts_.size() + i]);
  return {};
}

auto redis_connection::exchange(const redis_pipeline &commands, time_point deadline)
    -> caf::expected<std::vector<redis_reply>> {
  if (auto failure = send(commands.bytes(), deadline))
    return failure;
  std::vector<redis_reply> replies;
  replies.reserve(commands.size());
  while (replies.size() < commands.size()) {
    void *raw = nullptr;
    if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK)
      return lost("sent an invalid reply: " + std::string{context_->errstr});
    if (raw != nullptr) { // null: not all of it is here yet
      replies.push_back(value_of(*static_cast<redisReply *>(raw)));
      freeReplyObject(raw);
      continue;
    }
    if (!wait_for(context_->fd, POLLIN, deadline))
      return lost("did not answer in time");
    if (redisBufferRead(context_.get()) != REDIS_OK)
      return lost("ended the connection: " + std::string{context_->errstr});
  }
  // What is left is the answer to nothing, and would be taken for that of the next command.
  if (context_->reader->pos < context_->reader->len)
    context_.reset();
  return replies;
}

/// Not hiredis's own writes: those raise SIGPIPE and know no deadline. A server reads on while its replies
/// wait, so that writing all before reading cannot lock up.
caf::error redis_connection::send(std::string_view bytes, time_point deadline) {
  auto total = bytes.size();
  while (!bytes.empty()) {
    auto count = ::send(context_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(context_->fd, POLLOUT, deadline))
        return lost("did not accept the commands in time");
    } else if (errno != EINTR) {
      auto why = std::string{"cannot be sent to: "} + std::strerror(errno);
      if (bytes.size() < total)
        return lost(std::move(why));
      context_.reset();
      return away(std::move(why));
    }
  }
  return {};
}

// -- errors ----

caf::error redis_connection::lost(std::string why) {
  context_.reset();
  return make_error(errc::timed_out, "redis at " + url_.shown() + " " + why + ", the outcome is unknown");
}

caf::error redis_connection::away(std::string why) const {
  return make_error(errc::unavailable, "redis at " + url_.shown() + " " + why);
}

caf::error redis_connection::unacceptable(std::string why) const {
  return make_error(errc::config, "redis at " + url_.shown() + " " + why);
}

caf::error redis_connection::error_of(const redis_reply &reply) const {
  return reply.is_error() ? away("answered: " + reply.text) : caf::error{};
}

} // namespace stentor::storage

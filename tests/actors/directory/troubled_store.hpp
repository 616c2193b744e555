// SPDX-License-Identifier: Apache-2.0
// A directory on a bad path: requests are lost, or their answers are, or they are refused.
#pragma once

#include "cluster/errc.hpp"
#include "tests/storage/forwarding_directory.hpp"

#include <cstdint>
#include <functional>
#include <utility>

namespace stentor::actors::test {

/// What becomes of a write.
enum class fate : uint8_t {
  carried_out,
  answer_lost,  ///< carried out; `timed_out` is heard
  request_lost, ///< not carried out, unless the test does it later; `timed_out` is heard
  stale,        ///< refused
  unavailable,  ///< refused
};

class troubled_store final : public storage::test::forwarding_directory {
public:
  using forwarding_directory::forwarding_directory;

  std::function<fate(const storage::bind_request &)> on_bind;
  std::function<fate(const storage::restore_request &)> on_restore;
  size_t lost_lookups = 0; ///< calls that fail, from now on
  size_t lost_lists = 0;   ///< the same
  size_t lost_unbinds = 0; ///< the same; nothing of them is carried out
  bool has_no_events = false;
  bool stream_is_new = false; ///< the next reading finds that its cursor is of another one

  std::vector<result<storage::bind_result>> bind(const std::vector<storage::bind_request> &batch) override {
    return write<storage::bind_result>(
        batch, on_bind, [this](auto &one) { return forwarding_directory::bind({one}).front(); });
  }
  std::vector<result<storage::restore_result>>
  restore(const std::vector<storage::restore_request> &batch) override {
    return write<storage::restore_result>(
        batch, on_restore, [this](auto &one) { return forwarding_directory::restore({one}).front(); });
  }
  std::vector<result<bool>> unbind(const std::vector<storage::unbind_request> &batch) override {
    if (lost_unbinds == 0)
      return forwarding_directory::unbind(batch);
    --lost_unbinds;
    return std::vector<result<bool>>(batch.size(), make_error(errc::timed_out)); // braces would make a `true`
  }
  std::vector<result<std::optional<storage::record>>> lookup(const std::vector<device_id> &devices) override {
    if (lost_lookups == 0)
      return forwarding_directory::lookup(devices);
    --lost_lookups;
    return {devices.size(), make_error(errc::timed_out)};
  }
  result<std::vector<storage::record>> devices_of(const account_id &account) override {
    if (lost_lists == 0)
      return forwarding_directory::devices_of(account);
    --lost_lists;
    return make_error(errc::timed_out);
  }
  result<std::vector<storage::event>> events_after(std::string &cursor, size_t most) override {
    if (has_no_events)
      return make_error(errc::unavailable);
    if (!cursor.empty() && std::exchange(stream_is_new, false))
      return make_error(errc::not_found);
    return forwarding_directory::events_after(cursor, most);
  }

private:
  template <class Result, class Request, class Hook, class Call>
  static std::vector<result<Result>> write(const std::vector<Request> &batch, const Hook &hook, Call call) {
    std::vector<result<Result>> results;
    for (auto &one : batch)
      switch (hook ? hook(one) : fate::carried_out) {
      case fate::carried_out:
        results.push_back(call(one));
        break;
      case fate::answer_lost:
        call(one);
        results.emplace_back(make_error(errc::timed_out));
        break;
      case fate::request_lost:
        results.emplace_back(make_error(errc::timed_out));
        break;
      case fate::stale:
        results.emplace_back(make_error(errc::stale));
        break;
      case fate::unavailable:
        results.emplace_back(make_error(errc::unavailable));
        break;
      }
    return results;
  }
};

} // namespace stentor::actors::test

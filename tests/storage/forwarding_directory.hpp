// SPDX-License-Identifier: Apache-2.0
// A directory that passes every call on: tests derive from it what is to go wrong on the way.
#pragma once

#include "storage/directory.hpp"

#include <memory>

namespace stentor::storage::test {

class forwarding_directory : public storage::directory {
public:
  explicit forwarding_directory(std::shared_ptr<storage::directory> inner) : inner_{std::move(inner)} {}

  std::vector<result<bind_result>> bind(const std::vector<bind_request> &batch) override {
    return inner_->bind(batch);
  }
  std::vector<result<restore_result>> restore(const std::vector<restore_request> &batch) override {
    return inner_->restore(batch);
  }
  std::vector<result<bool>> unbind(const std::vector<unbind_request> &batch) override {
    return inner_->unbind(batch);
  }
  std::vector<result<std::optional<record>>> lookup(const std::vector<device_id> &devices) override {
    return inner_->lookup(devices);
  }
  result<std::vector<record>> devices_of(const account_id &account) override {
    return inner_->devices_of(account);
  }
  result<std::vector<record>> records_in(slot first, size_t count) override {
    return inner_->records_in(first, count);
  }
  result<std::vector<event>> events_after(std::string &cursor, size_t most) override {
    return inner_->events_after(cursor, most);
  }
  result<renew_result> renew(const lease &mine, std::chrono::milliseconds length) override {
    return inner_->renew(mine, length);
  }
  result<bool> declare_dead(const node_id &node, incarnation inc) override {
    return inner_->declare_dead(node, inc);
  }
  result<bool> release(const node_id &mine, incarnation inc) override { return inner_->release(mine, inc); }
  result<sweep_result> sweep(const node_id &node, incarnation inc, size_t batch) override {
    return inner_->sweep(node, inc, batch);
  }
  result<bool> notify(const node_id &node, incarnation inc, const std::vector<notice> &words) override {
    return inner_->notify(node, inc, words);
  }
  result<size_t> size() override { return inner_->size(); }
  caf::error check() override { return inner_->check(); }
  const std::string &run_id() const override { return inner_->run_id(); }

private:
  std::shared_ptr<storage::directory> inner_;
};

} // namespace stentor::storage::test

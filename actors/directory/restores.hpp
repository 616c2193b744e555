// SPDX-License-Identifier: Apache-2.0
// After the directory was lost or away: a loop puts every device it holds back, in batches, each when the one
// before is answered. Where somebody else holds a device with a newer epoch, its session here is superseded;
// whoever put that one back may have come after us, so a second round follows. Confined to its loop.
#pragma once

#include "actors/directory/unsettled_records.hpp"
#include "net/timer_wheel.hpp"
#include "storage/directory.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace stentor::actors {

class directory_client;
class session_port;
struct restore_answer;

class restores {
public:
  restores(const directory_deps &deps, directory_client &client, unsettled_records &unsettled)
      : host_{deps.host}, requests_{deps.requests}, sessions_{deps.sessions}, client_{client},
        unsettled_{unsettled} {}

  /// Two rounds, the second when the other nodes have surely had their first.
  void start();
  /// These sessions only, whose records were not lost with the directory but removed: with fresh epochs.
  void put_back(const std::vector<session_ref> &who);
  /// Sends the unbind of a session that ends: behind the restore of its record that is under way, where there
  /// is one. Overtaken by it, the restore would bring back what is gone, and watchers would hear of it twice.
  void unbind(const session_ref &who, storage::unbind_request what);
  /// No more restores; what waited for the end of one is sent.
  void stop();

private:
  void begin_round();
  void end_round(duration until_next);
  void next();
  struct job {
    session_ref who;
    bool fresh = false;
    std::optional<unsettled_record> tried{}; ///< a fresh one's earlier try
  };
  struct asked {
    job what;
    unsettled_record record;                         ///< that the restore makes
    std::optional<storage::unbind_request> unbind{}; ///< of a session that has ended meanwhile
  };
  void on_timer();
  void on_answers(const std::vector<restore_answer> *answers);
  void settle(const asked &x, const restore_answer &answer);
  /// An asked job without an answer.
  void fail(const asked &x, bool is_unknown);
  void send(storage::unbind_request what);
  /// The epoch by which the session's record stands; 0 where it does not.
  epoch ours(const restore_answer &answer, const session_ref &who) const;
  void take(session_port &who, const restore_answer &answer);

  loop_env &host_;
  requests &requests_;
  session_table &sessions_;
  directory_client &client_;
  unsettled_records &unsettled_;
  std::vector<job> left_;    ///< of this round
  std::vector<asked> asked_; ///< under way, one batch at a time
  int rounds_ = 0;           ///< still to come
  bool running_ = false;
  net::timer_for<restores, &restores::on_timer> timer_{this};
};

} // namespace stentor::actors

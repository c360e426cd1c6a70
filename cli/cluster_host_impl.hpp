// INTERNAL to cluster_host*.cpp: what a coordinator process holds.
#pragma once

#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "cli/caf_config.hpp"
#include "cli/cluster_files.hpp"
#include "cli/cluster_host.hpp"
#include "control/http_status.hpp"
#include "coordinator/coordinator_actor.hpp"
#include "link/gateway.hpp"
#include "storage/dir_lock.hpp"

namespace tenbit::cli {

struct host_run {
  kept_run kept;
  std::shared_ptr<const experiment> exp; // null: known to be over, and not opened
  experiment_id id;
  std::unique_ptr<store> target; // likewise
  std::shared_ptr<status_board> board;
  bool marked = false;       // its end was written down, or cannot be
  bool signing_done = false; // its end was signed, or cannot be; before it is marked
  int signing_tries = 0;
  run_clock::time_point sign_again{}; // not before
};

class host final : public cluster_host {
public:
  host(host_options options, storage::dir_lock lock, cluster_files files);
  ~host() override;
  [[nodiscard]] tenbit::status<start_failure> begin();

  control::reply handle(const control::request& what) override;
  std::shared_ptr<const cluster_status> status() const override { return board_->read(); }
  std::optional<start_failure> broken() const override;
  bool stop_wanted() const override { return stop_wanted_; }
  std::string address() const override { return gateway_->address(); }
  int http_port() const override { return http_ ? http_->port() : -1; }

private:
  [[nodiscard]] tenbit::status<start_failure> serve_operators();
  // -- runs
  [[nodiscard]] tenbit::status<start_failure> resume_runs();
  void start_coordinator();
  [[nodiscard]] tenbit::status<start_failure> bind(const std::string& keys);
  [[nodiscard]] tenbit::status<start_failure> start_run(host_run run);
  [[nodiscard]] tenbit::status<store_failure> load(host_run& run, cluster_core& core,
                                                   run_clock::time_point now);
  [[nodiscard]] host_run* find(const std::string& name);
  [[nodiscard]] bool is_over(const host_run& run) const;
  // In the core, before its store goes. False: it may still use it.
  [[nodiscard]] bool forget(const host_run& run);
  [[nodiscard]] tenbit::status<start_failure> reopen(const std::string& name,
                                                     const std::vector<task_commit>& first);
  // -- runs that are over, see cluster_ended.cpp
  [[nodiscard]] expected<std::shared_ptr<const experiment>, start_failure>
  experiment_of(const kept_run& kept) const;
  [[nodiscard]] bool know_as_ended(const kept_run& kept);
  // Takes a run that is over out of the core and its store off its hands; empty: there is none.
  struct taken_run {
    host_run run;
    run_line line;
  };
  [[nodiscard]] std::optional<taken_run> take_ended(const std::string& name);
  void put_ended(taken_run taken); // it was not opened after all
  void add_ended(cluster_status& out);
  // -- what peers remember of a store
  [[nodiscard]] receipt_book book_of(const store& s) const;
  [[nodiscard]] std::string older_copy(const store& s); // as those know that are here; empty: no
  void sign_ended(bool last);
  void sign_until_the_end();
  void write_settled();

  void on_status(cluster_status now);
  void look_at_disk(cluster_status& out);
  // -- what is kept, see cluster_keeper.cpp
  void maintain();
  [[nodiscard]] tenbit::status<std::string> keep(const std::set<std::string>& new_oracles = {});
  [[nodiscard]] bool waits_to_be_kept(remote_frame& frame); // true: taken
  void waits_no_more(connection_id from);
  [[nodiscard]] bool admit_new_oracles(); // false: they wait, the file cannot be written

  // -- verbs; one function each, see cluster_verbs.cpp
  using verb = control::reply (host::*)(const control::request&);
  static const std::map<std::string, verb>& verb_table();
  control::reply run_submit(const control::request& r);
  control::reply start_submitted(const control::request& r, experiment exp, const benchmark& items,
                                 const std::string& dir);
  control::reply run_list(const control::request& r);
  control::reply run_pause(const control::request& r);
  control::reply run_resume(const control::request& r);
  control::reply run_cancel(const control::request& r);
  control::reply run_limit(const control::request& r);
  control::reply run_priority(const control::request& r);
  control::reply worker_list(const control::request& r);
  control::reply worker_drain(const control::request& r);
  control::reply worker_undrain(const control::request& r);
  control::reply worker_kick(const control::request& r);
  control::reply drained(const std::string& worker);
  [[nodiscard]] control::reply dry_drain(const control::request& r) const;
  control::reply endpoint_list(const control::request& r);
  control::reply endpoint_order_verb(const control::request& r);
  [[nodiscard]] tenbit::status<std::string> keep_order(const std::string& worker,
                                                       const endpoint_order& order);
  control::reply task_show(const control::request& r);
  control::reply task_requeue(const control::request& r);
  control::reply task_quarantine(const control::request& r);
  control::reply requeue_in_ended(const host_run& run, const control::request& r);
  // -- see cluster_store_verbs.cpp
  [[nodiscard]] std::optional<std::string> folder_of(const std::string& run); // of its store
  control::reply checkpoint(const control::request& r);
  control::reply export_results(const control::request& r);
  control::reply verify(const control::request& r);
  control::reply show_status(const control::request& r);
  control::reply stop(const control::request& r);
  [[nodiscard]] control::reply change_run(const control::request& r,
                                          const std::function<void(kept_run&)>& kept,
                                          std::function<void(cluster_core&, run_core&)> core);

  // Runs on the coordinator's thread and waits for it.
  template <class Result>
  [[nodiscard]] std::optional<Result>
  in_core(std::function<Result(cluster_core&, run_clock::time_point)> what) {
    auto done = std::make_shared<std::promise<Result>>();
    auto result = done->get_future();
    caf::anon_send(root_, core_call{[done, what](cluster_core& core, run_clock::time_point now) {
                     done->set_value(what(core, now));
                   }});
    if (result.wait_for(limits::control_timeout) != std::future_status::ready)
      return std::nullopt;
    return result.get();
  }

  host_options options_;
  storage::dir_lock lock_;
  // Of files_ and runs_. Held over waits for the coordinator's thread, which never takes it.
  mutable std::recursive_mutex mutex_;
  std::mutex bits_mutex_; // of oracles_, waiting_, drains_ and stores_; taken on the coordinator's
                          // thread too
  cluster_files files_;
  std::map<std::string, host_run> runs_;
  std::shared_ptr<cluster_board> board_ = std::make_shared<cluster_board>();
  hash256 receipt_secret_;             // of these keys, see coordinator/receipts.hpp
  std::shared_ptr<cluster_core> core_; // touched on the coordinator's thread alone
  actor_config config_;
  caf::actor_system system_;
  coordinator_root root_;
  std::unique_ptr<link::gateway> gateway_;
  std::atomic<link::gateway*> bound_{nullptr}; // the same, for the coordinator's thread
  std::unique_ptr<control::http_status> http_;
  std::unique_ptr<control::socket_server> control_;
  using kept_oracles = std::map<std::pair<std::string, experiment_id>, oracle_record>;
  kept_oracles oracles_;                      // run 0: it has no bits of any run yet
  std::vector<remote_frame> waiting_;         // hellos of oracles that are not kept yet
  std::map<std::string, std::string> drains_; // to be kept
  std::map<std::string, std::string> stores_; // of runs that are loaded, by their names
  std::mutex ended_mutex_;                // of the next two; taken on the coordinator's thread too
  std::map<std::string, run_line> ended_; // runs that are over and not loaded
  std::map<std::string, run_line> settled_;         // that ended in this life, to be written down
  std::atomic<disk_level> disk_{disk_level::ample}; // set on the coordinator's thread
  std::atomic<bool> stop_wanted_{false}, ending_{false};
  std::thread keeper_, signer_;
  std::mutex signing_mutex_; // a store stays open while it is signed; after mutex_
};

} // namespace tenbit::cli

// The life of every call: queue, attempt, reply or failure, retry, callback.
//
//   accept ─▶ lane queue ─▶ wire ─▶ reply ─▶ callback
//                 ▲           │ failure
//                 └─ retries ◀┴─────────▶ callback
//
// Owns the lanes, the live calls and the HTTP engine. All of it belongs to the client's thread,
// except wake(). Decisions are those of replica_pool, retry_policy and reply_parser; this only
// carries them out.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/random.hpp"
#include "endpoints/live_call.hpp"
#include "endpoints/model_lane.hpp"
#include "endpoints/retry_policy.hpp"

namespace tenbit {

class json_reader;

class call_loop final : private http_listener {
public:
  // Fails as client::start does.
  [[nodiscard]] static expected<std::unique_ptr<call_loop>, std::string>
  open(std::span<const model_spec> models, const client_timing& timing);
  ~call_loop() override;

  // Takes a call; its callback runs now when it cannot be sent.
  void accept(client_call call, client::callback done);
  // Starts what may start, waits at most max_wait for the network, and serves it.
  void step(std::chrono::milliseconds max_wait);
  // Cancels what is not on the wire, and every retry from now on.
  void drain();
  // Cancels the calls of this group.
  void abandon(std::uint64_t group);
  // Ends those of them that are not on the wire.
  void give_up(std::uint64_t group);
  // Pauses, resumes or bounds the replicas of a URL; calls on the wire go on.
  void order(const endpoint_order& what);
  // Cancels everything.
  void cancel_all();
  // Ends step() early. Any thread.
  void wake() { engine_->wake(); }
  [[nodiscard]] std::vector<model_snapshot> snapshot() const;
  // True while any call is without its callback.
  [[nodiscard]] bool busy() const { return free_.size() < calls_.size(); }

private:
  struct retry {
    time_point due;
    live_call* call = nullptr;
    friend bool operator<(const retry& a, const retry& b) { return a.due > b.due; }
  };

  explicit call_loop(const client_timing& timing);
  [[nodiscard]] status<std::string> open_lane(const model_spec& spec);
  [[nodiscard]] std::chrono::milliseconds wait_time(std::chrono::milliseconds max_wait) const;

  bool on_body(http_transfer& transfer, std::string_view bytes) override;
  void on_done(http_transfer& transfer, CURLcode result) override;

  void release_retries();
  void dispatch(model_lane& lane);
  void give_up_waiting(model_lane& lane);
  [[nodiscard]] static call_error without_replica(const live_call& call);
  void start_attempt(live_call& call, replica_pool::place place);
  void begin_reply(live_call& call);
  void check_deadlines();
  [[nodiscard]] std::string missed_deadline(const live_call& call) const;
  void leave_wire(live_call& call);

  void succeeded(live_call& call, call_reply reply);
  void failed(live_call& call, attempt_failure failure,
              std::optional<std::chrono::milliseconds> retry_after);
  void try_again(live_call& call, std::chrono::milliseconds wait);
  void give_up(live_call& call, call_error kind, std::string_view what, std::string_view why);
  [[nodiscard]] std::vector<live_call*> take_waiting(std::uint64_t group);
  void finish(live_call& call, call_result result);
  void cancel(live_call& call);
  void cancel_on_wire(live_call& call);

  live_call& new_call();

  client_timing timing_;
  std::chrono::milliseconds deadline_period_;
  retry_policy policy_;
  random_stream random_;
  std::unique_ptr<json_reader> json_;
  std::unique_ptr<http_engine> engine_;
  std::vector<std::unique_ptr<model_lane>> lanes_;
  std::unordered_map<std::string, model_lane*> lane_of_;
  std::deque<live_call> calls_; // never shrinks; addresses stay
  std::vector<live_call*> free_;
  std::vector<live_call*> on_wire_;
  std::vector<retry> retries_; // heap, earliest first
  time_point now_{};
  time_point next_deadline_check_{};
  bool draining_ = false;
};

} // namespace tenbit

#include "endpoints/client.hpp"

#include <atomic>
#include <csignal>
#include <mutex>
#include <pthread.h>
#include <system_error>
#include <thread>

#include "endpoints/call_loop.hpp"
#include "endpoints/json_reader.hpp"

namespace tenbit {
namespace {

constexpr auto idle_wait = std::chrono::seconds(60); // a submit wakes it

class curl_client final : public client {
public:
  explicit curl_client(std::unique_ptr<call_loop> loop)
      : loop_(std::move(loop)), shown_(loop_->snapshot()) {
    // Signals are for the other threads; a closed connection must not raise SIGPIPE here.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~curl_client() override {
    TENBIT_ASSERT(std::this_thread::get_id() != thread_.get_id());
    stop_ = true;
    loop_->wake();
    thread_.join();
  }

  void submit(client_call call, callback done) override {
    bool was_empty = false;
    {
      std::lock_guard lock(inbox_mutex_);
      was_empty = inbox_.empty();
      inbox_.push_back({std::move(call), std::move(done)});
    }
    if (was_empty)
      loop_->wake();
  }

  void abandon(std::uint64_t group) override {
    TENBIT_ASSERT(group != 0);
    {
      std::lock_guard lock(inbox_mutex_);
      abandoned_.push_back(group);
    }
    loop_->wake();
  }

  void give_up(std::uint64_t group) override {
    {
      std::lock_guard lock(inbox_mutex_);
      not_waited_for_.push_back(group);
    }
    loop_->wake();
  }

  void order(endpoint_order what) override {
    {
      std::lock_guard lock(inbox_mutex_);
      orders_.push_back(std::move(what));
    }
    loop_->wake();
  }

  void drain() override {
    drain_ = true;
    loop_->wake();
  }

  [[nodiscard]] std::vector<model_snapshot> snapshot() const override {
    std::lock_guard lock(shown_mutex_);
    return shown_;
  }

private:
  struct submitted {
    client_call call;
    callback done;
  };

  void run() {
    while (!stop_) {
      take_inbox();
      if (drain_ && !drained_) {
        drained_ = true;
        loop_->drain();
      }
      loop_->step(refresh_snapshot());
    }
    take_inbox();
    loop_->cancel_all();
  }

  void take_inbox() {
    {
      std::lock_guard lock(inbox_mutex_);
      batch_.swap(inbox_);
      taken_abandoned_.swap(abandoned_);
      taken_not_waited_for_.swap(not_waited_for_);
      taken_orders_.swap(orders_);
    }
    for (const endpoint_order& what : taken_orders_) {
      loop_->order(what);
      idle_shown_ = false; // the snapshot of an idle client shows it too
    }
    taken_orders_.clear();
    for (auto& one : batch_)
      loop_->accept(std::move(one.call), std::move(one.done));
    batch_.clear();
    for (const std::uint64_t group : taken_abandoned_)
      loop_->abandon(group);
    taken_abandoned_.clear();
    for (const std::uint64_t group : taken_not_waited_for_)
      loop_->give_up(group);
    taken_not_waited_for_.clear();
  }

  // The time until the next refresh. An idle client refreshes once more and then sleeps long.
  std::chrono::milliseconds refresh_snapshot() {
    const auto now = std::chrono::steady_clock::now();
    const bool idle = !loop_->busy();
    idle_shown_ = idle_shown_ && idle;
    if (idle_shown_)
      return idle_wait;
    if (now < next_refresh_)
      return std::chrono::ceil<std::chrono::milliseconds>(next_refresh_ - now);
    next_refresh_ = now + limits::snapshot_period;
    idle_shown_ = idle;
    auto fresh = loop_->snapshot();
    std::lock_guard lock(shown_mutex_);
    shown_.swap(fresh);
    return limits::snapshot_period;
  }

  std::unique_ptr<call_loop> loop_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> drain_{false};
  bool drained_ = false;
  std::mutex inbox_mutex_;
  std::vector<submitted> inbox_;
  std::vector<submitted> batch_;
  std::vector<std::uint64_t> abandoned_, taken_abandoned_; // likewise: to be taken, being taken
  std::vector<std::uint64_t> not_waited_for_, taken_not_waited_for_;
  std::vector<endpoint_order> orders_, taken_orders_;
  mutable std::mutex shown_mutex_;
  std::vector<model_snapshot> shown_;
  time_point next_refresh_{};
  bool idle_shown_ = false; // the figures of this idleness are in shown_
  std::thread thread_;
};

} // namespace

expected<std::unique_ptr<client>, std::string> client::start(std::span<const model_spec> models,
                                                             const client_timing& timing) {
  auto loop = call_loop::open(models, timing);
  if (!loop)
    return fail(loop.error());
  try {
    return std::unique_ptr<client>(std::make_unique<curl_client>(std::move(*loop)));
  } catch (const std::system_error& error) {
    return fail(std::string("cannot start the thread of the HTTP client: ") + error.what());
  }
}

} // namespace tenbit

#include "workers/receiver.hpp"

#include <condition_variable>
#include <mutex>
#include <vector>

#include "protocols/bitstream.hpp"

namespace tenbit {
namespace {

struct arrival {
  std::uint32_t number = 0;
  call_id id;
  call_result result;
};

// Results from the client's thread; lives as long as its last call.
class inbox {
public:
  void put(arrival a) {
    {
      const std::lock_guard lock(mutex_);
      arrivals_.push_back(std::move(a));
    }
    changed_.notify_one();
  }
  std::vector<arrival> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !arrivals_.empty(); });
    return std::exchange(arrivals_, {});
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<arrival> arrivals_;
};

effect_result to_effect(arrival& a) {
  if (!a.result)
    return effect_failure{a.result.error().kind, a.result.error().message};
  return generated{std::move(a.result->text), a.id};
}

rebuilt_answer finished(std::string text, std::uint64_t calls, const bitstream& b) {
  const bool match = hash_bytes(text) == b.answer;
  return {std::move(text), calls, match};
}

} // namespace

expected<rebuilt_answer, std::string> rebuild_answer(const bitstream& b, const problem& item,
                                                     std::shared_ptr<const experiment> exp,
                                                     client& calls) {
  if (hash_bytes(item.question) != b.problem)
    return fail(std::string("this .tbit belongs to another problem (its hash differs)"));
  if (exp->arms.front().method == method_kind::direct && exp->models.empty()) {
    auto text = unpack_text(b);
    if (!text)
      return fail(text.error());
    return finished(std::move(*text), 0, b);
  }
  auto running = start_program({exp, arm_index{0}, trial_index{b.trial}, item});
  auto results = std::make_shared<inbox>();
  std::uint64_t made = 0;
  std::uint64_t waiting = 0;
  for (;;) {
    for (const pending_effect& pending : running->take()) {
      if (const auto* ask = std::get_if<ask_request>(&pending.what)) {
        auto bits = unpack_answers(b, *exp, ask->questions.size());
        if (!bits)
          return fail(bits.error());
        running->resolve(pending.number, std::move(*bits));
        continue;
      }
      const auto& request = std::get<generate_request>(pending.what);
      auto identified = identify(*exp, request);
      ++made;
      ++waiting;
      calls.submit({request.model, b.problem.prefix(), std::move(identified.canonical)},
                   [results, number = pending.number, id = identified.id](call_result result) {
                     results->put({number, id, std::move(result)});
                   });
    }
    if (running->finished())
      break;
    if (waiting == 0)
      continue; // an ask was resolved at once and there is more to take
    for (arrival& a : results->take()) {
      --waiting;
      if (!running->finished())
        running->resolve(a.number, to_effect(a));
    }
  }
  const auto& result = running->result();
  if (!result)
    return fail("a call failed: " + result.error().message);
  return finished(result->answer.text, made, b);
}

} // namespace tenbit

// Whether a replica would do as much with fewer calls in flight: it tries, and measures.
//
// Many servers only queue beyond their knee: more calls bring no more tokens a second, only later
// answers. Where replies are streamed their first bytes tell (queue_signal), and nothing is tried:
// a probe that empties the queue would make them early, which is no standard for later. Each
// limits::limiter_probe_period of steady operation (no cut, no new share, the limit in use) two
// windows are measured: one under the limit as it is, then one under a tenth less. The limit stands
// still in both, and each is measured only when twice as many calls as the limit have ended in it,
// so that those of the limit before are gone. Tokens a second are told as calls in flight x
// completion tokens / the time of their calls (Little's law): long and short answers weigh in both
// sums, and hardly make noise, as they would if the tokens of a minute were counted.
//
// Less is kept when that fell by no more than limits::limiter_probe_loss_max:
//  * and one standard error of the difference, told by the slices of both windows, is on the safe
//    side: too high a limit costs waiting, too low a one costs throughput;
//  * below the best window since the limit last went up, or ten steps of 3 % would make a quarter.
// A tenth is what a server without a knee would lose, three times what is let pass.
// Too few calls, calls that take a period to be gone, silence, or slots that stayed empty: the
// probe says nothing, and the limit stands.
//
// A limit that was kept is a ceiling, or the growth of the next seconds would undo it. It holds
// until the next probe has ended, at the latest two periods; when that one does not go down, the
// ceiling goes up by a quarter. So the limit stays about the knee, and follows a server that has
// become faster by a quarter each period.
//
// Pure: `now` is an argument. Owned by limiter; not thread-safe. Never fails.
#pragma once

#include <cstdint>
#include <optional>

#include "endpoints/queue_signal.hpp"

namespace tenbit {

struct answer_size {
  std::uint64_t completion_tokens = 0;
  std::chrono::nanoseconds took{0}; // from the start of the attempt to its end
};

class knee_probe {
public:
  // A call was answered under this limit, outside of slow start; in_flight counts it too. The
  // result is the limit from now on, when it is to be another.
  [[nodiscard]] std::optional<std::uint32_t> on_success(std::uint32_t limit,
                                                        std::uint32_t in_flight,
                                                        const answer_size& answer, time_point now);
  // What was measured is worth nothing (a cut, a throttle, slots that are not used): a period of
  // steady operation begins anew. The result is the limit before the probe, when one was tried.
  std::optional<std::uint32_t> disturbed();
  // The limit must stand still.
  [[nodiscard]] bool measuring() const { return phase_ != phase::idle; }
  // Up to where the limit may grow.
  [[nodiscard]] std::uint32_t ceiling(time_point now) const;
  // A limit was kept: the replica's knee was met.
  [[nodiscard]] bool met() const { return ceiling_ > 0; }

private:
  enum class phase : std::uint8_t { idle, before, less };
  // Tokens a second, by slices of equal time; all that is measured under one limit.
  struct window {
    std::uint64_t to_skip = 0; // calls of the limit before
    time_point begun{}, slice_start{}, last{};
    double tokens = 0, seconds = 0, in_flight = 0; // of the calls of this slice
    std::uint32_t slice_calls = 0, calls = 0, slices = 0;
    double in_flight_all = 0;
    double sum = 0, squares = 0; // of the slices' rates
    [[nodiscard]] double rate() const { return sum / slices; }
    [[nodiscard]] double error_squared() const; // of the rate
  };
  enum class measured : std::uint8_t { not_yet, good, nothing };

  void begin(phase which, std::uint32_t limit, time_point now);
  [[nodiscard]] measured add(std::uint32_t limit, std::uint32_t in_flight,
                             const answer_size& answer, time_point now);
  [[nodiscard]] std::optional<std::uint32_t> decide(std::uint32_t limit, time_point now);
  void stays(std::uint32_t limit, time_point now);

  phase phase_ = phase::idle;
  std::optional<time_point> steady_since_;
  window window_, before_;
  std::uint32_t limit_before_ = 0;
  double best_rate_ = 0;      // since the limit last went up
  std::uint32_t ceiling_ = 0; // 0: none
  time_point ceiling_until_{};
};

} // namespace tenbit

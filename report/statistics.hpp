// Intervals and tests for shares of right answers.
//
// Pure functions, thread-safe, never fail: where a number is undefined the result says so in its
// type or the function states the value. All intervals are 95 %.
#pragma once

#include <cstdint>
#include <span>

namespace tenbit::report {

struct interval {
  double low = 0;
  double high = 0;
  friend bool operator==(const interval&, const interval&) = default;
};

// The score interval of a share (Wilson 1927, without continuity correction). `n` may be an
// effective number and need not be whole. [0, 1] when n is 0.
[[nodiscard]] interval wilson(double share, double n);

// Sums over problems from which the spread of a share between problems follows. A problem gives
// `right` of `done` trials; problems without a finished trial are not added.
class clustered_share {
public:
  void add(std::uint64_t right, std::uint64_t done);
  [[nodiscard]] std::uint64_t right() const { return right_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }
  [[nodiscard]] std::uint64_t problems() const { return problems_; }
  // right / done; 0 when nothing is done.
  [[nodiscard]] double share() const;
  // How many independent answers the trials are worth: done / design effect (Kish 1965), within
  // [problems, done]. With one trial a problem it is exactly the number of problems.
  [[nodiscard]] double effective_n() const;
  [[nodiscard]] interval ci() const { return wilson(share(), effective_n()); }

private:
  std::uint64_t right_ = 0, done_ = 0, problems_ = 0;
  std::uint64_t right_right_ = 0, right_done_ = 0, done_done_ = 0; // sums of products
};

// McNemar's test on paired right/wrong answers: two-sided binomial test of the discordant pairs
// with probability 1/2. 1 when there are none.
struct mcnemar_p {
  double exact = 1;
  double mid = 1; // exact minus the probability of what was seen (Lancaster 1961)
};
// Time grows with the square root of the number of pairs; good for any 64-bit counts below 2^53.
[[nodiscard]] mcnemar_p mcnemar(std::uint64_t only_first_right, std::uint64_t only_second_right);

// Linear interpolation between order statistics (Hyndman and Fan 1996, type 7) of ascending values;
// 0 when there are none. q within [0, 1].
[[nodiscard]] double quantile_sorted(std::span<const double> ascending, double q);

// Mean and population standard deviation (ddof 0); zeros when empty.
struct mean_sd {
  double mean = 0;
  double sd = 0;
};
[[nodiscard]] mean_sd mean_and_sd(std::span<const double> values);

} // namespace tenbit::report

#include "report/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/expected.hpp"

namespace tenbit::report {

namespace {
constexpr double z95 = 1.959963984540054; // standard normal quantile at 0.975
} // namespace

interval wilson(double share, double n) {
  if (!(n > 0))
    return {0, 1};
  const double z2 = z95 * z95;
  const double shrink = 1 + z2 / n;
  const double centre = (share + z2 / (2 * n)) / shrink;
  const double half = z95 / shrink * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n));
  interval result{std::max(0.0, centre - half), std::min(1.0, centre + half)};
  if (share <= 0) // rounding must not leave 1e-17 where the formula gives 0 or 1
    result.low = 0;
  if (share >= 1)
    result.high = 1;
  return result;
}

void clustered_share::add(std::uint64_t right, std::uint64_t done) {
  TENBIT_ASSERT(done > 0 && right <= done);
  right_ += right;
  done_ += done;
  ++problems_;
  right_right_ += right * right;
  right_done_ += right * done;
  done_done_ += done * done;
}

double clustered_share::share() const {
  return done_ == 0 ? 0 : static_cast<double>(right_) / static_cast<double>(done_);
}

double clustered_share::effective_n() const {
  if (done_ == problems_) // one trial each: the design effect is 1 by definition
    return static_cast<double>(done_);
  const double p = share();
  const double n = static_cast<double>(done_);
  const double m = static_cast<double>(problems_);
  const double simple = n * p * (1 - p);
  if (simple <= 0) // all right or all wrong: nothing tells trials apart, so only problems count
    return m;
  const double between = static_cast<double>(right_right_) -
                         2 * p * static_cast<double>(right_done_) +
                         p * p * static_cast<double>(done_done_);
  if (between <= 0)
    return n;
  return std::clamp(n * simple / between, m, n);
}

mcnemar_p mcnemar(std::uint64_t only_first_right, std::uint64_t only_second_right) {
  const std::uint64_t pairs = only_first_right + only_second_right;
  if (pairs == 0)
    return {};
  const std::uint64_t least = std::min(only_first_right, only_second_right);
  const double n = static_cast<double>(pairs);
  const double k = static_cast<double>(least);
  const double at_least = std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) -
                                   std::lgamma(n - k + 1) - n * std::numbers::ln2);
  // The lower tail from its largest term down; terms shrink at least geometrically soon.
  double below = 0;
  double term = at_least;
  for (std::uint64_t i = least; i > 0; --i) {
    term *= static_cast<double>(i) / static_cast<double>(pairs - i + 1);
    below += term;
    if (term <= below * 1e-17)
      break;
  }
  return {std::min(1.0, 2 * (below + at_least)), std::min(1.0, 2 * below + at_least)};
}

double quantile_sorted(std::span<const double> ascending, double q) {
  if (ascending.empty())
    return 0;
  TENBIT_ASSERT(q >= 0 && q <= 1);
  const double at = q * static_cast<double>(ascending.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, ascending.size() - 1);
  const double part = at - static_cast<double>(low);
  return ascending[low] + part * (ascending[high] - ascending[low]);
}

mean_sd mean_and_sd(std::span<const double> values) {
  if (values.empty())
    return {};
  double sum = 0;
  for (double v : values)
    sum += v;
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0;
  for (double v : values)
    squares += (v - mean) * (v - mean);
  return {mean, std::sqrt(squares / static_cast<double>(values.size()))};
}

} // namespace tenbit::report

#include "endpoints/retry_policy.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <string>

#include "base/expected.hpp"
#include "base/text.hpp"
#include "config/limits.hpp"

namespace tenbit {
namespace {

std::string_view why_never(const failed_attempt& failed) {
  switch (failed.kind) {
  case call_error::throttled:
  case call_error::transient:
    return failed.attempts < limits::call_attempts_max ? "" : "no attempts left";
  case call_error::endpoint_invalid:
    return failed.invalid_replies < limits::invalid_replies_max &&
                   failed.attempts < limits::call_attempts_max
               ? ""
               : "broken again";
  case call_error::request_invalid:
    return "the request is at fault";
  case call_error::auth:
    return "the replica is stopped";
  case call_error::cancelled:
    return "shutting down";
  case call_error::diverged:
    return "the journal is at fault";
  }
  assertion_failed("call_error", __FILE__, __LINE__);
}

// Days since 1970-01-01 of a civil date (proleptic Gregorian), after Howard Hinnant's algorithm.
std::int64_t days_of(std::int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719468;
}

std::optional<std::int64_t> unix_time_of(const std::string& date) {
  for (const char* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm parts{};
    const char* end = strptime(date.c_str(), form, &parts);
    if (end == nullptr || *end != '\0')
      continue;
    return days_of(parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday) * 86400 +
           parts.tm_hour * 3600 + parts.tm_min * 60 + parts.tm_sec;
  }
  return std::nullopt;
}

} // namespace

retry_decision retry_policy::decide(const failed_attempt& failed, retry_budget& budget,
                                    random_stream& random) const {
  if (const auto why = why_never(failed); !why.empty())
    return {false, {}, why};
  if (!budget.take(failed.timeout))
    return {false, {}, "the retry budget of the replica is spent"};
  return {true, wait_for(failed, random), {}};
}

std::chrono::milliseconds retry_policy::wait_for(const failed_attempt& failed,
                                                 random_stream& random) const {
  if (failed.retry_after)
    return std::clamp<std::chrono::milliseconds>(*failed.retry_after, {}, limits::retry_after_max);
  const auto doublings = std::min(failed.attempts - 1, 20U);
  const auto bound = std::min(max_, base_ * (std::int64_t{1} << doublings));
  if (bound.count() <= 0)
    return {};
  return std::chrono::milliseconds(random.below(static_cast<std::uint64_t>(bound.count())));
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value,
                                                      std::int64_t unix_now) {
  value = trim(value);
  if (value.empty() || value.size() > 64)
    return std::nullopt;
  if (value.find_first_not_of("0123456789") == std::string_view::npos) {
    std::uint32_t seconds = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), seconds);
    // Out of range is still a number of seconds: more than any cap.
    return std::chrono::seconds(read.ec == std::errc{} ? seconds : UINT32_MAX);
  }
  const auto when = unix_time_of(std::string(value));
  if (!when)
    return std::nullopt;
  return std::chrono::seconds(std::max<std::int64_t>(0, *when - unix_now));
}

} // namespace tenbit

#include "report/failure.hpp"

#include <utility>

#include "base/expected.hpp"

namespace tenbit::report {

report_failure from_store(store_failure failure) {
  const auto kind_of = [](store_error kind) {
    switch (kind) {
    case store_error::not_a_store:
    case store_error::exists:
    case store_error::locked:
    case store_error::other_format:
    case store_error::corrupt:
    case store_error::rolled_back:
    case store_error::diverged:
      return report_error::refused;
    case store_error::io:
      return report_error::io;
    }
    assertion_failed("store_error", __FILE__, __LINE__);
  };
  return {kind_of(failure.kind), std::move(failure.message)};
}

} // namespace tenbit::report

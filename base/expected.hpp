// Results of operations that can fail for reasons outside the program.
//
// Expected failures are values: expected<T, E> or status<E>. Exceptions are caught where a library
// throws them. Programmer errors assert, in every build (TENBIT_ASSERT).
#pragma once

#include <cstdio>
#include <cstdlib>
#include <tl/expected.hpp>
#include <utility>

namespace tenbit {

template <class T, class E> using expected = tl::expected<T, E>;
template <class E> using status = tl::expected<void, E>;

template <class E> [[nodiscard]] auto fail(E error) {
  return tl::unexpected<E>(std::move(error));
}

// Says why a result is dropped: ignore(file.close(), "nothing was written to it").
template <class T> void ignore(T&&, const char* why) {
  static_cast<void>(why);
}

[[noreturn]] inline void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
  std::abort();
}

} // namespace tenbit

#define TENBIT_ASSERT(expression)                                                                  \
  ((expression) ? static_cast<void>(0)                                                             \
                : ::tenbit::assertion_failed(#expression, __FILE__, __LINE__))

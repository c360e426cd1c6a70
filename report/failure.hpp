// Why a report, export or transcript could not be made. Values.
#pragma once

#include <cstdint>
#include <string>

#include "storage/store.hpp"

namespace tenbit::report {

enum class report_error : std::uint8_t {
  refused, // not a store, locked, of another format, corrupt: a person has to look
  io,      // a read or a write failed
  unknown, // there is no such problem or arm
};

struct report_failure {
  report_error kind = report_error::io;
  std::string message; // one line, names the store or file
};

[[nodiscard]] report_failure from_store(store_failure failure);

} // namespace tenbit::report

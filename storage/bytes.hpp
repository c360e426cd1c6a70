// Fixed-width big-endian numbers and length-prefixed text: what keys and rows are made of.
//
// put_* append to a string. byte_reader takes fields in order and is total: once a field does not
// fit, every later one reads as zero or empty and complete() is false. Values only, no threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/hash.hpp"

namespace tenbit::storage {

template <class Number> void put(std::string& out, Number value) {
  static_assert(std::is_unsigned_v<Number>);
  for (std::size_t i = sizeof(Number); i-- > 0;)
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
}
inline void put(std::string& out, const hash256& value) {
  out.append(value.view());
}
// u32 length, then the bytes.
inline void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

class byte_reader {
public:
  explicit byte_reader(std::string_view bytes) : rest_(bytes) {}

  template <class Number> void take(Number& out) {
    static_assert(std::is_unsigned_v<Number>);
    std::uint64_t value = 0;
    for (const char c : raw(sizeof(Number)))
      value = value << 8 | static_cast<unsigned char>(c);
    out = static_cast<Number>(value);
  }
  void take(hash256& out) { out = hash256::from_bytes(raw(hash256::size)).value_or(hash256{}); }
  void take(bool& out) {
    std::uint8_t value = 0;
    take(value);
    failed_ = failed_ || value > 1;
    out = value == 1;
  }
  void take_text(std::string& out) {
    std::uint32_t size = 0;
    take(size);
    out = raw(size);
  }
  // The next `size` bytes; empty when there are fewer.
  std::string_view raw(std::size_t size) {
    if (failed_ || size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }
  [[nodiscard]] bool failed() const { return failed_; }
  // All fields fitted and nothing is left.
  [[nodiscard]] bool complete() const { return !failed_ && rest_.empty(); }

private:
  std::string_view rest_;
  bool failed_ = false;
};

} // namespace tenbit::storage

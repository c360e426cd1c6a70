// INTERNAL: msgpack one field at a time, for the records of event.cpp and the frames of wire.cpp.
//
// A value lists its fields once, in a template `fields(io, value)`; writer, sizer and reader go
// through the same list. There is one form: every number, text and array in its shortest head,
// floats as float64. So what was decoded encodes to the same bytes again.
//
// The reader builds no tree: it allocates for what it has read, never for what a head promises, so
// an array of 2^32 items in five bytes costs nothing. It takes fields in order, remembers the
// first that does not fit, and reads later ones as empty; finish() says what was wrong. Values on
// the stack of one thread; the reader refers to the caller's bytes.
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/expected.hpp"
#include "base/hash.hpp"

namespace tenbit::msgpack_io {

// `like<call_event> auto& e`: to be written (const) or read.
template <class T, class U>
concept like = std::same_as<std::remove_const_t<T>, U>;

// The lead bytes of a kind of value, by the width of the length or number that follows; 0: none.
struct head {
  bool has_fixed = false; // lead bytes fixed … fixed + fixed_max hold the length themselves
  unsigned char fixed = 0, fixed_max = 0;
  unsigned char one = 0, two = 0, four = 0, eight = 0;
};
inline constexpr head number_head{true, 0x00, 0x7f, 0xcc, 0xcd, 0xce, 0xcf};
inline constexpr head str_head{true, 0xa0, 31, 0xd9, 0xda, 0xdb, 0};
inline constexpr head bin_head{false, 0, 0, 0xc4, 0xc5, 0xc6, 0};
inline constexpr head array_head{true, 0x90, 15, 0, 0xdc, 0xdd, 0};

// Counts the fields, and the bytes they take at most.
class sizer {
public:
  [[nodiscard]] std::uint32_t fields() const { return fields_; }
  [[nodiscard]] std::size_t bytes_max() const { return bytes_; }

  void number(std::string_view, std::unsigned_integral auto) { add(0); }
  void choice(std::string_view, auto, auto) { add(0); }
  void flag(std::string_view, bool) { add(0); }
  void str(std::string_view, const std::string& value) { add(value.size()); }
  void text(std::string_view, std::size_t, const std::string& value) { add(value.size()); }
  void bytes(std::string_view, std::size_t, const std::string& value) { add(value.size()); }
  void hash(std::string_view, const hash256&) { add(hash256::size); }
  void real(std::string_view, double) { add(0); }
  void finite(std::string_view, double) { add(0); }
  // A value written elsewhere, of so many bytes at most.
  void other(std::size_t bytes_max) { add(bytes_max); }
  void maybe(std::string_view, bool present, auto&& field) {
    if (present)
      field(*this);
    else
      add(0);
  }
  template <class T> void optional(std::string_view, const std::optional<T>& value, auto&& field) {
    if (value)
      field(*this, *value);
    else
      add(0);
  }
  void tuple(std::string_view, auto&& inner) {
    const auto before = fields_;
    inner(*this);
    fields_ = before;
    add(0);
  }
  template <class Item>
  void list(std::string_view, std::size_t, const std::vector<Item>& items, auto&& each) {
    const auto before = fields_;
    for (const auto& item : items)
      each(*this, item);
    fields_ = before;
    add(0);
  }

private:
  static constexpr std::size_t head_bytes_max = 9;
  void add(std::size_t bytes) {
    ++fields_;
    bytes_ += head_bytes_max + bytes;
  }
  std::uint32_t fields_ = 0;
  std::size_t bytes_ = 0;
};

// Appends to a string of the caller.
class writer {
public:
  explicit writer(std::string& out) : out_(out) {}

  void number(std::string_view, std::unsigned_integral auto value) { lead(number_head, value); }
  void choice(std::string_view, auto, auto value) {
    lead(number_head, static_cast<std::uint64_t>(value));
  }
  void flag(std::string_view, bool value) { out_.push_back(value ? '\xc3' : '\xc2'); }
  void str(std::string_view, const std::string& value) { body(str_head, value); }
  void text(std::string_view, std::size_t, const std::string& value) { body(str_head, value); }
  void bytes(std::string_view, std::size_t, const std::string& value) { body(bin_head, value); }
  void hash(std::string_view, const hash256& value) { body(bin_head, value.view()); }
  void real(std::string_view, double value);
  void finite(std::string_view name, double value) { real(name, value); }
  void maybe(std::string_view, bool present, auto&& field) {
    if (present)
      field(*this);
    else
      nil();
  }
  template <class T> void optional(std::string_view, const std::optional<T>& value, auto&& field) {
    if (value)
      field(*this, *value);
    else
      nil();
  }
  void tuple(std::string_view, auto&& inner) {
    sizer count;
    inner(count);
    lead(array_head, count.fields());
    inner(*this);
  }
  template <class Item>
  void list(std::string_view, std::size_t, const std::vector<Item>& items, auto&& each) {
    lead(array_head, items.size());
    for (const auto& item : items)
      each(*this, item);
  }
  // A bin of what append(out) appends.
  void bytes_of(auto&& append) {
    const std::size_t from = out_.size();
    out_.append(bin_lead_bytes_max, '\0');
    append(out_);
    close_bytes(from);
  }

private:
  static constexpr std::size_t bin_lead_bytes_max = 5;
  void nil() { out_.push_back('\xc0'); }
  void lead(const head& kind, std::uint64_t value);
  void body(const head& kind, std::string_view value) {
    lead(kind, value.size());
    out_.append(value);
  }
  void close_bytes(std::size_t from);

  std::string& out_;
};

class reader {
public:
  // The bytes of one value.
  explicit reader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool ok() const { return mistake_.empty(); }
  // The first mistake; empty when every field was taken and fitted and no byte is left.
  [[nodiscard]] std::string finish();
  // The value is not what it should be: `what` follows the name of the field.
  void wrong(std::string_view name, std::string_view what);
  void fail(std::string mistake);

  template <std::unsigned_integral Number> void number(std::string_view name, Number& out) {
    std::uint64_t value = 0;
    if (!start(name) || !lead(name, number_head, value))
      return;
    if (value > std::numeric_limits<Number>::max())
      return wrong(name, "is too large");
    out = static_cast<Number>(value);
  }
  template <class Enum> void choice(std::string_view name, Enum last, Enum& out) {
    std::uint64_t value = 0;
    number(name, value);
    if (value > static_cast<std::uint64_t>(last))
      return wrong(name, "is not a known value");
    out = static_cast<Enum>(value);
  }
  void flag(std::string_view name, bool& out);
  // Any bytes written as text.
  void str(std::string_view name, std::string& out);
  // Valid UTF-8 of at most so many bytes.
  void text(std::string_view name, std::size_t bytes_max, std::string& out);
  void bytes(std::string_view name, std::size_t bytes_max, std::string& out);
  // The same without a copy.
  [[nodiscard]] std::string_view view(std::string_view name, std::size_t bytes_max);
  void hash(std::string_view name, hash256& out);
  void real(std::string_view name, double& out);
  void finite(std::string_view name, double& out) {
    real(name, out);
    if (!std::isfinite(out))
      wrong(name, "is not finite");
  }
  // nil, or what `field` takes; it must take one field.
  void maybe(std::string_view, bool& present, auto&& field) {
    present = !take_nil();
    if (present)
      field(*this);
  }
  template <class T> void optional(std::string_view, std::optional<T>& value, auto&& field) {
    value.reset();
    if (!take_nil())
      field(*this, value.emplace());
  }
  // An array of the fields that `inner` takes, no more and no fewer.
  void tuple(std::string_view name, auto&& inner) {
    const auto outer = enter(name, std::numeric_limits<std::uint32_t>::max());
    inner(*this);
    leave(outer);
  }
  // An array of at most so many items; `each` takes one.
  template <class Item>
  void list(std::string_view name, std::size_t items_max, std::vector<Item>& out, auto&& each) {
    const auto outer = enter(name, items_max);
    out.clear();
    while (ok() && here_.left > 0) {
      const auto before = here_.left;
      each(*this, out.emplace_back());
      TENBIT_ASSERT(!ok() || here_.left == before - 1);
    }
    leave(outer);
  }

private:
  struct array {
    std::uint32_t left = 1;  // fields to come
    std::uint32_t taken = 0; // for messages
  };
  // True when there is a field to read; it counts as taken.
  bool start(std::string_view name);
  bool lead(std::string_view name, const head& kind, std::uint64_t& out);
  std::optional<std::string_view> body(std::string_view name, const head& kind,
                                       std::size_t bytes_max);
  bool take_nil();
  array enter(std::string_view name, std::size_t items_max);
  void leave(array outer);

  std::string_view rest_;
  array here_;
  std::string mistake_;
};

} // namespace tenbit::msgpack_io

#include "actors/msgpack_io.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

#include "base/text.hpp"

namespace tenbit::msgpack_io {
namespace {

constexpr auto lead_float64 = '\xcb';
constexpr auto lead_nil = '\xc0';

void append_big_endian(std::string& out, std::uint64_t value, int width) {
  char bytes[8];
  for (int i = 0; i < width; ++i)
    bytes[i] = static_cast<char>(value >> (8 * (width - 1 - i)));
  out.append(bytes, static_cast<std::size_t>(width));
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes)
    value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// Bytes after this lead byte that hold the length or number; 0: it is no lead of this kind.
std::size_t width_of(const head& kind, unsigned char lead) {
  if (lead == 0)
    return 0;
  if (lead == kind.one)
    return 1;
  if (lead == kind.two)
    return 2;
  if (lead == kind.four)
    return 4;
  return lead == kind.eight ? 8 : 0;
}

// The least value that needs so many bytes.
std::uint64_t least_of(const head& kind, std::size_t width) {
  switch (width) {
  case 8:
    return std::uint64_t{1} << 32;
  case 4:
    return std::uint64_t{1} << 16;
  case 2:
    if (kind.one != 0)
      return std::uint64_t{1} << 8;
    [[fallthrough]];
  default:
    return kind.has_fixed ? std::uint64_t{kind.fixed_max} + 1 : 0;
  }
}

} // namespace

void writer::lead(const head& kind, std::uint64_t value) {
  const auto with = [&](unsigned char first, int width) {
    out_.push_back(static_cast<char>(first));
    append_big_endian(out_, value, width);
  };
  if (kind.has_fixed && value <= kind.fixed_max)
    return out_.push_back(static_cast<char>(kind.fixed + value));
  if (kind.one != 0 && value <= 0xff)
    return with(kind.one, 1);
  if (value <= 0xffff)
    return with(kind.two, 2);
  if (value <= 0xffff'ffff)
    return with(kind.four, 4);
  TENBIT_ASSERT(kind.eight != 0);
  with(kind.eight, 8);
}

void writer::real(std::string_view, double value) {
  out_.push_back(lead_float64);
  append_big_endian(out_, std::bit_cast<std::uint64_t>(value), 8);
}

// The room before the body was for the longest lead; what is not used goes.
void writer::close_bytes(std::size_t from) {
  const std::size_t size = out_.size() - from - bin_lead_bytes_max;
  std::string first;
  writer(first).lead(bin_head, size);
  const std::size_t gap = bin_lead_bytes_max - first.size();
  std::copy(first.begin(), first.end(), out_.begin() + static_cast<std::ptrdiff_t>(from));
  if (gap != 0)
    out_.erase(from + first.size(), gap);
}

std::string reader::finish() {
  if (ok() && here_.left != 0)
    fail("is empty");
  if (ok() && !rest_.empty())
    fail(fmt::format("{} bytes after its end", rest_.size()));
  return std::move(mistake_);
}

void reader::wrong(std::string_view name, std::string_view what) {
  if (ok())
    mistake_ = fmt::format("field {} ({}) {}", here_.taken, name, what);
}

void reader::fail(std::string mistake) {
  if (ok())
    mistake_ = std::move(mistake);
}

bool reader::start(std::string_view name) {
  if (!ok())
    return false;
  ++here_.taken;
  if (here_.left == 0)
    return wrong(name, "is missing"), false;
  --here_.left;
  if (rest_.empty())
    return wrong(name, "is cut off"), false;
  return true;
}

bool reader::lead(std::string_view name, const head& kind, std::uint64_t& out) {
  const auto first = static_cast<unsigned char>(rest_.front());
  if (kind.has_fixed && first >= kind.fixed && first - kind.fixed <= kind.fixed_max) {
    out = static_cast<std::uint64_t>(first - kind.fixed);
    rest_.remove_prefix(1);
    return true;
  }
  const std::size_t width = width_of(kind, first);
  if (width == 0)
    return wrong(name, "has another type"), false;
  if (rest_.size() < 1 + width)
    return wrong(name, "is cut off"), false;
  out = big_endian(rest_.substr(1, width));
  rest_.remove_prefix(1 + width);
  if (out < least_of(kind, width))
    return wrong(name, "is not in its shortest form"), false;
  return true;
}

std::optional<std::string_view> reader::body(std::string_view name, const head& kind,
                                             std::size_t bytes_max) {
  std::uint64_t size = 0;
  if (!start(name) || !lead(name, kind, size))
    return std::nullopt;
  if (size > bytes_max) {
    wrong(name, fmt::format("is longer than {} bytes", bytes_max));
    return std::nullopt;
  }
  if (size > rest_.size()) {
    wrong(name, "is cut off");
    return std::nullopt;
  }
  const auto out = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return out;
}

void reader::flag(std::string_view name, bool& out) {
  if (!start(name))
    return;
  const char first = rest_.front();
  if (first != '\xc2' && first != '\xc3')
    return wrong(name, "has another type");
  out = first == '\xc3';
  rest_.remove_prefix(1);
}

void reader::str(std::string_view name, std::string& out) {
  if (const auto value = body(name, str_head, rest_.size()))
    out.assign(*value);
}

void reader::text(std::string_view name, std::size_t bytes_max, std::string& out) {
  const auto value = body(name, str_head, bytes_max);
  if (!value)
    return;
  if (!valid_utf8(*value))
    return wrong(name, "is not UTF-8");
  out.assign(*value);
}

void reader::bytes(std::string_view name, std::size_t bytes_max, std::string& out) {
  out.assign(view(name, bytes_max));
}

std::string_view reader::view(std::string_view name, std::size_t bytes_max) {
  return body(name, bin_head, bytes_max).value_or(std::string_view{});
}

void reader::hash(std::string_view name, hash256& out) {
  const auto value = body(name, bin_head, hash256::size);
  if (!value)
    return;
  const auto read = hash256::from_bytes(*value);
  if (!read)
    return wrong(name, "is not 32 bytes");
  out = *read;
}

void reader::real(std::string_view name, double& out) {
  if (!start(name))
    return;
  if (rest_.front() != lead_float64)
    return wrong(name, "has another type");
  if (rest_.size() < 9)
    return wrong(name, "is cut off");
  out = std::bit_cast<double>(big_endian(rest_.substr(1, 8)));
  rest_.remove_prefix(9);
}

bool reader::take_nil() {
  const bool nil = ok() && here_.left > 0 && !rest_.empty() && rest_.front() == lead_nil;
  if (nil) {
    rest_.remove_prefix(1);
    --here_.left;
    ++here_.taken;
  }
  return nil;
}

reader::array reader::enter(std::string_view name, std::size_t items_max) {
  std::uint64_t items = 0;
  if (start(name) && lead(name, array_head, items)) {
    if (items > items_max)
      wrong(name, fmt::format("has more than {} items", items_max));
    else if (items > rest_.size()) // every item takes a byte at least
      wrong(name, "is cut off");
  }
  return std::exchange(here_, array{ok() ? static_cast<std::uint32_t>(items) : 0, 0});
}

void reader::leave(array outer) {
  if (ok() && here_.left != 0)
    fail("more fields than the kind has");
  here_ = outer;
}

} // namespace tenbit::msgpack_io

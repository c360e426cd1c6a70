// Rows of the journal and of the ledger: the grammar stands at the top of keys.hpp.
#include "config/limits.hpp"
#include "storage/bytes.hpp"
#include "storage/keys.hpp"

namespace tenbit::storage {
namespace {

constexpr char origin_follows = '\xc1'; // msgpack never uses it

} // namespace

void begin_event_row(std::string_view by, std::string& row) {
  row.clear();
  if (by.empty())
    return;
  TENBIT_ASSERT(by.size() <= limits::peer_name_chars_max);
  row += origin_follows;
  row += static_cast<char>(by.size());
  row += by;
}

hash256 event_hash(std::string_view key, const hash256& previous, std::string_view hashed) {
  return hasher("event").field(previous.view()).field(key).field(hashed).finish();
}

hash256 seal_event_row(std::string_view key, const hash256& previous, std::string& row) {
  const auto own = event_hash(key, previous, row);
  put(row, previous);
  put(row, own);
  return own;
}

std::optional<event_row> read_event_row(std::string_view bytes) {
  if (bytes.size() < 2 * hash256::size)
    return std::nullopt;
  byte_reader from(bytes);
  event_row out;
  out.hashed = from.raw(bytes.size() - 2 * hash256::size);
  from.take(out.previous);
  from.take(out.own);
  out.event_bytes = out.hashed;
  if (out.hashed.empty() || out.hashed.front() != origin_follows)
    return out;
  const std::size_t length =
      out.hashed.size() > 1 ? static_cast<unsigned char>(out.hashed[1]) : std::size_t{0};
  if (length == 0 || length > limits::peer_name_chars_max || out.hashed.size() < 2 + length)
    return std::nullopt;
  out.by = out.hashed.substr(2, length);
  out.event_bytes = out.hashed.substr(2 + length);
  return out;
}

std::optional<bit_row> read_bit_row(std::string_view bytes) {
  byte_reader from(bytes);
  bit_row out;
  from.take(out.seq);
  out.event_bytes = from.raw(from.left());
  return from.complete() ? std::optional(out) : std::nullopt;
}

} // namespace tenbit::storage

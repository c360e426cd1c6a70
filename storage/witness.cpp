#include "storage/witness.hpp"

#include <charconv>
#include <fmt/format.h>
#include <iterator>
#include <rocksdb/env.h>

#include "storage/failure.hpp"

namespace tenbit::storage {
namespace {

constexpr std::string_view title = "tenbit-witness 1\n";
constexpr std::size_t slot_size = 512; // one sector, written whole
constexpr std::size_t file_bytes_max = 2 * slot_size;

// Takes "name value\n" off the front; empty when it is not there.
std::string_view take_line(std::string_view& from, std::string_view name) {
  const auto end = from.find('\n');
  if (end == std::string_view::npos || !from.starts_with(name))
    return {};
  const auto value = from.substr(name.size(), end - name.size());
  from.remove_prefix(end + 1);
  return value;
}

bool take_number(std::string_view& from, std::string_view name, std::uint64_t& out) {
  const auto value = take_line(from, name);
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  return !value.empty() && error == std::errc{} && end == value.data() + value.size();
}

bool take_hash(std::string_view& from, std::string_view name, hash256& out) {
  const auto value = hash256::from_hex(take_line(from, name));
  out = value.value_or(hash256{});
  return value.has_value();
}

void encode_slot(const durable_point& point, std::string& out) {
  const auto start = out.size();
  encode_to(point, out);
  TENBIT_ASSERT(out.size() - start <= slot_size);
  out.resize(start + slot_size, '\n');
}

} // namespace

void encode_to(const durable_point& point, std::string& out) {
  const auto start = out.size();
  out += title;
  fmt::format_to(std::back_inserter(out), "store {}\nincarnation {}\ncommit_seq {}\nchain {}\n",
                 hex(point.store), point.incarnation, point.commit_seq, point.chain.hex());
  const auto check = hasher("witness").field(std::string_view(out).substr(start)).finish();
  fmt::format_to(std::back_inserter(out), "check {}\n", check.hex());
}

std::optional<durable_point> read_point(std::string_view bytes) {
  auto rest = bytes;
  if (!rest.starts_with(title))
    return std::nullopt;
  rest.remove_prefix(title.size());
  durable_point out;
  const auto id = take_line(rest, "store ");
  if (id.size() != 2 * out.store.size())
    return std::nullopt;
  // 32 digits are half a hash; the other half is made up.
  const auto padded = hash256::from_hex(std::string(id) + std::string(id));
  if (!padded || !take_number(rest, "incarnation ", out.incarnation) ||
      !take_number(rest, "commit_seq ", out.commit_seq) || !take_hash(rest, "chain ", out.chain))
    return std::nullopt;
  std::copy_n(padded->bytes.begin(), out.store.size(), out.store.begin());
  const auto checked = bytes.substr(0, bytes.size() - rest.size());
  hash256 check;
  if (!take_hash(rest, "check ", check) || hasher("witness").field(checked).finish() != check ||
      rest.find_first_not_of('\n') != std::string_view::npos)
    return std::nullopt;
  return out;
}

expected<std::optional<durable_point>, store_failure> read_anchor(rocksdb::Env& env,
                                                                  const std::string& path) {
  auto bytes = read_small(env, path, file_bytes_max);
  if (!bytes)
    return fail(std::move(bytes.error()));
  if (!*bytes)
    return std::optional<durable_point>{};
  const auto point = read_point(**bytes);
  if (!point)
    return fail(store_failure{store_error::corrupt, path + ": is damaged (its check fails)"});
  return point;
}

status<store_failure> write_anchor(rocksdb::Env& env, const std::string& dir,
                                   const std::string& path, const durable_point& point) {
  std::string bytes;
  encode_to(point, bytes);
  return replace_file(env, dir, path, bytes);
}

expected<std::optional<durable_point>, store_failure> read_receipt(rocksdb::Env& env,
                                                                   const std::string& path) {
  auto bytes = read_small(env, path, file_bytes_max);
  if (!bytes)
    return fail(std::move(bytes.error()));
  if (!*bytes)
    return std::optional<durable_point>{};
  std::optional<durable_point> newest;
  for (std::size_t at = 0; at < (*bytes)->size(); at += slot_size) {
    const auto point = read_point(std::string_view(**bytes).substr(at, slot_size));
    if (point && (!newest || point->commit_seq > newest->commit_seq))
      newest = point;
  }
  if (!newest)
    return fail(store_failure{store_error::corrupt, path + ": is damaged (no slot can be read)"});
  return newest;
}

expected<receipt_file, store_failure> receipt_file::start(rocksdb::Env& env, const std::string& dir,
                                                          const std::string& path,
                                                          const durable_point& point) {
  std::string bytes;
  encode_slot(point, bytes);
  encode_slot(point, bytes);
  if (auto written = replace_file(env, dir, path, bytes); !written)
    return fail(std::move(written.error()));
  std::unique_ptr<rocksdb::RandomRWFile> file;
  if (const auto opened = env.NewRandomRWFile(path, &file, rocksdb::EnvOptions()); !opened.ok())
    return fail(io_failure(path, "opened", opened.ToString()));
  return receipt_file(std::move(file), path);
}

receipt_file::receipt_file(std::unique_ptr<rocksdb::RandomRWFile> file, std::string path)
    : file_(std::move(file)), path_(std::move(path)) {}
receipt_file::receipt_file(receipt_file&&) noexcept = default;
receipt_file& receipt_file::operator=(receipt_file&&) noexcept = default;
receipt_file::~receipt_file() = default;

status<store_failure> receipt_file::note(const durable_point& point) {
  slot_.clear();
  encode_slot(point, slot_);
  const auto at = point.commit_seq % 2 * slot_size;
  if (const auto status = file_->Write(at, slot_); !status.ok())
    return fail(io_failure(path_, "written", status.ToString()));
  return {};
}

} // namespace tenbit::storage

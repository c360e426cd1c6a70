#include "workers/oracle_ledger.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/kill_point.hpp"

namespace tenbit {
namespace {

constexpr std::size_t check_bytes = 8;
constexpr std::size_t body_bytes = 64;
constexpr std::size_t record_bytes = body_bytes + check_bytes;

template <class Number> void put(std::string& out, Number value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

template <class Number> Number take(std::string_view& from) {
  Number out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i)
    out = static_cast<Number>(out | static_cast<Number>(static_cast<unsigned char>(from[i]))
                                        << (8 * i));
  from.remove_prefix(sizeof out);
  return out;
}

std::string check_of(std::string_view body) {
  return std::string(hasher("bit").field(body).finish().view().substr(0, check_bytes));
}

std::string io_error(const std::string& path, const char* what) {
  return fmt::format("{}: {}: {}", path, what, std::strerror(errno));
}

} // namespace

expected<std::unique_ptr<oracle_ledger>, std::string> oracle_ledger::open(const std::string& dir) {
  std::error_code problem;
  std::filesystem::create_directories(dir, problem);
  if (problem)
    return fail(fmt::format("{}: cannot be made: {}", dir, problem.message()));
  const std::string path = dir + "/ledger";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0)
    return fail(io_error(path, "cannot be opened"));
  std::unique_ptr<oracle_ledger> out(new oracle_ledger(file, path));
  if (::flock(file, LOCK_EX | LOCK_NB) != 0)
    return fail(path + ": another oracle uses it; give each its own --state folder");
  if (auto loaded = out->load(); !loaded)
    return fail(loaded.error());
  // Its name is durable before the first bit that is.
  const int folder = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  std::string why = synced ? std::string() : io_error(dir, "cannot be synced");
  if (folder >= 0)
    ::close(folder);
  if (!synced)
    return fail(std::move(why));
  return out;
}

oracle_ledger::~oracle_ledger() {
  ::close(file_);
}

status<std::string> oracle_ledger::load() {
  std::string bytes;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t got = ::read(file_, buffer, sizeof buffer);
    if (got < 0)
      return fail(io_error(path_, "cannot be read"));
    if (got == 0)
      break;
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
  const std::size_t whole = bytes.size() / record_bytes;
  for (std::size_t i = 0; i < whole; ++i) {
    const std::string_view record(bytes.data() + i * record_bytes, record_bytes);
    std::string_view body = record.substr(0, body_bytes);
    if (check_of(body) != record.substr(body_bytes))
      return fail(
          fmt::format("{}: record {} of {} is damaged. Restore the file from a copy that is "
                      "not older, or remove it only if no bit of it was ever given",
                      path_, i + 1, whole));
    task_id task;
    arm_trial where;
    task.experiment.value = take<std::uint64_t>(body);
    task.problem.value = take<std::uint64_t>(body);
    where.arm.value = take<std::uint16_t>(body);
    where.trial.value = take<std::uint16_t>(body);
    const auto index = take<std::uint32_t>(body);
    given bit;
    bit.value = static_cast<answer>(body[0]);
    body.remove_prefix(8);
    std::memcpy(bit.question.bytes.data(), body.data(), body.size());
    if (bits_.emplace(place{task, where, index}, bit).second)
      ++counts_[task.experiment];
  }
  if (bytes.size() % record_bytes != 0 &&
      (::ftruncate(file_, static_cast<off_t>(whole * record_bytes)) != 0 || ::fsync(file_) != 0))
    return fail(io_error(path_, "its torn end cannot be cut off"));
  return {};
}

std::optional<oracle_ledger::given> oracle_ledger::find(const task_id& task, const arm_trial& where,
                                                        bit_index index) const {
  const auto known = bits_.find(place{task, where, index.value});
  return known == bits_.end() ? std::nullopt : std::optional(known->second);
}

oracle_ledger::added oracle_ledger::add(const task_id& task, const bit_event& bit) {
  const auto [known, fresh] = bits_.try_emplace(place{task, bit.where, bit.index.value},
                                                given{bit.value, bit.question_hash});
  if (!fresh)
    return known->second.value == bit.value && known->second.question == bit.question_hash
               ? added::known
               : added::other;
  ++counts_[task.experiment];
  std::string body;
  put(body, task.experiment.value);
  put(body, task.problem.value);
  put(body, bit.where.arm.value);
  put(body, bit.where.trial.value);
  put(body, bit.index.value);
  put(body, std::uint64_t{static_cast<std::uint8_t>(bit.value)});
  body.append(bit.question_hash.view());
  unwritten_ += body + check_of(body);
  return added::fresh;
}

status<std::string> oracle_ledger::sync() {
  if (unwritten_.empty())
    return {};
  TENBIT_KILL_POINT("before_oracle_ledger");
  std::string_view rest = unwritten_;
  while (!rest.empty()) {
    const ssize_t put_now = ::write(file_, rest.data(), rest.size());
    if (put_now < 0)
      return fail(io_error(path_, "cannot be written"));
    rest.remove_prefix(static_cast<std::size_t>(put_now));
  }
  if (::fdatasync(file_) != 0)
    return fail(io_error(path_, "cannot be synced"));
  unwritten_.clear();
  TENBIT_KILL_POINT("after_oracle_ledger");
  return {};
}

} // namespace tenbit

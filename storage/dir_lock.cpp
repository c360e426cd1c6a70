#include "storage/dir_lock.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

#include "base/text.hpp"

namespace tenbit::storage {
namespace {

std::string holder(int fd) {
  std::array<char, 32> text{};
  const auto size = ::pread(fd, text.data(), text.size() - 1, 0);
  const std::string_view pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return trim(pid).empty() ? "an unnamed process" : "process " + one_line(trim(pid), 20);
}

} // namespace

expected<dir_lock, store_failure> dir_lock::take(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0)
    return fail(store_failure{store_error::io,
                              fmt::format("{}: cannot be opened: {}", path, std::strerror(errno))});
  dir_lock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return fail(store_failure{
          store_error::io, fmt::format("{}: cannot be locked: {}", path, std::strerror(errno))});
    return fail(store_failure{
        store_error::locked,
        fmt::format("{}: held by {}; wait until it ends, or stop it", path, holder(fd))});
  }
  const auto pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return fail(store_failure{
        store_error::io, fmt::format("{}: cannot be written: {}", path, std::strerror(errno))});
  return lock;
}

dir_lock::dir_lock(dir_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

dir_lock& dir_lock::operator=(dir_lock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

dir_lock::~dir_lock() {
  if (fd_ >= 0)
    ignore(::close(fd_), "the lock ends with the descriptor either way");
}

} // namespace tenbit::storage

#include "link/private_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sodium/randombytes.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tenbit::link {
namespace {

constexpr mode_t file_mode = 0600;
constexpr mode_t folder_mode = 0700;

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] int value() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }

private:
  int fd_;
};

auto failed(const std::string& path, std::string_view what) {
  return fail(fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

status<std::string> sync_folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty())
    folder = ".";
  const descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.open() || ::fsync(opened.value()) != 0)
    return failed(folder, "cannot be made durable");
  return {};
}

status<std::string> write_temporary(const std::string& path, std::string_view content) {
  const descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode));
  if (!file.open())
    return failed(path, "cannot be made");
  // The mode again: a default ACL of the folder may have widened it.
  if (::fchmod(file.value(), file_mode) != 0 || !write_all(file.value(), content) ||
      ::fsync(file.value()) != 0)
    return failed(path, "cannot be written");
  return {};
}

status<std::string> check_mode(const std::string& path, const struct stat& facts, others rule) {
  const bool loose =
      rule == others::may_nothing ? (facts.st_mode & 077U) != 0 : (facts.st_mode & 022U) != 0;
  if (!loose)
    return {};
  return fail(fmt::format("{}: others may {} it; run: chmod 600 {}", path,
                          rule == others::may_nothing ? "read or change" : "change", path));
}

} // namespace

expected<std::string, std::string> read_private(const std::string& path, std::size_t bytes_max,
                                                others rule) {
  const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open())
    return failed(path, "cannot be read");
  struct stat facts {};
  if (::fstat(file.value(), &facts) != 0)
    return failed(path, "cannot be read");
  if (!S_ISREG(facts.st_mode))
    return fail(fmt::format("{}: is no file", path));
  if (auto ok = check_mode(path, facts, rule); !ok)
    return fail(ok.error());
  std::string content(bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(file.value(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return failed(path, "cannot be read");
    if (got == 0)
      break;
    size += static_cast<std::size_t>(got);
  }
  if (size > bytes_max)
    return fail(fmt::format("{}: is larger than {} bytes", path, bytes_max));
  content.resize(size);
  return content;
}

status<std::string> write_private(const std::string& path, std::string_view content,
                                  existing rule) {
  const std::string temporary =
      fmt::format("{}.{:08x}{:08x}.tmp", path, ::randombytes_random(), ::randombytes_random());
  if (auto written = write_temporary(temporary, content); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  const unsigned flags = rule == existing::keep_and_fail ? RENAME_NOREPLACE : 0U;
  if (::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), flags) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    errno = error;
    if (error == EEXIST)
      return fail(fmt::format("{}: exists already; name another file or remove it first", path));
    return failed(path, "cannot be put in its place");
  }
  return sync_folder_of(path);
}

status<std::string> make_private_folder(const std::string& dir) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::path(dir).parent_path();
  if (!parent.empty())
    std::filesystem::create_directories(parent, error);
  if (error)
    return fail(fmt::format("{}: cannot be made: {}", parent.string(), error.message()));
  if (::mkdir(dir.c_str(), folder_mode) == 0)
    return sync_folder_of(dir);
  if (errno != EEXIST)
    return failed(dir, "cannot be made");
  struct stat facts {};
  if (::stat(dir.c_str(), &facts) != 0)
    return failed(dir, "cannot be used");
  if (!S_ISDIR(facts.st_mode))
    return fail(fmt::format("{}: is no folder", dir));
  if ((facts.st_mode & 077U) != 0)
    return fail(fmt::format("{}: others may enter it; name a folder that is not there yet, or "
                            "run: chmod 700 {}",
                            dir, dir));
  return {};
}

expected<folder_lock, std::string> folder_lock::take(const std::string& dir) {
  const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return fail(fmt::format("{}: cannot be opened: {}; make it with: tenbit keys init --dir {}",
                            dir, std::strerror(errno), dir));
  while (::flock(fd, LOCK_EX) != 0) {
    if (errno == EINTR)
      continue;
    const int error = errno;
    ::close(fd);
    return fail(fmt::format("{}: cannot be locked: {}", dir, std::strerror(error)));
  }
  return folder_lock(fd);
}

folder_lock::folder_lock(folder_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

folder_lock::~folder_lock() {
  if (fd_ >= 0)
    ::close(fd_); // closing unlocks
}

} // namespace tenbit::link

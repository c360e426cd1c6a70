#include "control/audit_log.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tenbit::control {
namespace {

// A new file's name is durable only when its folder is.
status<std::string> sync_folder_of(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty())
    folder = ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || ::fsync(fd) != 0) {
    const std::string why = std::strerror(errno);
    if (fd >= 0)
      ::close(fd);
    return fail(fmt::format("cannot sync the folder of the audit log {}: {}", path, why));
  }
  ::close(fd);
  return {};
}

class file_log final : public audit_log {
public:
  file_log(std::string path, int fd, bool torn) : path_(std::move(path)), fd_(fd), torn_(torn) {}
  ~file_log() override { ::close(fd_); } // every line is synced already
  file_log(const file_log&) = delete;
  file_log& operator=(const file_log&) = delete;

  [[nodiscard]] status<std::string> append(std::string_view line) override {
    const std::lock_guard lock(mutex_);
    const std::string bytes = (torn_ ? "\n" : "") + std::string(line) + "\n";
    torn_ = true; // until all of it is there
    for (std::size_t sent = 0; sent < bytes.size();) {
      const auto wrote = ::write(fd_, bytes.data() + sent, bytes.size() - sent);
      if (wrote < 0 && errno == EINTR)
        continue;
      if (wrote <= 0)
        return failed("write");
      sent += static_cast<std::size_t>(wrote);
    }
    torn_ = false;
    if (::fdatasync(fd_) != 0)
      return failed("sync");
    return {};
  }

private:
  [[nodiscard]] tl::unexpected<std::string> failed(const char* what) const {
    return fail(fmt::format("cannot {} the audit log {}: {}", what, path_, std::strerror(errno)));
  }

  std::mutex mutex_;
  std::string path_;
  int fd_;
  bool torn_; // the file ends in the middle of a line
};

} // namespace

expected<std::unique_ptr<audit_log>, std::string> audit_log::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return fail(fmt::format("cannot open the audit log {}: {}", path, std::strerror(errno)));
  struct stat file {};
  char last = '\n';
  if (::fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) ||
      (file.st_size > 0 && ::pread(fd, &last, 1, file.st_size - 1) != 1)) {
    ::close(fd);
    return fail(fmt::format("the audit log {} is not a readable file", path));
  }
  auto out = std::make_unique<file_log>(path, fd, last != '\n');
  if (auto synced = sync_folder_of(path); !synced)
    return fail(std::move(synced.error()));
  return out;
}

} // namespace tenbit::control

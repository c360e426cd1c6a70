#include "control/socket_path.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace tenbit::control {
namespace {

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  [[nodiscard]] int value() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

private:
  int fd_;
};

sockaddr_un address_of(const std::string& path) {
  sockaddr_un out{};
  out.sun_family = AF_UNIX;
  std::memcpy(out.sun_path, path.data(), std::min(path.size(), sizeof(out.sun_path) - 1));
  return out;
}

bool writable_by_others(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  struct stat found {};
  return ::stat(folder.empty() ? "." : folder.c_str(), &found) == 0 &&
         (found.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (found.st_mode & S_ISVTX) == 0;
}

enum class other_end { none, stale, lives, no_socket };

other_end look_at(const std::string& path) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0)
    return other_end::none;
  if (!S_ISSOCK(file.st_mode))
    return other_end::no_socket;
  const descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto address = address_of(path);
  const bool refused =
      ::connect(probe.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == ECONNREFUSED;
  return refused ? other_end::stale : other_end::lives; // in doubt it lives
}

class claim final : public socket_claim {
public:
  claim(std::string path, descriptor lock, std::optional<gid_t> group)
      : path_(std::move(path)), lock_(std::move(lock)), group_(group) {}
  ~claim() override {
    struct stat now {};
    if (bound_ && ::lstat(path_.c_str(), &now) == 0 && now.st_ino == bound_->st_ino &&
        now.st_dev == bound_->st_dev)
      ::unlink(path_.c_str()); // left behind it is found stale
  }
  claim(const claim&) = delete;
  claim& operator=(const claim&) = delete;

  [[nodiscard]] expected<int, std::string> listen(int backlog) override {
    descriptor made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = address_of(path_);
    const auto failed = [&](const char* what) {
      return fail(
          fmt::format("cannot {} the control socket {}: {}", what, path_, std::strerror(errno)));
    };
    // Linux gives the file the mode of the socket, so it is never open to others.
    if (made.value() < 0 || ::fchmod(made.value(), 0600) != 0)
      return failed("make");
    if (::bind(made.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return failed("bind");
    struct stat file {};
    if (::lstat(path_.c_str(), &file) != 0)
      return failed("find");
    bound_ = file;
    // A folder with the set-group-ID bit has given it the group already.
    if (group_ && file.st_gid != *group_ && ::lchown(path_.c_str(), uid_t(-1), *group_) != 0)
      return failed("give its group, of which this user must be a member,");
    const mode_t mode = group_ ? 0660 : 0600;
    if (::chmod(path_.c_str(), mode) != 0 || ::lstat(path_.c_str(), &file) != 0)
      return failed("protect");
    if ((file.st_mode & 0777) != mode || (group_ && file.st_gid != *group_))
      return fail(fmt::format("the control socket {} cannot be kept from others here; put it on a "
                              "local file system",
                              path_));
    if (::listen(made.value(), backlog) != 0)
      return failed("listen on");
    return made.release();
  }

private:
  std::string path_;
  descriptor lock_;
  std::optional<gid_t> group_;
  std::optional<struct stat> bound_;
};

} // namespace

expected<std::unique_ptr<socket_claim>, std::string>
socket_claim::take(const std::string& path, std::optional<gid_t> group) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path))
    return fail(fmt::format("the path of the control socket has {} bytes, it must have 1 to {}; "
                            "give a shorter one: {}",
                            path.size(), sizeof(sockaddr_un::sun_path) - 1, path));
  if (group && writable_by_others(path))
    return fail(fmt::format("the folder of the control socket {} is one that others may write to, "
                            "who could put another file there: give it mode 0750",
                            path));
  const std::string beside = path + ".lock";
  descriptor lock(::open(beside.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.value() < 0)
    return fail(fmt::format("cannot make {}: {}", beside, std::strerror(errno)));
  const auto taken = [&] {
    return fail(
        fmt::format("another coordinator serves {}; stop it first, or give another path", path));
  };
  if (::flock(lock.value(), LOCK_EX | LOCK_NB) != 0)
    return taken();
  switch (look_at(path)) {
  case other_end::none:
    break;
  case other_end::lives:
    return taken();
  case other_end::no_socket:
    return fail(fmt::format("{} is there and is no socket; give another path", path));
  case other_end::stale:
    if (::unlink(path.c_str()) != 0)
      return fail(fmt::format("cannot remove the left socket {}: {}", path, std::strerror(errno)));
    break;
  }
  return std::make_unique<claim>(path, std::move(lock), group);
}

expected<peer_identity, std::string> identity_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return fail("cannot tell who is at the other end: " + std::string(std::strerror(errno)));
  peer_identity out{credentials.uid, fmt::format("uid {}", credentials.uid)};
  std::vector<char> buffer(16U << 10);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(credentials.uid, &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr)
    out.name = found->pw_name;
  return out;
}

} // namespace tenbit::control

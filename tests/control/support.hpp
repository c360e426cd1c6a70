// What the tests of control share: a folder of its own per test, a raw client, a full snapshot.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/expected.hpp"
#include "control/control.hpp"
#include "coordinator/cluster_status.hpp"

namespace tenbit::control_test {

class temporary_folder {
public:
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tenbit-control-XXXXXX").string();
    TENBIT_ASSERT(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~temporary_folder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  [[nodiscard]] std::string operator/(const char* name) const { return (path_ / name).string(); }
  [[nodiscard]] std::string path() const { return path_.string(); }

private:
  std::filesystem::path path_;
};

inline control::request make(std::string verb,
                             std::map<std::string, std::vector<std::string>> args = {},
                             std::string reason = {}) {
  return {.verb = std::move(verb), .args = std::move(args), .reason = std::move(reason), .who = {}};
}

inline std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// A connection that says anything; each read ends after ten seconds at the latest.
class raw_client {
public:
  explicit raw_client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~raw_client() { ::close(fd_); }
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;
  [[nodiscard]] bool connected() const { return connected_; }
  void send(const std::string& bytes) const {
    for (std::size_t sent = 0; sent < bytes.size();) {
      const auto n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0)
        return;
      sent += static_cast<std::size_t>(n);
    }
  }
  // Empty at the end of the connection.
  [[nodiscard]] std::string line() {
    for (;;) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        auto out = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return out;
      }
      char chunk[65536];
      const auto got = ::recv(fd_, chunk, sizeof chunk, 0);
      if (got <= 0)
        return {};
      buffer_.append(chunk, static_cast<std::size_t>(got));
    }
  }

private:
  int fd_;
  bool connected_ = false;
  std::string buffer_;
};

// Every field has a value of its own. Defined in snapshot.cpp.
[[nodiscard]] cluster_status full_snapshot();

} // namespace tenbit::control_test
